#include "tools/cli/real/lives.hpp"

namespace keelson::real {

namespace {

template <class Status>
bool is_ready(const Status& status) {
  for (const auto& condition : status.conditions()) {
    if (condition.type() == "Ready") return condition.status() == "True";
  }
  return false;
}

// The deployment of a pod stands in the name of its ReplicaSet: "kel-6d4cf56db6".
std::string owner_of(const api::Object& pod) {
  for (const auto& owner : pod.meta().owner_references()) {
    if (!owner.controller()) continue;
    std::string name = owner.name();
    if (owner.kind() == "ReplicaSet") name = name.substr(0, name.rfind('-'));
    return pod.ns() + "/" + name;
  }
  return {};
}

bool by_daemon_set(const api::Object& pod) {
  for (const auto& owner : pod.meta().owner_references()) {
    if (owner.controller() && (owner.kind() == "DaemonSet" || owner.kind() == "Node")) return true;
  }
  return false;
}

int64_t restarts_of(const api::Pod& pod) {
  int64_t sum = 0;
  for (const auto& status : pod.status().container_statuses()) sum += status.restart_count();
  return sum;
}

void once(When& when, Duration at) {
  if (!when) when = at;
}

void turn(std::vector<std::pair<Duration, bool>>& changes, Duration at, bool on) {
  if (changes.empty() || changes.back().second != on) changes.emplace_back(at, on);
}

}  // namespace

Lives::Lives(const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    switch ((change.object ? change.object : change.previous)->kind()) {
      case api::Kind::pods: pod(change); break;
      case api::Kind::nodes: node(change); break;
      case api::Kind::deployments: deployment(change); break;
      case api::Kind::endpoint_slices: slice(change); break;
      default: break;
    }
  }
}

void Lives::pod(const Change& change) {
  const api::Object& object = *(change.object ? change.object : change.previous);
  const auto [found, fresh] = by_uid_.try_emplace(object.uid(), pods.size());
  if (fresh) {
    PodLife& life = pods.emplace_back();
    life.ns = object.ns();
    life.name = object.name();
    life.owner = owner_of(object);
    life.daemon = by_daemon_set(object);
    life.created = change.at;
  }
  PodLife& life = pods[found->second];
  if (!change.object) {
    once(life.marked, change.at);
    once(life.gone, change.at);
    return;
  }
  const auto& pod = change.object->as<api::Pod>();
  if (!pod.spec().node_name().empty()) {
    life.node = pod.spec().node_name();
    once(life.scheduled, change.at);
  }
  if (pod.metadata().has_deletion_timestamp()) once(life.marked, change.at);
  if (pod.status().phase() == "Running") once(life.running, change.at);
  if (pod.status().phase() == "Failed") once(life.gone, change.at);
  const bool ready = is_ready(pod.status());
  if (ready) once(life.ready, change.at);
  if (!change.previous || life.marked) return;
  const auto& before = change.previous->as<api::Pod>();
  if (restarts_of(pod) > restarts_of(before)) life.restarts.push_back(change.at);
  const bool was_ready = is_ready(before.status());
  if (was_ready && !ready) life.lost_ready.push_back(change.at);
  if (!was_ready && ready && life.ready != change.at) life.ready_again.push_back(change.at);
}

void Lives::node(const Change& change) {
  const api::Object& object = *(change.object ? change.object : change.previous);
  turn(nodes[object.name()].ready, change.at,
       change.object && is_ready(change.object->as<api::Node>().status()));
}

void Lives::deployment(const Change& change) {
  if (!change.object) return;
  const auto& now = change.object->as<api::Deployment>();
  const auto& status = now.status();
  const int64_t wanted = now.spec().replicas();
  turn(deployments[change.object->ns() + "/" + change.object->name()].complete, change.at,
       status.observed_generation() >= now.metadata().generation() && status.replicas() == wanted &&
           status.updated_replicas() == wanted && status.available_replicas() == wanted);
}

void Lives::slice(const Change& change) {
  const api::Object& object = *(change.object ? change.object : change.previous);
  std::map<std::string, bool> ready;
  if (change.object) {
    for (const auto& endpoint : change.object->as<api::EndpointSlice>().endpoints()) {
      if (endpoint.conditions().ready()) ready[endpoint.target_ref().uid()] = true;
    }
  }
  if (!ready.empty()) {
    const auto label = object.meta().labels().find("kubernetes.io/service-name");
    if (label != object.meta().labels().end()) {
      services.try_emplace(object.ns() + "/" + label->second, change.at);
    }
  }
  for (const auto& [uid, on] : ready) serving_[uid][object.name()] = true;
  for (auto& [uid, slices] : serving_) {
    if (!ready.contains(uid)) slices.erase(object.name());
    const auto found = by_uid_.find(uid);
    if (found == by_uid_.end()) continue;
    PodLife& life = pods[found->second];
    if (!slices.empty()) {
      once(life.serving, change.at);
      life.unserving.reset();
    } else if (life.serving) {
      // Its deletion may become known a little later: that is another watch.
      once(life.unserving, change.at);
    }
  }
}

}  // namespace keelson::real
