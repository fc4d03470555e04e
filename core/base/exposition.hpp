// Figures in the text form that Prometheus scrapes (version 0.0.4).
// Source: https://prometheus.io/docs/instrumenting/exposition_formats.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace keelson {

// A family of samples: appends its two lines of description, then a line for each sample.
class Family {
 public:
  // `type`: "gauge" or "counter". `out` must outlive this.
  Family(std::string& out, std::string_view name, std::string_view type, std::string_view help)
      : out_(out), name_(name) {
    out_.append("# HELP ").append(name_).append(" ").append(help);
    out_.append("\n# TYPE ").append(name_).append(" ").append(type).append("\n");
  }

  // `labels`: `name="web",code="200"`, made by label(); empty: none.
  Family& add(std::string_view labels, std::string_view value) {
    out_ += name_;
    if (!labels.empty()) out_.append("{").append(labels).append("}");
    out_.append(" ").append(value).append("\n");
    return *this;
  }
  Family& add(std::string_view labels, uint64_t value) {
    return add(labels, std::to_string(value));
  }
  Family& add(uint64_t value) { return add({}, value); }

 private:
  std::string& out_;
  std::string name_;
};

// `name="value"` with what must not stand between quotes escaped.
inline std::string label(std::string_view name, std::string_view value) {
  std::string out = std::string(name) + "=\"";
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// A time span of nanoseconds as seconds, exactly: "1.500000000".
inline std::string seconds_text(int64_t ns) {
  const std::string digits = std::to_string(ns % 1'000'000'000);
  return std::to_string(ns / 1'000'000'000) + "." + std::string(9 - digits.size(), '0') + digits;
}

}  // namespace keelson
