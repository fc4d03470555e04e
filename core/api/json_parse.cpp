// Parsing JSON text. Boost's own parse() keeps the last of two equal keys without a word and says of
// an error only that there was one; this handler remembers duplicates and where it was.
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <cmath>
#include <set>

#include "core/api/json_text.hpp"

namespace keelson::api {
namespace {

namespace json = boost::json;

class Handler {
 public:
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();

  explicit Handler(std::vector<JsonProblem>* duplicates) : duplicates_(duplicates) {}

  json::value release() { return stack_.release(); }
  void start() { stack_.reset(); }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return open(false); }
  bool on_object_end(std::size_t n, json::error_code&) {
    stack_.push_object(n);
    return close();
  }
  bool on_array_begin(json::error_code&) { return open(true); }
  bool on_array_end(std::size_t n, json::error_code&) {
    stack_.push_array(n);
    return close();
  }
  bool on_key_part(json::string_view s, std::size_t, json::error_code&) {
    stack_.push_chars(s);
    if (duplicates_) key_.append(s.data(), s.size());
    return true;
  }
  bool on_key(json::string_view s, std::size_t, json::error_code&) {
    stack_.push_key(s);
    if (!duplicates_) return true;
    key_.append(s.data(), s.size());
    Frame& frame = frames_.back();
    frame.step.key = std::move(key_);
    key_.clear();
    if (!frame.keys.insert(frame.step.key).second) report();
    return true;
  }
  bool on_string_part(json::string_view s, std::size_t, json::error_code&) {
    stack_.push_chars(s);
    return true;
  }
  bool on_string(json::string_view s, std::size_t, json::error_code&) {
    stack_.push_string(s);
    return element();
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t i, json::string_view, json::error_code&) {
    stack_.push_int64(i);
    return element();
  }
  bool on_uint64(std::uint64_t u, json::string_view, json::error_code&) {
    stack_.push_uint64(u);
    return element();
  }
  bool on_double(double d, json::string_view, json::error_code& error) {
    if (!std::isfinite(d)) {  // 1e400: no message has a field that could hold it
      error = json::error::exponent_overflow;
      return false;
    }
    stack_.push_double(d);
    return element();
  }
  bool on_bool(bool b, json::error_code&) {
    stack_.push_bool(b);
    return element();
  }
  bool on_null(json::error_code&) {
    stack_.push_null();
    return element();
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  struct Frame {
    JsonStep step;
    std::set<std::string> keys;
  };

  bool open(bool array) {
    if (duplicates_) {
      frames_.emplace_back();
      frames_.back().step.element = array;
    }
    return true;
  }
  bool close() {
    if (duplicates_) frames_.pop_back();
    return element();
  }
  bool element() {
    if (duplicates_ && !frames_.empty()) ++frames_.back().step.index;
    return true;
  }
  void report() {
    // A hostile document may repeat a key a million times; nobody reads more than the first few.
    constexpr std::size_t enough = 100;
    if (duplicates_->size() >= enough) return;
    JsonProblem problem;
    for (const Frame& frame : frames_) problem.path.push_back(frame.step);
    problem.message = "duplicate field \"" + to_string(problem.path) + "\"";
    duplicates_->push_back(std::move(problem));
  }

  json::value_stack stack_;
  std::vector<JsonProblem>* duplicates_;
  std::string key_;
  std::vector<Frame> frames_;
};

// Accepts what Handler accepts and keeps nothing.
struct Checker {
  static constexpr std::size_t max_object_size = Handler::max_object_size;
  static constexpr std::size_t max_array_size = Handler::max_array_size;
  static constexpr std::size_t max_key_size = Handler::max_key_size;
  static constexpr std::size_t max_string_size = Handler::max_string_size;

  using Error = json::error_code;
  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) { return true; }
  bool on_object_end(std::size_t, Error&) { return true; }
  bool on_array_begin(Error&) { return true; }
  bool on_array_end(std::size_t, Error&) { return true; }
  bool on_key_part(json::string_view, std::size_t, Error&) { return true; }
  bool on_key(json::string_view, std::size_t, Error&) { return true; }
  bool on_string_part(json::string_view, std::size_t, Error&) { return true; }
  bool on_string(json::string_view, std::size_t, Error&) { return true; }
  bool on_number_part(json::string_view, Error&) { return true; }
  bool on_int64(std::int64_t, json::string_view, Error&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, Error&) { return true; }
  bool on_double(double d, json::string_view, Error& error) {
    if (!std::isfinite(d)) error = json::error::exponent_overflow;
    return std::isfinite(d);
  }
  bool on_bool(bool, Error&) { return true; }
  bool on_null(Error&) { return true; }
  bool on_comment_part(json::string_view, Error&) { return true; }
  bool on_comment(json::string_view, Error&) { return true; }
};

// Runs the parser over all of the text; `read` is where it stopped.
template <class Parser>
json::error_code run(Parser& parser, std::string_view text, std::size_t& read) {
  json::error_code error;
  read = parser.write_some(false, text.data(), text.size(), error);
  if (!error && read < text.size()) {
    // Only white space may follow the value.
    read = text.find_first_not_of(" \t\r\n", read);
    if (read != std::string_view::npos) error = json::error::extra_data;
  }
  return error;
}

json::parse_options parse_options() {
  json::parse_options options;
  options.max_depth = json_depth_max;
  return options;
}

std::string place_of(std::string_view text, std::size_t at) {
  std::size_t line = 1, column = 1;
  for (std::size_t i = 0; i < at && i < text.size(); ++i) {
    ++column;
    if (text[i] == '\n') {
      ++line;
      column = 1;
    }
  }
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

std::string describe(std::string_view text, std::size_t at, json::error_code error) {
  if (error == json::error::incomplete) return "unexpected end of JSON input";
  if (error == json::error::exponent_overflow) {
    return "number out of range at " + place_of(text, at);
  }
  if (error == json::error::too_deep) return "exceeded max depth at " + place_of(text, at);
  if (error == json::error::illegal_leading_surrogate ||
      error == json::error::illegal_trailing_surrogate ||
      error == json::error::expected_utf16_escape) {
    return "invalid unicode escape at " + place_of(text, at);
  }
  if (at < text.size() && text[at] > ' ' && text[at] < 127) {
    return "invalid character '" + std::string(1, text[at]) + "' at " + place_of(text, at);
  }
  return "invalid character at " + place_of(text, at);
}

}  // namespace

ParsedJson parse_json(std::string_view text, std::vector<JsonProblem>* duplicates) {
  ParsedJson out;
  try {
    json::basic_parser<Handler> parser(parse_options(), duplicates);
    parser.handler().start();
    std::size_t read = 0;
    const json::error_code error = run(parser, text, read);
    if (error) {
      out.error = describe(text, read, error);
    } else {
      out.value = parser.handler().release();
    }
  } catch (const std::exception& e) {  // a string or document beyond what Boost.JSON can hold
    out.error = e.what();
  }
  return out;
}

bool is_json(std::string_view text) {
  json::basic_parser<Checker> parser(parse_options());
  std::size_t read = 0;
  return !run(parser, text, read);
}

}  // namespace keelson::api
