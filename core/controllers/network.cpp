#include "core/controllers/network.hpp"

#include "core/controllers/endpoint_slice.hpp"
#include "core/controllers/endpoint_slice_mirroring.hpp"
#include "core/controllers/endpoints.hpp"
#include "core/controllers/pod_gc.hpp"

namespace keelson::controllers {

std::vector<std::unique_ptr<Controller>> make_network_controllers() {
  std::vector<std::unique_ptr<Controller>> controllers;
  controllers.push_back(std::make_unique<EndpointsController>());
  controllers.push_back(std::make_unique<EndpointSliceController>());
  controllers.push_back(std::make_unique<EndpointSliceMirroringController>());
  controllers.push_back(std::make_unique<PodGcController>());
  return controllers;
}

}  // namespace keelson::controllers
