// Objects for tests, in one line: pod("a").label("app", "web").owner(rs).on("n1").ready(). A
// builder converts to an ObjectPtr or a Ref; every object has a namespace ("default"), a uid
// ("uid-<name>") and, unless given, no revision.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "core/api/kinds.hpp"
#include "core/api/object.hpp"

namespace keelson::test {

template <class M, class Self>
class Builder {
 public:
  explicit Builder(std::string name, bool namespaced = true) {
    message_.mutable_metadata()->set_uid("uid-" + name);
    message_.mutable_metadata()->set_name(std::move(name));
    if (namespaced) message_.mutable_metadata()->set_namespace_("default");
  }

  Self& ns(std::string value) {
    return meta([&](auto& m) { m.set_namespace_(std::move(value)); });
  }
  Self& uid(std::string value) {
    return meta([&](auto& m) { m.set_uid(std::move(value)); });
  }
  Self& label(const std::string& key, std::string value) {
    return meta([&](auto& m) { (*m.mutable_labels())[key] = std::move(value); });
  }
  Self& annotation(const std::string& key, std::string value) {
    return meta([&](auto& m) { (*m.mutable_annotations())[key] = std::move(value); });
  }
  Self& finalizer(std::string value) {
    return meta([&](auto& m) { m.add_finalizers(std::move(value)); });
  }
  Self& generation(int64_t value) {
    return meta([&](auto& m) { m.set_generation(value); });
  }
  // Seconds, as in the timestamps.
  Self& created(int64_t at) {
    return meta([&](auto& m) { m.mutable_creation_timestamp()->set_seconds(at); });
  }
  Self& deleting(int64_t at = 1) {
    return meta([&](auto& m) { m.mutable_deletion_timestamp()->set_seconds(at); });
  }
  Self& revision(uint64_t value) {
    revision_ = {1, value};
    return self();
  }
  // A reference that controls and blocks, as the workload controllers set it.
  Self& owner(const api::ObjectPtr& owner) { return reference(*owner, true, true); }
  Self& reference(const api::Object& owner, bool controller, bool blocks) {
    return meta([&](auto& m) {
      api::OwnerReference& reference = *m.add_owner_references();
      reference.set_api_version(api::info(owner.kind()).api_version);
      reference.set_kind(api::info(owner.kind()).name);
      reference.set_name(owner.name());
      reference.set_uid(owner.uid());
      if (controller) reference.set_controller(true);
      if (blocks) reference.set_block_owner_deletion(true);
    });
  }
  // Anything that has no method of its own.
  template <class F>
  Self& with(F&& change) {
    change(message_);
    return self();
  }

  const M& message() const { return message_; }
  api::ObjectPtr object() const { return api::make_object(message_, revision_); }
  operator api::ObjectPtr() const { return object(); }            // NOLINT: a builder is an object
  operator api::Ref<M>() const { return api::Ref<M>(object()); }  // NOLINT

 protected:
  template <class F>
  Self& meta(F&& change) {
    change(*message_.mutable_metadata());
    return self();
  }
  Self& self() { return static_cast<Self&>(*this); }

  M message_;
  api::Revision revision_;
};

class PodBuilder : public Builder<api::Pod, PodBuilder> {
 public:
  using Builder::Builder;
  PodBuilder& on(std::string node) {
    message_.mutable_spec()->set_node_name(std::move(node));
    return *this;
  }
  PodBuilder& phase(std::string value) {
    message_.mutable_status()->set_phase(std::move(value));
    return *this;
  }
  PodBuilder& ip(std::string value) {
    message_.mutable_status()->set_pod_ip(value);
    message_.mutable_status()->add_pod_ips()->set_ip(std::move(value));
    return *this;
  }
  PodBuilder& condition(const std::string& type, const std::string& status, int64_t since = 0) {
    auto* conditions = message_.mutable_status()->mutable_conditions();
    auto at = std::find_if(conditions->begin(), conditions->end(),
                           [&](const auto& c) { return c.type() == type; });
    api::PodCondition* condition = at != conditions->end() ? &*at : conditions->Add();
    condition->set_type(type);
    condition->set_status(status);
    condition->mutable_last_transition_time()->set_seconds(since);
    return *this;
  }
  // Running and Ready since this second.
  PodBuilder& ready(int64_t since = 0) {
    return phase("Running").condition("Ready", "True", since);
  }
  PodBuilder& not_ready(int64_t since = 0) {
    return phase("Running").condition("Ready", "False", since);
  }
  PodBuilder& restarts(int32_t count) {
    message_.mutable_status()->add_container_statuses()->set_restart_count(count);
    return *this;
  }
  PodBuilder& image(std::string value) {
    auto* container = message_.mutable_spec()->add_containers();
    container->set_name("main");
    container->set_image(std::move(value));
    return *this;
  }
};

// Shared by ReplicaSets and Deployments: a selector, a template of one container, and a size.
template <class M, class Self>
class WorkloadBuilder : public Builder<M, Self> {
 public:
  explicit WorkloadBuilder(std::string name) : Builder<M, Self>(std::move(name)) {
    this->message_.mutable_spec()->set_replicas(1);
    this->message_.mutable_metadata()->set_generation(1);
  }
  Self& replicas(int32_t count) {
    this->message_.mutable_spec()->set_replicas(count);
    return this->self();
  }
  Self& selects(const std::string& key, const std::string& value) {
    auto* spec = this->message_.mutable_spec();
    (*spec->mutable_selector()->mutable_match_labels())[key] = value;
    (*spec->mutable_template_()->mutable_metadata()->mutable_labels())[key] = value;
    return this->self();
  }
  Self& image(std::string value) {
    auto* pod = this->message_.mutable_spec()->mutable_template_()->mutable_spec();
    auto* container =
        pod->containers_size() > 0 ? pod->mutable_containers(0) : pod->add_containers();
    container->set_name("main");
    container->set_image(std::move(value));
    return this->self();
  }
  Self& min_ready(int32_t seconds) {
    this->message_.mutable_spec()->set_min_ready_seconds(seconds);
    return this->self();
  }
};

class ReplicaSetBuilder : public WorkloadBuilder<api::ReplicaSet, ReplicaSetBuilder> {
 public:
  using WorkloadBuilder::WorkloadBuilder;
  // What its controller has reported, for the generation that it has now.
  ReplicaSetBuilder& reports(int32_t replicas, int32_t ready, int32_t available) {
    api::ReplicaSetStatus& status = *message_.mutable_status();
    status.set_replicas(replicas);
    status.set_fully_labeled_replicas(replicas);
    status.set_ready_replicas(ready);
    status.set_available_replicas(available);
    status.set_observed_generation(message_.metadata().generation());
    return *this;
  }
};

class DeploymentBuilder : public WorkloadBuilder<api::Deployment, DeploymentBuilder> {
 public:
  explicit DeploymentBuilder(std::string name) : WorkloadBuilder(std::move(name)) {
    strategy("RollingUpdate");
    message_.mutable_spec()->set_revision_history_limit(10);
    message_.mutable_spec()->set_progress_deadline_seconds(600);
  }
  DeploymentBuilder& strategy(std::string type) {
    message_.mutable_spec()->mutable_strategy()->set_type(std::move(type));
    return *this;
  }
  DeploymentBuilder& surge(int32_t count) {
    rolling().mutable_max_surge()->set_int_val(count);
    return *this;
  }
  DeploymentBuilder& unavailable(int32_t count) {
    rolling().mutable_max_unavailable()->set_int_val(count);
    return *this;
  }
  DeploymentBuilder& surge(std::string percent) {
    rolling().mutable_max_surge()->set_type(1);
    rolling().mutable_max_surge()->set_str_val(std::move(percent));
    return *this;
  }
  DeploymentBuilder& unavailable(std::string percent) {
    rolling().mutable_max_unavailable()->set_type(1);
    rolling().mutable_max_unavailable()->set_str_val(std::move(percent));
    return *this;
  }
  DeploymentBuilder& paused(bool value = true) {
    message_.mutable_spec()->set_paused(value);
    return *this;
  }

 private:
  api::apps::v1::RollingUpdateDeployment& rolling() {
    return *message_.mutable_spec()->mutable_strategy()->mutable_rolling_update();
  }
};

class NodeBuilder : public Builder<api::Node, NodeBuilder> {
 public:
  explicit NodeBuilder(std::string name) : Builder(std::move(name), false) {}
  NodeBuilder& zone(std::string value) {
    return label("topology.kubernetes.io/zone", std::move(value));
  }
  NodeBuilder& ready(const std::string& status = "True") {
    auto* condition = message_.mutable_status()->add_conditions();
    condition->set_type("Ready");
    condition->set_status(status);
    return *this;
  }
  NodeBuilder& allocatable(const std::string& resource, const std::string& quantity) {
    (*message_.mutable_status()->mutable_allocatable())[resource].set_string(quantity);
    return *this;
  }
};

class NamespaceBuilder : public Builder<api::Namespace, NamespaceBuilder> {
 public:
  explicit NamespaceBuilder(std::string name) : Builder(std::move(name), false) {
    message_.mutable_spec()->add_finalizers("kubernetes");
    message_.mutable_status()->set_phase("Active");
  }
  NamespaceBuilder& terminating() {
    message_.mutable_status()->set_phase("Terminating");
    return deleting();
  }
};

class BudgetBuilder : public Builder<api::PodDisruptionBudget, BudgetBuilder> {
 public:
  using Builder::Builder;
  BudgetBuilder& selects(const std::string& key, const std::string& value) {
    (*message_.mutable_spec()->mutable_selector()->mutable_match_labels())[key] = value;
    return *this;
  }
  BudgetBuilder& min_available(int32_t count) {
    message_.mutable_spec()->mutable_min_available()->set_int_val(count);
    return *this;
  }
  BudgetBuilder& min_available(std::string percent) {
    message_.mutable_spec()->mutable_min_available()->set_type(1);
    message_.mutable_spec()->mutable_min_available()->set_str_val(std::move(percent));
    return *this;
  }
  BudgetBuilder& max_unavailable(int32_t count) {
    message_.mutable_spec()->mutable_max_unavailable()->set_int_val(count);
    return *this;
  }
};

class ConfigMapBuilder : public Builder<api::ConfigMap, ConfigMapBuilder> {
 public:
  using Builder::Builder;
};

inline PodBuilder pod(std::string name) {
  return PodBuilder(std::move(name));
}
inline ReplicaSetBuilder replica_set(std::string name) {
  return ReplicaSetBuilder(std::move(name));
}
inline DeploymentBuilder deployment(std::string name) {
  return DeploymentBuilder(std::move(name));
}
inline NodeBuilder node(std::string name) {
  return NodeBuilder(std::move(name));
}
inline NamespaceBuilder name_space(std::string name) {
  return NamespaceBuilder(std::move(name));
}
inline BudgetBuilder budget(std::string name) {
  return BudgetBuilder(std::move(name));
}
inline ConfigMapBuilder config_map(std::string name) {
  return ConfigMapBuilder(std::move(name));
}

}  // namespace keelson::test
