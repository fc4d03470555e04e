// A verb's command line: flags before, between and after the arguments, `--` before a command's
// own.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace keelson::cli {

struct FlagSpec {
  const char* names;       // "o,output" or "replicas"
  const char* value = "";  // what the value is called; "": a switch
  const char* help = "";
  const char* implicit =
      nullptr;  // the value if the flag stands without "=..."; the value is optional
};

class Flags {
 public:
  // Error: Code::invalid, e.g. `unknown flag: --nope`. A flag that is in several of the lists is
  // taken from the first.
  static Result<Flags> parse(const std::vector<std::vector<FlagSpec>>& specs,
                             const std::vector<std::string>& words);

  // By the long name.
  bool has(const std::string& name) const { return values_.count(name) > 0; }
  bool on(const std::string& name) const;
  std::string get(const std::string& name, std::string_view absent = {}) const;  // the last one
  std::vector<std::string> all(const std::string& name) const;
  // Error: the text that is no number.
  Result<int64_t> number(const std::string& name, int64_t absent) const;

  const std::vector<std::string>& args() const { return args_; }
  const std::vector<std::string>& tail() const { return tail_; }  // what stands after --
  bool has_tail() const { return has_tail_; }

 private:
  std::map<std::string, std::vector<std::string>> values_;
  std::vector<std::string> args_, tail_;
  bool has_tail_ = false;
};

// The list of flags for --help.
std::string flags_help(const std::vector<FlagSpec>& specs);

// "o,output" -> {"o", "output"}; the short one may be empty.
std::pair<std::string, std::string> flag_names(const FlagSpec& spec);

}  // namespace keelson::cli
