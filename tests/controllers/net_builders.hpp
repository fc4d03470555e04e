// Small objects for the tests of node health, endpoints and pod garbage.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "core/api/object.hpp"
#include "core/client/view.hpp"

namespace keelson::test::net {

using Labels = std::initializer_list<std::pair<const char*, const char*>>;

inline void set_labels(api::ObjectMeta& meta, Labels labels) {
  for (const auto& [key, value] : labels) (*meta.mutable_labels())[key] = value;
}

inline void set_condition(api::Node& node, const std::string& type, const std::string& status,
                          int64_t heartbeat = 1) {
  api::NodeCondition* found = nullptr;
  for (auto& condition : *node.mutable_status()->mutable_conditions()) {
    if (condition.type() == type) found = &condition;
  }
  if (!found) found = node.mutable_status()->add_conditions();
  found->set_type(type);
  found->set_status(status);
  found->mutable_last_heartbeat_time()->set_seconds(heartbeat);
}

inline api::Node node(const std::string& name, const std::string& zone = {},
                      const std::string& ready = "True") {
  api::Node node;
  node.mutable_metadata()->set_name(name);
  node.mutable_metadata()->set_uid("uid-of-" + name);
  if (!zone.empty()) {
    (*node.mutable_metadata()->mutable_labels())["topology.kubernetes.io/zone"] = zone;
  }
  if (!ready.empty()) {
    set_condition(node, "Ready", ready);
    for (const char* type : {"MemoryPressure", "DiskPressure", "PIDPressure"}) {
      set_condition(node, type, "False");
    }
  }
  return node;
}

inline void set_pod_ready(api::Pod& pod, bool ready) {
  api::PodCondition* found = nullptr;
  for (auto& condition : *pod.mutable_status()->mutable_conditions()) {
    if (condition.type() == "Ready") found = &condition;
  }
  if (!found) found = pod.mutable_status()->add_conditions();
  found->set_type("Ready");
  found->set_status(ready ? "True" : "False");
}

inline api::Toleration toleration(const std::string& key, int64_t seconds = -1) {
  api::Toleration toleration;
  toleration.set_key(key);
  toleration.set_operator_("Exists");
  toleration.set_effect("NoExecute");
  if (seconds >= 0) toleration.set_toleration_seconds(seconds);
  return toleration;
}

// A ready pod on a node, with the tolerations that admission gives.
inline api::Pod pod(const std::string& name, const std::string& on, const std::string& ip = {},
                    Labels labels = {}) {
  api::Pod pod;
  pod.mutable_metadata()->set_namespace_("default");
  pod.mutable_metadata()->set_name(name);
  pod.mutable_metadata()->set_uid("uid-of-" + name);
  set_labels(*pod.mutable_metadata(), labels);
  pod.mutable_spec()->set_node_name(on);
  *pod.mutable_spec()->add_tolerations() = toleration("node.kubernetes.io/not-ready", 300);
  *pod.mutable_spec()->add_tolerations() = toleration("node.kubernetes.io/unreachable", 300);
  pod.mutable_status()->set_phase("Running");
  pod.mutable_status()->set_pod_ip(ip);
  set_pod_ready(pod, true);
  return pod;
}

inline api::Service service(const std::string& name, Labels selector, int32_t port = 80) {
  api::Service service;
  service.mutable_metadata()->set_namespace_("default");
  service.mutable_metadata()->set_name(name);
  service.mutable_metadata()->set_uid("uid-of-" + name);
  for (const auto& [key, value] : selector) {
    (*service.mutable_spec()->mutable_selector())[key] = value;
  }
  service.mutable_spec()->set_type("ClusterIP");
  service.mutable_spec()->set_cluster_ip("10.96.0.10");
  api::ServicePort* added = service.mutable_spec()->add_ports();
  added->set_name("http");
  added->set_protocol("TCP");
  added->set_port(port);
  added->mutable_target_port()->set_int_val(8080);
  return service;
}

// A cache that a test fills and changes by hand, with revisions that rise.
class Caches {
 public:
  template <class M>
  api::ObjectPtr put(M message) {
    auto object = api::make_object(std::move(message), {1, ++revision_});
    const auto before = cache.get(object->kind(), object->ns(), object->name());
    cache.apply(before, object);
    cache.advance(object->kind(), object->revision());
    last_before = before;
    return object;
  }
  api::ObjectPtr drop(api::Kind kind, const std::string& ns, const std::string& name) {
    const auto before = cache.get(kind, ns, name);
    cache.apply(before, nullptr);
    cache.advance(kind, {1, ++revision_});
    return before;
  }
  client::View view() const {
    return client::View(cache, now, WallTime{1'700'000'000'000'000'000});
  }

  client::Cache cache;
  Instant now{std::chrono::seconds(1000)};
  api::ObjectPtr last_before;  // what the last put() replaced

 private:
  uint64_t revision_ = 0;
};

}  // namespace keelson::test::net
