#include "runtime/log/stream_log.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <iterator>

#include "runtime/log/timestamp.hpp"

namespace keelson::runtime {
namespace {

constexpr std::string_view kLevelNames[] = {"debug", "info", "warning", "error"};
constexpr char kLevelLetters[] = {'D', 'I', 'W', 'E'};

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '\r': out += "\\r"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

// A value that could be taken for the end of the field, or for another one, is quoted.
bool plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) {
      return false;
    }
  }
  return true;
}

void append_value(std::string& out, const LogField& field, bool json) {
  if (const auto* number = std::get_if<int64_t>(&field.value)) {
    out += fmt::to_string(*number);
    return;
  }
  const std::string_view text = std::get<std::string_view>(field.value);
  if (!json && plain(text)) {
    out += text;
  } else {
    append_quoted(out, text);
  }
}

std::string text_line(Level level, std::string_view event, std::span<const LogField> fields) {
  std::string line = log_timestamp();
  line += ' ';
  line += kLevelLetters[static_cast<int>(level)];
  line += ' ';
  line += event;
  for (const LogField& field : fields) {
    line += ' ';
    line += field.name;
    line += '=';
    append_value(line, field, false);
  }
  return line;
}

std::string json_line(Level level, std::string_view event, std::span<const LogField> fields) {
  std::string line = fmt::format(R"({{"ts":"{}","level":"{}","event":)", log_timestamp(),
                                 kLevelNames[static_cast<int>(level)]);
  append_quoted(line, event);
  for (const LogField& field : fields) {
    line += ',';
    append_quoted(line, field.name);
    line += ':';
    append_value(line, field, true);
  }
  line += '}';
  return line;
}

}  // namespace

std::string log_timestamp() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, ms % 1000);
}

void StreamLog::write(Level level, std::string_view event, std::span<const LogField> fields) {
  std::string line =
      options_.json ? json_line(level, event, fields) : text_line(level, event, fields);
  line += '\n';
  while (::write(options_.fd, line.data(), line.size()) < 0 && errno == EINTR) {
  }
}

}  // namespace keelson::runtime
