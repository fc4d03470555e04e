// Pods, namespaces and network policies for the tests of policies and of their enforcement.
#pragma once

#include <google/protobuf/text_format.h>

#include <map>
#include <string>

#include "core/api/object.hpp"
#include "core/base/assert.hpp"

namespace keelson::test {

using LabelMap = std::map<std::string, std::string>;

inline api::ObjectPtr policy_namespace(const std::string& name, const LabelMap& labels = {}) {
  api::Namespace ns;
  ns.mutable_metadata()->set_name(name);
  ns.mutable_metadata()->set_uid("uid-of-" + name);
  for (const auto& [key, value] : labels) (*ns.mutable_metadata()->mutable_labels())[key] = value;
  return api::make_object(ns);
}

// Running, with a container port "http" of the given number.
inline api::ObjectPtr policy_pod(const std::string& ns, const std::string& name, const std::string& ip,
                                 const std::string& node, const LabelMap& labels, int http = 8080) {
  api::Pod pod;
  pod.mutable_metadata()->set_namespace_(ns);
  pod.mutable_metadata()->set_name(name);
  pod.mutable_metadata()->set_uid("uid-of-" + ns + "-" + name);
  for (const auto& [key, value] : labels) (*pod.mutable_metadata()->mutable_labels())[key] = value;
  pod.mutable_spec()->set_node_name(node);
  auto* port = pod.mutable_spec()->add_containers()->add_ports();
  port->set_name("http");
  port->set_protocol("TCP");
  port->set_container_port(http);
  pod.mutable_status()->set_phase("Running");
  pod.mutable_status()->set_pod_ip(ip);
  return api::make_object(pod);
}

// `spec` in protobuf's text format.
inline api::ObjectPtr network_policy(const std::string& ns, const std::string& name,
                                     const std::string& spec) {
  api::NetworkPolicy policy;
  KEELSON_ASSERT(
      google::protobuf::TextFormat::ParseFromString("spec { " + spec + " }", &policy));
  policy.mutable_metadata()->set_namespace_(ns);
  policy.mutable_metadata()->set_name(name);
  policy.mutable_metadata()->set_uid("uid-of-" + ns + "-" + name);
  return api::make_object(policy);
}

// "match_labels { key value }" of one label.
inline std::string label(const std::string& key, const std::string& value) {
  return "match_labels { key: \"" + key + "\" value: \"" + value + "\" }";
}

}  // namespace keelson::test
