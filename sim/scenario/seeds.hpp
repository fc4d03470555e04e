// Ranges of seeds, as the command line and experiments' files write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace keelson::sim {

// "A..B", or "A" for one: the first and the last. Nullopt if it is neither, or more than ten million.
std::optional<std::pair<uint64_t, uint64_t>> parse_seeds(const std::string& text);

}  // namespace keelson::sim
