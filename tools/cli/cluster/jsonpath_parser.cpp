#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "tools/cli/cluster/jsonpath_steps.hpp"

namespace keelson::cli {

namespace {

using Step = JsonPath::Step;
using Segment = JsonPath::Segment;
using Steps = std::vector<Step>;

constexpr int kNestingMax = 60;  // of nested ranges and filters

Error bad_template(std::string message) {
  return {Code::invalid, std::move(message)};
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  // Segments until the end, or until {end} within a range. Throws Error.
  std::vector<Segment> segments(bool in_range) {
    if (++depth_ > kNestingMax) throw bad_template("the template nests too deeply");
    std::vector<Segment> out;
    while (at_ < text_.size()) {
      const auto brace = text_.find('{', at_);
      if (brace != at_) {
        const auto end = std::min(brace, text_.size());
        out.push_back({Segment::Kind::text, std::string(text_.substr(at_, end - at_)), {}, {}});
        at_ = end;
        continue;
      }
      ++at_;
      skip_spaces();
      if (take_word("end")) {
        close();
        if (!in_range) throw bad_template("not in range, nothing to end");
        --depth_;
        return out;
      }
      Segment segment{Segment::Kind::expression, {}, {}, {}};
      if (take_word("range")) segment.kind = Segment::Kind::range;
      segment.steps = steps("}");
      close();
      if (segment.kind == Segment::Kind::range) segment.body = segments(true);
      out.push_back(std::move(segment));
    }
    if (in_range) throw bad_template("unterminated range: {end} is missing");
    --depth_;
    return out;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool ended() const { return at_ >= text_.size(); }
  void skip_spaces() {
    while (peek() == ' ' || peek() == '\t') ++at_;
  }
  bool take(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  bool take_word(std::string_view word) {
    const auto after = text_.substr(std::min(at_ + word.size(), text_.size()));
    if (!text_.substr(at_).starts_with(word) || after.empty() ||
        (after[0] != ' ' && after[0] != '}')) {
      return false;
    }
    at_ += word.size();
    return true;
  }
  void close() {
    skip_spaces();
    if (!take("}"))
      throw bad_template(ended() ? "unclosed action" : fmt::format("unexpected \"{}\"", peek()));
  }

  static bool ends_name(char c) {
    return std::string_view(" \t\r\n.,[]$@{}()=!<>'\"|").find(c) != std::string_view::npos;
  }
  std::string name() {
    std::string out;
    while (!ended() && !ends_name(peek())) {
      if (peek() == '\\' && at_ + 1 < text_.size()) ++at_;  // kubernetes\.io: a dot in a name
      out += text_[at_++];
    }
    return out;
  }

  std::string quoted() {
    const char quote = text_[at_++];
    std::string out;
    while (!ended() && peek() != quote) {
      char c = text_[at_++];
      if (c == '\\' && !ended()) {
        c = text_[at_++];
        if (c == 'n') c = '\n';
        if (c == 't') c = '\t';
        if (c == 'r') c = '\r';
      }
      out += c;
    }
    if (ended()) throw bad_template("unterminated quoted string");
    ++at_;
    return out;
  }

  static Step of(Step::Kind kind) {
    Step step;
    step.kind = kind;
    return step;
  }
  static Step field(std::string name) {
    Step step = of(Step::Kind::field);
    step.name = std::move(name);
    return step;
  }
  static Step literal(Json value) {
    Step step = of(Step::Kind::literal);
    step.value = std::move(value);
    return step;
  }

  // Steps until one of `stops` (not taken) stands outside of brackets and quotes.
  Steps steps(std::string_view stops) {
    if (++depth_ > kNestingMax) throw bad_template("the expression nests too deeply");
    Steps out;
    for (;;) {
      skip_spaces();
      if (ended() || stops.find(peek()) != std::string_view::npos) break;
      const char c = peek();
      if (c == '$' || c == '@') {
        ++at_;
      } else if (c == '\'' || c == '"') {
        out.push_back(literal(Json(quoted())));
      } else if (c == '[') {
        out.push_back(bracket());
      } else if (take("..")) {
        out.push_back(of(Step::Kind::recursive));
        if (const std::string called = name(); called == "*") {
          out.push_back(of(Step::Kind::wildcard));
        } else if (!called.empty()) {
          out.push_back(field(called));
        }
      } else if (c == '.') {
        ++at_;
        if (const std::string called = name(); called == "*") {
          out.push_back(of(Step::Kind::wildcard));
        } else if (!called.empty()) {
          out.push_back(field(called));
        }
      } else {
        out.push_back(bare(name()));
      }
    }
    --depth_;
    return out;
  }

  Step bare(const std::string& word) {
    if (word.empty()) throw bad_template(fmt::format("unexpected character \"{}\"", peek()));
    if (word == "true" || word == "false") return literal(Json(word == "true"));
    const Json number = parse_tree(word + (peek() == '.' ? fraction() : ""));
    if (number.is_number()) return literal(number);
    if (word == "range" || word == "end") throw bad_template("unexpected " + word);
    throw bad_template("unrecognized identifier " + word);
  }
  std::string fraction() {
    std::string out(1, text_[at_++]);
    while (peek() >= '0' && peek() <= '9') out += text_[at_++];
    return out;
  }

  Step bracket() {
    ++at_;
    skip_spaces();
    if (take("?(")) return filter();
    if (take("*]")) return of(Step::Kind::wildcard);
    std::vector<Steps> parts;
    do {
      parts.push_back(element());
      skip_spaces();
    } while (take(","));
    if (!take("]")) throw bad_template("unterminated array");
    if (parts.size() == 1 && parts[0].size() == 1) return std::move(parts[0][0]);
    Step step = of(Step::Kind::unite);
    step.sides = std::move(parts);
    return step;
  }

  Steps element() {
    skip_spaces();
    if (peek() == '\'' || peek() == '"') {
      // A name in quotes is a path, dots and all: ['metadata.name'], ['kubernetes\.io/arch'].
      const auto end = text_.find(peek(), at_ + 1);
      if (end == std::string_view::npos) throw bad_template("unterminated quoted string");
      Parser inside(text_.substr(at_ + 1, end - at_ - 1));
      at_ = end + 1;
      Steps out;
      do {
        out.push_back(field(inside.name()));
      } while (inside.take("."));
      if (!inside.ended())
        throw bad_template(fmt::format("unexpected character \"{}\" in a name", inside.peek()));
      return out;
    }
    if (peek() == '*') {
      ++at_;
      return {of(Step::Kind::wildcard)};
    }
    std::string text;
    while (!ended() && peek() != ',' && peek() != ']') text += text_[at_++];
    Step step = of(Step::Kind::slice);
    std::optional<int64_t> parts[3];
    int count = 0;
    for (std::size_t begin = 0; begin <= text.size() && count < 3; ++count) {
      const auto end = std::min(text.find(':', begin), text.size());
      const auto part = std::string_view(text).substr(begin, end - begin);
      int64_t number = 0;
      const auto read = std::from_chars(part.data(), part.data() + part.size(), number);
      if (!part.empty()) {
        if (read.ec != std::errc{} || read.ptr != part.data() + part.size()) {
          throw bad_template("invalid array index " + text);
        }
        parts[count] = number;
      }
      begin = end + 1;
    }
    if (text.empty() || std::count(text.begin(), text.end(), ':') > 2) {
      throw bad_template("invalid array index " + text);
    }
    step.begin = parts[0];
    step.end = parts[1];
    step.step = parts[2].value_or(1);
    step.single = count == 1;
    return {step};
  }

  Step filter() {
    Step step = of(Step::Kind::filter);
    step.sides.push_back(steps("=!<>)"));
    while (std::string_view("=!<>").find(peek()) != std::string_view::npos && !ended()) {
      step.op += text_[at_++];
    }
    constexpr std::string_view kOperators[] = {"", "==", "!=", "<", ">", "<=", ">="};
    if (std::find(std::begin(kOperators), std::end(kOperators), step.op) == std::end(kOperators)) {
      throw bad_template("unrecognized filter operator " + step.op);
    }
    if (!step.op.empty()) step.sides.push_back(steps(")"));
    if (!take(")")) throw bad_template("unterminated filter");
    skip_spaces();
    if (!take("]")) throw bad_template("unclosed array expect ]");
    return step;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::vector<JsonPath::Segment> parse_jsonpath(std::string_view text) {
  return Parser(text).segments(false);
}

}  // namespace keelson::cli
