// The commands of the simulated containers' shell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/inside/shell.hpp"

namespace keelson::sim {

using Command = Outcome (*)(Shell& shell, const std::vector<std::string>& words,
                            const std::string& input);

// By its name without a path; nullptr: there is none.
Command find_command(std::string_view name);

}  // namespace keelson::sim
