#include "runtime/process/server_names.hpp"

#include <cstdlib>

namespace keelson::runtime {

namespace {

// "10.96.0.0/16" → "10.96.0.1"
std::string first_address(const std::string& cidr) {
  const std::string network = cidr.substr(0, cidr.find('/'));
  const std::size_t dot = network.rfind('.');
  if (dot == network.npos) return network;
  return network.substr(0, dot + 1) + std::to_string(std::atoi(network.c_str() + dot + 1) + 1);
}

}  // namespace

std::vector<std::string> server_names(const ControlPlaneConfig& config) {
  std::vector<std::string> names = {"localhost",
                                    "127.0.0.1",
                                    "kubernetes",
                                    "kubernetes.default",
                                    "kubernetes.default.svc",
                                    "kubernetes.default.svc.cluster.local",
                                    first_address(config.service_cidr),
                                    config.advertise_address};
  if (config.name != config.advertise_address) names.push_back(config.name);
  return names;
}

}  // namespace keelson::runtime
