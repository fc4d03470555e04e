#include "runtime/network/policies.hpp"

#include <utility>

#include "runtime/network/policy_part.hpp"

namespace keelson::network {
namespace {

client::InformerOptions informer_options(api::Kind kind, const PolicyEnforcerOptions& options) {
  client::InformerOptions informer;
  informer.kind = kind;
  informer.user = options.user;
  informer.actor = options.actor.empty() ? "policies/" + options.node : options.actor;
  return informer;
}

}  // namespace

PolicyEnforcer::PolicyEnforcer(runtime::AsioLoop& loop, Log& log, client::ApiClient& client, Rng rng,
                               PolicyEnforcerOptions options)
    : policies_(loop, client, rng.fork("policies"),
                informer_options(api::Kind::network_policies, options)),
      pods_(loop, client, rng.fork("pods"), informer_options(api::Kind::pods, options)),
      namespaces_(loop, client, rng.fork("namespaces"),
                  informer_options(api::Kind::namespaces, options)),
      rules_(options.node),
      table_(loop, log, "keelson-policies", policy_skeleton()) {
  rules_.on_policy_change = [this](const proxy::PolicyName& name, const proxy::PolicyTable* table) {
    table_.put("policy " + name.first + "/" + name.second,
               table ? policy_part(name, *table) : NftPart());
  };
  rules_.on_pod_change = [this](const proxy::PolicyName& name, const proxy::PodIsolation* pod) {
    table_.put("pod " + name.first + "/" + name.second, pod ? isolation_part(name, *pod) : NftPart());
  };
  policies_.on_change([this](const auto& before, const auto& after) { rules_.on_policy(before, after); });
  pods_.on_change([this](const auto& before, const auto& after) { rules_.on_pod(before, after); });
  namespaces_.on_change(
      [this](const auto& before, const auto& after) { rules_.on_namespace(before, after); });
  for (client::Informer* informer : {&policies_, &pods_, &namespaces_}) {
    informer->on_progress([this] { sync(); });
  }
}

Status PolicyEnforcer::start() {
  const Status watched = table_.start();
  for (client::Informer* informer : {&policies_, &pods_, &namespaces_}) informer->start();
  return watched;
}

void PolicyEnforcer::sync() {
  if (erased_ || !policies_.synced() || !pods_.synced() || !namespaces_.synced()) return;
  rules_.sync();
  if (table_.changed()) table_.commit_soon();
}

Status PolicyEnforcer::erase() {
  erased_ = true;
  return table_.erase();
}

}  // namespace keelson::network
