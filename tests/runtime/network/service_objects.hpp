// Services and slices for these tests.
#pragma once

#include <string>
#include <vector>

#include "core/api/object.hpp"

namespace keelson::test {

struct TestEndpoint {
  std::string ip, node;
  bool ready = true;
};

// default/NAME at `ip`:80, node port 30080 if it is of type NodePort; backends listen on 8080.
inline api::Service service(const std::string& name, const std::string& ip,
                            const std::string& type = "ClusterIP",
                            const std::string& protocol = "TCP", int node_port = 30080) {
  api::Service service;
  service.mutable_metadata()->set_namespace_("default");
  service.mutable_metadata()->set_name(name);
  service.mutable_metadata()->set_uid("uid-of-" + name);
  service.mutable_spec()->set_type(type);
  service.mutable_spec()->set_cluster_ip(ip);
  service.mutable_spec()->add_cluster_ips(ip);
  api::ServicePort* port = service.mutable_spec()->add_ports();
  port->set_protocol(protocol);
  port->set_port(80);
  if (type != "ClusterIP") port->set_node_port(node_port);
  return service;
}

inline api::EndpointSlice slice(const std::string& service,
                                const std::vector<TestEndpoint>& endpoints,
                                const std::string& protocol = "TCP") {
  api::EndpointSlice slice;
  slice.mutable_metadata()->set_namespace_("default");
  slice.mutable_metadata()->set_name(service + "-1");
  slice.mutable_metadata()->set_uid("uid-of-" + service + "-1");
  (*slice.mutable_metadata()->mutable_labels())["kubernetes.io/service-name"] = service;
  slice.set_address_type("IPv4");
  auto* port = slice.add_ports();
  port->set_name("");
  port->set_protocol(protocol);
  port->set_port(8080);
  for (const TestEndpoint& one : endpoints) {
    auto* endpoint = slice.add_endpoints();
    endpoint->add_addresses(one.ip);
    endpoint->set_node_name(one.node);
    endpoint->mutable_conditions()->set_ready(one.ready);
    endpoint->mutable_target_ref()->set_kind("Pod");
    endpoint->mutable_target_ref()->set_name("pod-" + one.ip);
    endpoint->mutable_target_ref()->set_uid("uid-" + one.ip);
  }
  return slice;
}

}  // namespace keelson::test
