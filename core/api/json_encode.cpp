#include <boost/json/value.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>

#include "core/api/json.hpp"
#include "core/api/json_emit.hpp"

namespace keelson::api {
namespace {

namespace json = boost::json;

class TextSink {
 public:
  explicit TextSink(std::string& out) : out_(out) {}

  void begin_object() { out_ += '{'; }
  void end_object() { out_ += '}'; }
  void begin_array() { out_ += '['; }
  void end_array() { out_ += ']'; }
  void field(const FieldPlan& field) {
    separate();
    out_ += field.key_text;
  }
  void key(std::string_view name) {
    separate();
    append_json_string(name, out_);
    out_ += ':';
  }
  void element() { separate(); }
  void string(std::string_view text) { append_json_string(text, out_); }
  void integer(int64_t value) {
    char buffer[24];
    const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
    out_.append(buffer, result.ptr);
  }
  void boolean(bool value) { out_ += value ? "true" : "false"; }
  void null() { out_ += "null"; }
  void raw(std::string_view text) {
    // It may have come as protobuf bytes, where nobody has looked inside.
    out_ += is_json(text) ? text : std::string_view("null");
  }

 private:
  // Within a string an opening bracket is followed by a quote, so the last byte tells.
  void separate() {
    if (out_.back() != '{' && out_.back() != '[') out_ += ',';
  }
  std::string& out_;
};

class TreeSink {
 public:
  TreeSink() { stack_.reset(); }
  json::value release() { return stack_.release(); }

  void begin_object() { counts_.push_back(0); }
  void end_object() {
    stack_.push_object(counts_.back());
    counts_.pop_back();
  }
  void begin_array() { counts_.push_back(0); }
  void end_array() {
    stack_.push_array(counts_.back());
    counts_.pop_back();
  }
  void field(const FieldPlan& field) { key(field.name); }
  void key(std::string_view name) {
    ++counts_.back();
    stack_.push_key(json::string_view(name.data(), name.size()));
  }
  void element() { ++counts_.back(); }
  void string(std::string_view text) {
    stack_.push_string(json::string_view(text.data(), text.size()));
  }
  void integer(int64_t value) { stack_.push_int64(value); }
  void boolean(bool value) { stack_.push_bool(value); }
  void null() { stack_.push_null(); }
  void raw(std::string_view text) { push(parse_json(text, nullptr).value); }

 private:
  void push(const json::value& value) {
    switch (value.kind()) {
      case json::kind::null: return null();
      case json::kind::bool_: return boolean(value.get_bool());
      case json::kind::int64: return integer(value.get_int64());
      case json::kind::uint64: return stack_.push_uint64(value.get_uint64());
      case json::kind::double_: return stack_.push_double(value.get_double());
      case json::kind::string: return stack_.push_string(value.get_string());
      case json::kind::array:
        for (const json::value& element : value.get_array()) push(element);
        return stack_.push_array(value.get_array().size());
      case json::kind::object:
        for (const auto& member : value.get_object()) {
          stack_.push_key(member.key());
          push(member.value());
        }
        return stack_.push_object(value.get_object().size());
    }
  }

  json::value_stack stack_;
  std::vector<std::size_t> counts_;
};

// `part` is the object's message or its metadata.
template <class Sink>
void emit_part(const Object& object, const Message& part, Sink& sink) {
  JsonEmitter<Sink> emitter(sink);
  if (object.revision()) {
    emitter.set_resource_version(object.meta(), to_string(object.revision()));
  }
  emitter.value(part, plan_of(part));
}

template <class Sink>
void emit(const Object& object, Sink& sink) {
  emit_part(object, object.message(), sink);
}

template <class Sink>
void emit(const Message& message, Sink& sink) {
  JsonEmitter<Sink>(sink).value(message, plan_of(message));
}

template <class T>
std::string encode(const T& what) {
  std::string out;
  out.reserve(1024);
  TextSink sink(out);
  emit(what, sink);
  return out;
}

template <class T>
json::value tree(const T& what) {
  TreeSink sink;
  emit(what, sink);
  return sink.release();
}

}  // namespace

std::string encode_object(const Object& object) { return encode(object); }
std::string encode_message(const Message& message) { return encode(message); }

void append_object(const Object& object, std::string& out) {
  TextSink sink(out);
  emit(object, sink);
}
void append_metadata(const Object& object, std::string& out) {
  TextSink sink(out);
  emit_part(object, object.meta(), sink);
}

boost::json::value to_json(const Object& object) { return tree(object); }
boost::json::value to_json(const Message& message) { return tree(message); }

}  // namespace keelson::api
