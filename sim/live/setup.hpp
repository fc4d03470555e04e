// What a live session starts from: the first line of a recording.
#pragma once

#include <string>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

struct Setup {
  std::string version;  // of Keelson
  // A scenario's text, of which `cluster`, `images` and `profile` count.
  std::string cluster;
  uint64_t seed = 1;
  WallTime epoch{};
  // What the cluster publishes of itself in objects: its CA's certificate, and where clients
  // outside find its API ("127.0.0.1:6443"). Empty: nothing.
  std::string ca_pem, address;
};

// Error: `invalid`, naming the field; `source` is what complaints call the text.
Result<WorldOptions> world_options(const Setup& setup, const std::string& source);

// One line of JSON, with its end of line.
std::string to_line(const Setup& setup);
// Whether a recording that begins so is one of a live session.
bool is_live_recording(std::string_view text);
Result<Setup> parse_setup(const std::string& line);

}  // namespace keelson::sim
