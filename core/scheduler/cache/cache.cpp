#include "core/scheduler/cache/cache.hpp"

#include <algorithm>
#include <map>

#include "core/base/assert.hpp"

namespace keelson::scheduler {
namespace {

bool same_start(const api::Pod& a, const api::Pod& b) {
  return a.status().has_start_time() == b.status().has_start_time() &&
         a.status().start_time().seconds() == b.status().start_time().seconds() &&
         a.status().start_time().nanos() == b.status().start_time().nanos();
}

}  // namespace

void Cache::take_place(Entry& entry) {
  snapshot_.place(entry.info, entry.node);
}

void Cache::leave_place(const Entry& entry) {
  snapshot_.unplace(*entry.info, entry.node);
}

void Cache::learn(const api::ObjectPtr& object) {
  switch (object->kind()) {
    case api::Kind::nodes: set_node(object); break;
    case api::Kind::namespaces: set_namespace(object->name(), &object->meta().labels()); break;
    case api::Kind::pods:
      snapshot_.groups.apply(nullptr, object);
      if (!object->as<api::Pod>().spec().node_name().empty()) see(object);
      break;
    default: snapshot_.workloads.apply(nullptr, object); break;
  }
}

Cache::Seen Cache::see(const api::ObjectPtr& pod) {
  const std::string& node_name = pod->as<api::Pod>().spec().node_name();
  KEELSON_ASSERT(!node_name.empty());
  Seen seen;
  const auto it = pods_.find(pod->uid());
  if (terminal_phase(pod->as<api::Pod>())) {
    seen.confirmed = it != pods_.end() && it->second.state != State::seen;
    seen.left = remove(pod->uid());
    if (seen.left != 0) seen.events |= events::pod_removed;
    return seen;
  }
  const NameId node = words_.id(node_name);
  if (it == pods_.end()) {
    Entry& entry = pods_[pod->uid()];
    entry = {info(pod), node, State::seen};
    take_place(entry);
    seen.events |= events::pod_added;
    return seen;
  }
  Entry& entry = it->second;
  if (entry.state != State::seen) {
    entry.state = State::seen;
    --assumed_;
    seen.confirmed = true;
  }
  if (entry.node == node && same_for_scheduling(*entry.info, *pod)) {
    const bool started = !same_start(entry.info->pod(), pod->as<api::Pod>());
    entry.info->object = pod;
    if (started) snapshot_.refreshed(node);  // preemption compares start times
    return seen;
  }
  leave_place(entry);
  if (entry.node != node) {
    // Bound elsewhere than assumed: another scheduler was quicker.
    seen.left = entry.node;
    seen.events |= events::pod_removed | events::pod_added;
  } else {
    seen.events |= events::pod_labels;
  }
  entry.info = info(pod);
  entry.node = node;
  take_place(entry);
  return seen;
}

NameId Cache::remove(const std::string& uid) {
  const auto it = pods_.find(uid);
  if (it == pods_.end()) return 0;
  const Entry entry = std::move(it->second);
  pods_.erase(it);
  if (entry.state != State::seen) --assumed_;
  leave_place(entry);
  return entry.node;
}

void Cache::assume(const PodInfoPtr& pod, NameId node, api::DeviceSet devices) {
  const auto [it, fresh] = pods_.try_emplace(pod->uid());
  KEELSON_ASSERT_WHY(fresh, "a pod is assumed once");
  pod->devices = devices;
  it->second = {pod, node, State::binding};
  take_place(it->second);
  ++assumed_;
}

void Cache::bind_succeeded(const std::string& uid) {
  const auto it = pods_.find(uid);
  if (it != pods_.end() && it->second.state == State::binding) it->second.state = State::answered;
}

NameId Cache::forget(const std::string& uid) {
  if (!assumed(uid)) return 0;
  const PodInfoPtr pod = pods_.find(uid)->second.info;
  const NameId node = remove(uid);
  pod->devices = {};  // it may be assumed elsewhere
  return node;
}

bool Cache::assumed(const std::string& uid) const {
  const auto it = pods_.find(uid);
  return it != pods_.end() && it->second.state != State::seen;
}

NameId Cache::node_of(const std::string& uid) const {
  const auto it = pods_.find(uid);
  return it == pods_.end() ? 0 : it->second.node;
}

std::vector<Cache::Assumption> Cache::assumptions() const {
  std::vector<Assumption> list;
  if (assumed_ == 0) return list;
  for (const auto& [uid, entry] : pods_) {
    if (entry.state == State::seen) continue;
    list.push_back({uid, words_.text(entry.node), entry.state == State::answered});
  }
  std::sort(list.begin(), list.end(),
            [](const Assumption& a, const Assumption& b) { return a.uid < b.uid; });
  return list;
}

std::string Cache::check() const {
  struct Totals {
    std::map<ResourceId, int64_t> requested;
    std::size_t pods = 0;
  };
  std::map<NameId, Totals> nodes;
  std::size_t assumed = 0;
  for (const auto& [uid, entry] : pods_) {
    Totals& totals = nodes[entry.node];
    for (ResourceId id = 0; id < kFirstExtended; ++id) {
      totals.requested[id] += entry.info->requests[id];
    }
    for (const auto& [id, amount] : entry.info->extended) totals.requested[id] += amount;
    ++totals.pods;
    assumed += entry.state != State::seen;
  }
  if (assumed != assumed_) return "the count of assumed pods is wrong";
  for (NodeIndex row = 0; row < snapshot_.slots(); ++row) {
    const NameId name = snapshot_.name(row);
    const Totals totals = name == 0 ? Totals{} : nodes[name];
    if (snapshot_.pods(row).size() != totals.pods) {
      return "node " + words_.text(name) + ": the list of pods is wrong";
    }
    for (ResourceId id = 0; id < words_.resource_count(); ++id) {
      const auto& column = snapshot_.resource(id).requested;
      const int64_t have = row < column.size() ? column[row] : 0;
      const auto it = totals.requested.find(id);
      if (have != (it == totals.requested.end() ? 0 : it->second)) {
        return "node " + words_.text(name) + ": the sum of requests for " +
               words_.resource_name(id) + " is wrong";
      }
    }
    nodes.erase(name);
  }
  if (!nodes.empty()) return "pods on a node without a row";
  return snapshot_.topology().check();
}

}  // namespace keelson::scheduler
