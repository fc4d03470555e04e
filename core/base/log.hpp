// The logging port. An entry is a static event name with typed fields: `log.info("bound", {{"pod", p},
// {"node", n}})`. In simulation an entry of level error fails the run.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace keelson {

enum class Level : uint8_t { debug, info, warning, error };

struct LogField {
  std::string_view name;
  std::variant<std::string_view, int64_t> value;
  LogField(std::string_view n, std::string_view v) : name(n), value(v) {}
  LogField(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
  LogField(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
  LogField(std::string_view n, int64_t v) : name(n), value(v) {}
  LogField(std::string_view n, uint64_t v) : name(n), value(static_cast<int64_t>(v)) {}
  LogField(std::string_view n, int v) : name(n), value(static_cast<int64_t>(v)) {}
};

class Log {
 public:
  virtual bool enabled(Level level) const = 0;
  virtual void write(Level level, std::string_view event, std::span<const LogField> fields) = 0;

  void debug(std::string_view event, std::initializer_list<LogField> fields = {}) {
    log(Level::debug, event, fields);
  }
  void info(std::string_view event, std::initializer_list<LogField> fields = {}) {
    log(Level::info, event, fields);
  }
  void warning(std::string_view event, std::initializer_list<LogField> fields = {}) {
    log(Level::warning, event, fields);
  }
  void error(std::string_view event, std::initializer_list<LogField> fields = {}) {
    log(Level::error, event, fields);
  }

 protected:
  ~Log() = default;

 private:
  void log(Level level, std::string_view event, std::initializer_list<LogField> fields) {
    if (enabled(level)) write(level, event, {fields.begin(), fields.size()});
  }
};

// Swallows everything: for tests and tools that do not care.
class NullLog final : public Log {
 public:
  bool enabled(Level) const override { return false; }
  void write(Level, std::string_view, std::span<const LogField>) override {}
};

}  // namespace keelson
