// Writes JSON text. Numbers are rounded to 12 significant digits: what is read back and written
// again is the same text, so that results give the same bytes whether or not they went through
// files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/api/json_text.hpp"

namespace keelson::lab {

// "0.93", "-2", "1e+20"; "null" for what is no number.
std::string number_text(double value);
// As 16 hexadecimal digits: JSON's numbers do not hold 64 bits everywhere.
std::string hash_text(uint64_t hash);

class JsonWriter {
 public:
  JsonWriter& begin(char bracket) {
    separate();
    out_ += bracket;
    first_ = true;
    return *this;
  }
  JsonWriter& end(char bracket) {
    out_ += bracket;
    first_ = false;
    return *this;
  }
  JsonWriter& key(std::string_view name) {
    separate();
    api::append_json_string(name, out_);
    out_ += ':';
    first_ = true;  // the value follows without a comma
    return *this;
  }
  JsonWriter& text(std::string_view value) {
    separate();
    api::append_json_string(value, out_);
    return *this;
  }
  JsonWriter& number(double value) { return raw(number_text(value)); }
  JsonWriter& integer(uint64_t value) { return raw(std::to_string(value)); }
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& raw(std::string_view json) {
    separate();
    out_ += json;
    return *this;
  }
  // Between entries, to keep lines short.
  JsonWriter& line() {
    broken_ = true;
    return *this;
  }
  std::string take() { return std::move(out_); }

 private:
  void separate() {
    if (!first_) out_ += ',';
    if (broken_) out_ += '\n';
    broken_ = first_ = false;
  }
  std::string out_;
  bool first_ = true, broken_ = false;
};

}  // namespace keelson::lab
