#include "core/apiserver/pipeline/admission.hpp"

#include <algorithm>

#include "core/api/root_ca.hpp"

namespace keelson::apiserver {

namespace {

constexpr const char* kNotReadyTaint = "node.kubernetes.io/not-ready";

ApiError admit_priority(const Context& context, api::Pod& pod) {
  const std::string& name = pod.metadata().name();
  api::PodSpec& spec = *pod.mutable_spec();
  const api::PriorityClass* chosen = nullptr;
  if (!spec.priority_class_name().empty()) {
    const ObjectPtr found =
        context.cache.find(Kind::priority_classes, "", spec.priority_class_name());
    if (!found) {
      return api::forbidden(
          Kind::pods, name,
          "no PriorityClass with name " + spec.priority_class_name() + " was found");
    }
    chosen = &found->as<api::PriorityClass>();
  } else {
    for (const auto& [key, object] : context.cache.objects(Kind::priority_classes)) {
      const auto& one = object->as<api::PriorityClass>();
      // Two defaults can only stem from a race: the lower one is the safer.
      if (one.global_default() && (!chosen || one.value() < chosen->value())) chosen = &one;
    }
    if (chosen) spec.set_priority_class_name(chosen->metadata().name());
  }
  const int32_t priority = chosen ? chosen->value() : 0;
  const std::string policy = chosen && chosen->has_preemption_policy() ? chosen->preemption_policy()
                                                                       : "PreemptLowerPriority";
  if (spec.has_priority() && spec.priority() != priority) {
    return api::forbidden(
        Kind::pods, name,
        "the integer value of priority (" + std::to_string(spec.priority()) +
            ") must not be provided in pod spec; priority admission controller computed " +
            std::to_string(priority) + " from the given PriorityClass name");
  }
  if (spec.has_preemption_policy() && spec.preemption_policy() != policy) {
    return api::forbidden(
        Kind::pods, name,
        "the string value of PreemptionPolicy (" + spec.preemption_policy() +
            ") must not be provided in pod spec; priority admission controller computed " + policy +
            " from the given PriorityClass name");
  }
  spec.set_priority(priority);
  spec.set_preemption_policy(policy);
  return {};
}

void admit_tolerations(const Context& context, api::PodSpec& spec) {
  for (const char* key : {kNotReadyTaint, "node.kubernetes.io/unreachable"}) {
    bool tolerated = false;
    for (const api::Toleration& toleration : spec.tolerations()) {
      const bool effect = toleration.effect().empty() || toleration.effect() == "NoExecute";
      tolerated = tolerated || (effect && (toleration.key().empty() || toleration.key() == key));
    }
    if (tolerated) continue;
    api::Toleration& added = *spec.add_tolerations();
    added.set_key(key);
    added.set_operator_("Exists");
    added.set_effect("NoExecute");
    added.set_toleration_seconds(context.options.default_toleration_seconds);
  }
}

constexpr const char* kTokenMount = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr const char* kTokenVolumePrefix = "kube-api-access-";

api::Volume token_volume(std::string name) {
  api::Volume volume;
  volume.set_name(std::move(name));
  auto& projected = *volume.mutable_volume_source()->mutable_projected();
  projected.set_default_mode(0644);
  auto& token = *projected.add_sources()->mutable_service_account_token();
  token.set_expiration_seconds(3607);  // an hour, told apart from one that was asked for
  token.set_path("token");
  auto& ca = *projected.add_sources()->mutable_config_map();
  ca.mutable_local_object_reference()->set_name(api::kRootCaName);
  auto& item = *ca.add_items();
  item.set_key("ca.crt");
  item.set_path("ca.crt");
  auto& file = *projected.add_sources()->mutable_downward_api()->add_items();
  file.set_path("namespace");
  file.mutable_field_ref()->set_api_version("v1");
  file.mutable_field_ref()->set_field_path("metadata.namespace");
  return volume;
}

// Source: plugin/pkg/admission/serviceaccount/admission.go.
void mount_token(const Context& context, const api::ServiceAccount* account, api::PodSpec& spec) {
  if (context.options.root_ca.empty()) return;
  bool wanted = true;
  if (account && account->has_automount_service_account_token()) {
    wanted = account->automount_service_account_token();
  }
  if (spec.has_automount_service_account_token()) wanted = spec.automount_service_account_token();
  if (!wanted) return;
  std::string name;
  const auto mount_in = [&](api::Container& container) {
    for (const api::VolumeMount& mount : container.volume_mounts()) {
      if (mount.mount_path() == kTokenMount) return;
    }
    if (name.empty()) {
      name = context.ids.name(kTokenVolumePrefix);
      *spec.add_volumes() = token_volume(name);
    }
    api::VolumeMount& mount = *container.add_volume_mounts();
    mount.set_name(name);
    mount.set_read_only(true);
    mount.set_mount_path(kTokenMount);
  };
  for (api::Container& container : *spec.mutable_init_containers()) mount_in(container);
  for (api::Container& container : *spec.mutable_containers()) mount_in(container);
}

// Whoever replaces a pod by its manifest does not name what was added when it was created, and
// means to leave it. Kubernetes does so for priority and tolerations, and refuses the rest as a
// change.
void keep_admitted(api::PodSpec& now, const api::PodSpec& before) {
  if (!now.has_priority() && before.has_priority()) now.set_priority(before.priority());
  if (!now.has_preemption_policy() && before.has_preemption_policy()) {
    now.set_preemption_policy(before.preemption_policy());
  }
  if (now.priority_class_name().empty()) {
    now.set_priority_class_name(before.priority_class_name());
  }
  if (now.service_account_name().empty()) {
    now.set_service_account_name(before.service_account_name());
  }
  if (now.service_account().empty()) now.set_service_account(now.service_account_name());
  if (now.image_pull_secrets().empty()) {
    *now.mutable_image_pull_secrets() = before.image_pull_secrets();
  }
}

template <class Containers>
void keep_token_mounts(Containers& now, const Containers& before) {
  for (int i = 0; i < now.size() && i < before.size(); ++i) {
    const auto& had = before.Get(i).volume_mounts();
    auto& has = *now.Mutable(i)->mutable_volume_mounts();
    const auto is_token = [](const api::VolumeMount& mount) {
      return mount.mount_path() == kTokenMount;
    };
    const auto mount = std::find_if(had.begin(), had.end(), is_token);
    if (mount != had.end() && std::none_of(has.begin(), has.end(), is_token)) *has.Add() = *mount;
  }
}

// The same for the volume with the token, and where it is mounted.
void keep_token(api::PodSpec& now, const api::PodSpec& before) {
  for (const api::Volume& had : before.volumes()) {
    if (!had.name().starts_with(kTokenVolumePrefix)) continue;
    const auto& has = now.volumes();
    const bool named = std::any_of(has.begin(), has.end(), [&](const api::Volume& volume) {
      return volume.name() == had.name();
    });
    if (named) continue;
    *now.add_volumes() = had;
    keep_token_mounts(*now.mutable_init_containers(), before.init_containers());
    keep_token_mounts(*now.mutable_containers(), before.containers());
  }
}

// Kubernetes leaves mirror pods alone here: they only show what a node runs anyway.
constexpr const char* kMirror = "kubernetes.io/config.mirror";

ApiError admit_service_account(const Context& context, api::Pod& pod) {
  if (pod.metadata().annotations().contains(kMirror)) return {};
  api::PodSpec& spec = *pod.mutable_spec();
  if (spec.service_account_name().empty()) spec.set_service_account_name("default");
  spec.set_service_account(spec.service_account_name());
  // Each namespace is created with its default account; it is not demanded of an old one.
  const std::string& ns = pod.metadata().namespace_();
  const ObjectPtr account =
      context.cache.find(Kind::service_accounts, ns, spec.service_account_name());
  if (account && spec.image_pull_secrets().empty()) {
    *spec.mutable_image_pull_secrets() = account->as<api::ServiceAccount>().image_pull_secrets();
  }
  if (account || spec.service_account_name() == "default") {
    mount_token(context, account ? &account->as<api::ServiceAccount>() : nullptr, spec);
    return {};
  }
  return api::forbidden(Kind::pods, pod.metadata().name(),
                        "error looking up service account " + ns + "/" +
                            spec.service_account_name() + ": serviceaccount \"" +
                            spec.service_account_name() + "\" not found");
}

// A node takes no pods before its node controller has seen it ready.
// Source: plugin/pkg/admission/nodetaint.
void admit_node(api::Node& node) {
  for (const api::Taint& taint : node.spec().taints()) {
    if (taint.key() == kNotReadyTaint && taint.effect() == "NoSchedule") return;
  }
  api::Taint& added = *node.mutable_spec()->add_taints();
  added.set_key(kNotReadyTaint);
  added.set_effect("NoSchedule");
}

ApiError admit_priority_class(const Context& context, const api::PriorityClass& wanted) {
  if (!wanted.global_default()) return {};
  for (const auto& [key, object] : context.cache.objects(Kind::priority_classes)) {
    const auto& one = object->as<api::PriorityClass>();
    if (one.global_default() && one.metadata().name() != wanted.metadata().name()) {
      return api::forbidden(Kind::priority_classes, wanted.metadata().name(),
                            "PriorityClass " + one.metadata().name() +
                                " is already marked as default. Only one default can exist");
    }
  }
  return {};
}

}  // namespace

ApiError check_namespace(const WatchCache& cache, Kind kind, const std::string& ns,
                         const std::string& name) {
  if (!api::info(kind).namespaced) return {};
  const ObjectPtr found = cache.find(Kind::namespaces, "", ns);
  if (!found) return api::not_found(Kind::namespaces, ns);
  if (!found->deleting()) return {};
  ApiError error = api::forbidden(
      kind, name,
      "unable to create new content in namespace " + ns + " because it is being terminated");
  error.causes.push_back(
      {"NamespaceTerminating", "namespace " + ns + " is being terminated", "metadata.namespace"});
  return error;
}

ApiError admit_create(const Context& context, Kind kind, Message& message) {
  switch (kind) {
    case Kind::pods: {
      api::Pod& pod = static_cast<api::Pod&>(message);
      if (ApiError error = admit_priority(context, pod)) return error;
      admit_tolerations(context, *pod.mutable_spec());
      return admit_service_account(context, pod);
    }
    case Kind::nodes:
      admit_node(static_cast<api::Node&>(message));
      return {};
    case Kind::priority_classes:
      return admit_priority_class(context, static_cast<const api::PriorityClass&>(message));
    default: return {};
  }
}

ApiError admit_update(const Context& context, Kind kind, Message& now, const Message& before,
                      bool whole) {
  switch (kind) {
    case Kind::pods: {
      api::PodSpec& spec = *static_cast<api::Pod&>(now).mutable_spec();
      const api::PodSpec& old = static_cast<const api::Pod&>(before).spec();
      if (whole) {
        keep_admitted(spec, old);
        keep_token(spec, old);
      }
      admit_tolerations(context, spec);
      return {};
    }
    case Kind::priority_classes:
      return admit_priority_class(context, static_cast<const api::PriorityClass&>(now));
    default: return {};
  }
}

bool immortal(const std::string& ns) {
  // Kubernetes lets kube-node-lease go and makes it anew a minute later. Here it holds the claims
  // that bindings rest on, and is made at start only.
  return ns == "default" || ns == kSystemNamespace || ns == "kube-public" ||
         ns == kNodeLeaseNamespace;
}

}  // namespace keelson::apiserver
