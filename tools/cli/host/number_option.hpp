// Options that are numbers. cxxopts takes 99999 for a uint16_t, and what it makes of that is
// another port.
#pragma once

#include <charconv>
#include <cstdint>
#include <cxxopts.hpp>
#include <string>

#include "core/base/result.hpp"

namespace keelson::cli {

// REQUIRES: the option is a text and has a default.
inline Result<int64_t> number_option(const cxxopts::ParseResult& flags, const std::string& name,
                                     int64_t least, int64_t most) {
  const std::string text = flags[name].as<std::string>();
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > most) {
    return Error{Code::invalid, "--" + name + " " + text + ": expected a number from " +
                                    std::to_string(least) + " to " + std::to_string(most)};
  }
  return number;
}

}  // namespace keelson::cli
