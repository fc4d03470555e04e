// The program of the image agnhost, which tests of Kubernetes' clients and controllers are fond of: the
// parts of it that print something and end.
#pragma once

#include "sim/inside/commands.hpp"

namespace keelson::sim {

Outcome agnhost(Shell& shell, const std::vector<std::string>& words, const std::string& input);

}  // namespace keelson::sim
