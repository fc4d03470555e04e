#include "core/api/label_parser.hpp"

#include <algorithm>

#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

using Op = LabelSelectorMatcher::Op;
using Requirement = LabelSelectorMatcher::Requirement;

enum class Token : uint8_t {
  error, end, closed, comma, negation, double_equals, equals, greater, identifier, in, less,
  not_equals, not_in, open,
};

struct Item {
  Token token = Token::end;
  std::string text;
};

Token token_of(std::string_view text) {
  if (text == ")") return Token::closed;
  if (text == ",") return Token::comma;
  if (text == "!") return Token::negation;
  if (text == "==") return Token::double_equals;
  if (text == "=") return Token::equals;
  if (text == ">") return Token::greater;
  if (text == "in") return Token::in;
  if (text == "<") return Token::less;
  if (text == "!=") return Token::not_equals;
  if (text == "notin") return Token::not_in;
  if (text == "(") return Token::open;
  return Token::error;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_special(char c) {
  return c == '=' || c == '!' || c == '(' || c == ')' || c == ',' || c == '>' || c == '<';
}

// The longest run of special characters that is a token.
Item scan_special(std::string_view text, std::size_t& at) {
  Item best{Token::error, {}};
  std::size_t length = 1;
  while (at + length <= text.size() && is_special(text[at + length - 1])) {
    const Token token = token_of(text.substr(at, length));
    if (token != Token::error) {
      best = {token, std::string(text.substr(at, length))};
    } else if (best.token != Token::error) {
      break;
    }
    ++length;
  }
  if (best.token == Token::error) {
    best.text = std::string(text.substr(at, length - 1));
    at += length - 1;
  } else {
    at += best.text.size();
  }
  return best;
}

std::vector<Item> scan(std::string_view text) {
  std::vector<Item> items;
  std::size_t at = 0;
  while (true) {
    while (at < text.size() && is_space(text[at])) ++at;
    if (at == text.size()) break;
    if (is_special(text[at])) {
      items.push_back(scan_special(text, at));
      continue;
    }
    const std::size_t start = at;
    while (at < text.size() && !is_special(text[at]) && !is_space(text[at])) ++at;
    const std::string_view word = text.substr(start, at - start);
    const Token token = token_of(word);
    items.push_back({token == Token::error ? Token::identifier : token, std::string(word)});
  }
  items.push_back({Token::end, {}});
  return items;
}

std::string found(const Item& item, std::string_view expected) {
  std::string text = "found '" + item.text + "', expected: ";
  return text.append(expected);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : items_(scan(text)) {}

  std::string parse(std::vector<Requirement>& out) {
    while (true) {
      const Item& next = look();
      if (next.token == Token::end) return {};
      if (next.token != Token::identifier && next.token != Token::negation) {
        return found(next, "!, identifier, or 'end of string'");
      }
      Requirement r;
      if (std::string wrong = parse_requirement(r); !wrong.empty()) {
        return "unable to parse requirement: " + wrong;
      }
      out.push_back(std::move(r));
      const Item& after = take();
      if (after.token == Token::end) return {};
      if (after.token != Token::comma) return found(after, "',' or 'end of string'");
      const Item& more = look();
      if (more.token != Token::identifier && more.token != Token::negation) {
        return found(more, "identifier after ','");
      }
    }
  }

 private:
  // Where a value may stand, "in" and "notin" are ordinary words.
  const Item& look() {
    Item& item = items_[std::min(at_, items_.size() - 1)];
    if (item.token == Token::in || item.token == Token::not_in) item.token = Token::identifier;
    return item;
  }
  const Item& take() {
    const Item& item = look();
    ++at_;
    return item;
  }

  std::string parse_requirement(Requirement& r) {
    const Item* item = &take();
    const bool negated = item->token == Token::negation;
    if (negated) item = &take();
    if (item->token != Token::identifier) return found(*item, "identifier");
    r.key = item->text;
    if (const auto wrong = check_qualified_name(r.key); !wrong.empty()) {
      std::string text = "<nil>: Invalid value: \"" + r.key + "\": " + wrong.front();
      for (std::size_t i = 1; i < wrong.size(); ++i) text += "; " + wrong[i];
      return text;
    }
    if (negated) {
      r.op = Op::not_exists;
      return {};
    }
    const Token next = items_[std::min(at_, items_.size() - 1)].token;
    if (next == Token::end || next == Token::comma) {
      r.op = Op::exists;
      return {};
    }
    std::string wrong = parse_operation(r);
    return wrong.empty() ? check_requirement(r) : wrong;
  }

  std::string parse_operation(Requirement& r) {
    const Item& op = items_[std::min(at_, items_.size() - 1)];
    ++at_;
    switch (op.token) {
      case Token::in: r.op = Op::in; return parse_values(r.values);
      case Token::not_in: r.op = Op::not_in; return parse_values(r.values);
      case Token::equals:
      case Token::double_equals: r.op = Op::in; return parse_value(r.values);
      case Token::not_equals: r.op = Op::not_in; return parse_value(r.values);
      case Token::greater: r.op = Op::greater; return parse_value(r.values);
      case Token::less: r.op = Op::less; return parse_value(r.values);
      default: return found(op, "in, notin, =, ==, !=, gt, lt");
    }
  }

  std::string parse_value(std::vector<std::string>& values) {
    const Token next = look().token;
    if (next == Token::end || next == Token::comma) {
      values.emplace_back();
      return {};
    }
    const Item& item = take();
    if (item.token != Token::identifier) return found(item, "identifier");
    values.push_back(item.text);
    return {};
  }

  std::string parse_values(std::vector<std::string>& values) {
    const Item& open = take();
    if (open.token != Token::open) return found(open, "'('");
    const Item& first = look();
    if (first.token == Token::closed) {
      take();
      return {};
    }
    if (first.token != Token::identifier && first.token != Token::comma) {
      return found(first, "',', ')' or identifier");
    }
    std::string wrong = parse_list(values);
    if (!wrong.empty()) return wrong;
    const Item& close = take();
    if (close.token != Token::closed) return found(close, "')'");
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return {};
  }

  // "a,b", where an omitted word is an empty value: "(,a)", "(a,)".
  std::string parse_list(std::vector<std::string>& values) {
    while (true) {
      const Item& item = take();
      if (item.token == Token::identifier) {
        values.push_back(item.text);
        const Item& next = look();
        if (next.token == Token::closed) return {};
        if (next.token != Token::comma) return found(next, "',' or ')'");
        continue;
      }
      if (item.token != Token::comma) return found(item, "',', or identifier");
      if (values.empty()) values.emplace_back();
      const Token next = look().token;
      if (next == Token::closed) {
        values.emplace_back();
        return {};
      }
      if (next == Token::comma) {
        take();
        values.emplace_back();
      }
    }
  }

  std::vector<Item> items_;
  std::size_t at_ = 0;
};

}  // namespace

std::string parse_label_requirements(std::string_view text,
                                     std::vector<LabelSelectorMatcher::Requirement>& out) {
  return Parser(text).parse(out);
}

}  // namespace keelson::api
