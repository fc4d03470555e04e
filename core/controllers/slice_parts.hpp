// What the two makers of EndpointSlices, from Pods and from Endpoints, do alike.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/controllers/controller.hpp"
#include "core/controllers/endpoint_pods.hpp"

namespace keelson::controllers {

// A slice that `owner` (a Service, or Endpoints) controls, with a name that is not taken in its namespace
// nor in `taken`, where it is added. The name is derived, not random: a create whose answer was lost and
// that is tried again meets itself instead of making a second slice.
api::EndpointSlice new_slice(const View& view, const api::Object& owner,
                             std::set<std::string>& taken);

std::vector<EndpointPortNumber> ports_of(const api::EndpointSlice& slice);
void set_ports(const std::vector<EndpointPortNumber>& ports, api::EndpointSlice& slice);

}  // namespace keelson::controllers
