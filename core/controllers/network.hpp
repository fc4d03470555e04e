// The controllers of services and of pods left behind.
#pragma once

#include <memory>
#include <vector>

#include "core/controllers/controller.hpp"

namespace keelson::controllers {

// Endpoints, EndpointSlices and what is mirrored into them, pod garbage collector.
std::vector<std::unique_ptr<Controller>> make_network_controllers();

}  // namespace keelson::controllers
