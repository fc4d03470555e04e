#pragma once

#include <string>
#include <vector>

#include "core/api/object.hpp"

namespace keelson::test {

// A ClusterIP service default/<name> at 10.96.0.10:80, port "http".
inline api::Service service(const std::string& name) {
  api::Service service;
  service.mutable_metadata()->set_namespace_("default");
  service.mutable_metadata()->set_name(name);
  service.mutable_metadata()->set_uid("uid-of-" + name);
  service.mutable_spec()->set_type("ClusterIP");
  service.mutable_spec()->set_cluster_ip("10.96.0.10");
  api::ServicePort* port = service.mutable_spec()->add_ports();
  port->set_name("http");
  port->set_protocol("TCP");
  port->set_port(80);
  return service;
}

struct Backend {
  std::string ip;
  std::string node;
  bool ready = true;
  bool serving = ready;
  bool terminating = false;
  std::string hostname = {};
};

// Its endpoints listen on 8080 for "http".
inline api::EndpointSlice slice(const std::string& name, const std::string& service,
                                const std::vector<Backend>& backends) {
  api::EndpointSlice slice;
  slice.mutable_metadata()->set_namespace_("default");
  slice.mutable_metadata()->set_name(name);
  slice.mutable_metadata()->set_uid("uid-of-" + name);
  (*slice.mutable_metadata()->mutable_labels())["kubernetes.io/service-name"] = service;
  slice.set_address_type("IPv4");
  auto* port = slice.add_ports();
  port->set_name("http");
  port->set_protocol("TCP");
  port->set_port(8080);
  for (const Backend& backend : backends) {
    auto* endpoint = slice.add_endpoints();
    endpoint->add_addresses(backend.ip);
    endpoint->set_node_name(backend.node);
    endpoint->mutable_conditions()->set_ready(backend.ready);
    endpoint->mutable_conditions()->set_serving(backend.serving);
    endpoint->mutable_conditions()->set_terminating(backend.terminating);
    endpoint->mutable_target_ref()->set_kind("Pod");
    endpoint->mutable_target_ref()->set_name("pod-" + backend.ip);
    endpoint->mutable_target_ref()->set_uid("uid-" + backend.ip);
    if (!backend.hostname.empty()) endpoint->set_hostname(backend.hostname);
  }
  return slice;
}

}  // namespace keelson::test
