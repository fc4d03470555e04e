// Writes JSON text piece by piece: commas by itself, the order as it is asked for.
#pragma once

#include <string>
#include <string_view>

#include "core/api/json_text.hpp"

namespace keelson::rest::openapi {

class JsonOut {
 public:
  std::string text;

  void open(char bracket) {  // '{' or '['
    separate();
    text += bracket;
    comma_ = false;
  }
  void close(char bracket) {
    text += bracket;
    comma_ = true;
  }
  void key(std::string_view name) {
    separate();
    api::append_json_string(name, text);
    text += ':';
    comma_ = false;
  }
  void value(std::string_view string) {
    separate();
    api::append_json_string(string, text);
    comma_ = true;
  }
  // JSON as it is.
  void raw(std::string_view json) {
    separate();
    text += json;
    comma_ = true;
  }
  void member(std::string_view name, std::string_view string) {
    key(name);
    value(string);
  }
  void member_raw(std::string_view name, std::string_view json) {
    key(name);
    raw(json);
  }
  template <class Strings>
  void strings(const Strings& list) {
    open('[');
    for (const auto& element : list) value(element);
    close(']');
  }

 private:
  void separate() {
    if (comma_) text += ',';
  }

  bool comma_ = false;
};

}  // namespace keelson::rest::openapi
