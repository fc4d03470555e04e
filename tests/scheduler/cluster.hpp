// What the scheduler's tests share: a cache filled by hand, and more words for the builders.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/scheduler/cache/cache.hpp"
#include "core/scheduler/framework/decide.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "tests/support/builders.hpp"

namespace keelson::test {

inline api::Container& container_of(api::Pod& pod) {
  if (pod.spec().containers_size() == 0) pod.mutable_spec()->add_containers()->set_name("main");
  return *pod.mutable_spec()->mutable_containers(0);
}

inline auto requests(std::string resource, std::string quantity) {
  return [=](api::Pod& pod) {
    (*container_of(pod).mutable_resources()->mutable_requests())[resource].set_string(quantity);
  };
}
inline auto priority(int32_t value) {
  return [=](api::Pod& pod) { pod.mutable_spec()->set_priority(value); };
}
inline auto host_port(int32_t port, std::string protocol = "TCP", std::string ip = "") {
  return [=](api::Pod& pod) {
    auto* p = container_of(pod).add_ports();
    p->set_host_port(port);
    p->set_container_port(port);
    p->set_protocol(protocol);
    p->set_host_ip(ip);
  };
}
inline auto tolerates(std::string key, std::string op, std::string value, std::string effect) {
  return [=](api::Pod& pod) {
    auto* t = pod.mutable_spec()->add_tolerations();
    t->set_key(key);
    t->set_operator_(op);
    t->set_value(value);
    t->set_effect(effect);
  };
}
inline auto selects(std::string key, std::string value) {
  return [=](api::Pod& pod) { (*pod.mutable_spec()->mutable_node_selector())[key] = value; };
}
// One more required term of one expression.
inline auto requires_node(std::string key, std::string op, std::vector<std::string> values) {
  return [=](api::Pod& pod) {
    auto* term = pod.mutable_spec()
                     ->mutable_affinity()
                     ->mutable_node_affinity()
                     ->mutable_required_during_scheduling_ignored_during_execution()
                     ->add_node_selector_terms();
    auto* e = term->add_match_expressions();
    e->set_key(key);
    e->set_operator_(op);
    for (const auto& v : values) e->add_values(v);
  };
}
inline auto prefers_node(int32_t weight, std::string key, std::string value) {
  return [=](api::Pod& pod) {
    auto* preferred = pod.mutable_spec()
                          ->mutable_affinity()
                          ->mutable_node_affinity()
                          ->add_preferred_during_scheduling_ignored_during_execution();
    preferred->set_weight(weight);
    auto* e = preferred->mutable_preference()->add_match_expressions();
    e->set_key(key);
    e->set_operator_("In");
    e->add_values(value);
  };
}
inline auto started(int64_t seconds) {
  return [=](api::Pod& pod) { pod.mutable_status()->mutable_start_time()->set_seconds(seconds); };
}
inline auto taint(std::string key, std::string value, std::string effect) {
  return [=](api::Node& node) {
    auto* t = node.mutable_spec()->add_taints();
    t->set_key(key);
    t->set_value(value);
    t->set_effect(effect);
  };
}
inline auto image(std::string name, int64_t size) {
  return [=](api::Node& node) {
    auto* i = node.mutable_status()->add_images();
    i->add_names(name);
    i->set_size_bytes(size);
  };
}
inline void cordon(api::Node& node) {
  node.mutable_spec()->set_unschedulable(true);
}

inline NodeBuilder big_node(std::string name, std::string cpu = "4", std::string memory = "8Gi",
                            std::string pods = "110") {
  NodeBuilder builder = node(name);
  return builder.label("kubernetes.io/hostname", name)
      .allocatable("cpu", cpu)
      .allocatable("memory", memory)
      .allocatable("pods", pods);
}

struct Cluster {
  scheduler::Cache cache;
  scheduler::ProfilePtr profile;
  Rng rng{1};

  explicit Cluster(const scheduler::ProfileOptions& options = scheduler::ProfileOptions::defaults())
      : profile(scheduler::Profile::make(options, scheduler::default_plugins()).value()) {}

  Cluster& add(const api::ObjectPtr& object) {
    switch (object->kind()) {
      case api::Kind::nodes: cache.set_node(object); break;
      case api::Kind::pods: cache.see(object); break;
      default: cache.snapshot().workloads.apply(nullptr, object); break;
    }
    return *this;
  }
  scheduler::Decision decide(const api::ObjectPtr& pod) {
    return scheduler::decide(*profile, cache.snapshot(), *cache.info(pod), rng);
  }
  std::string node_of(const scheduler::Decision& decision) {
    return decision.node == scheduler::kNoNode ? "" : cache.snapshot().name_text(decision.node);
  }
  // Where the pod goes; or the message if it goes nowhere.
  std::string place(const api::ObjectPtr& pod) {
    const auto decision = decide(pod);
    if (decision.kind == scheduler::Decision::Kind::node) return node_of(decision);
    return decision.diagnosis.message();
  }
  // "node: victim victim"
  std::string preempt(const api::ObjectPtr& pod) {
    const auto decision = decide(pod);
    if (decision.kind != scheduler::Decision::Kind::preempt) return "no preemption";
    std::string text = node_of(decision) + ":";
    for (const auto& victim : decision.victims) text += ' ' + victim->name();
    return text;
  }
};

}  // namespace keelson::test
