#include "sim/lab/whatif_world.hpp"

#include <algorithm>
#include <utility>

#include "core/base/assert.hpp"
#include "core/scheduler/cache/pod_groups.hpp"
#include "core/scheduler/framework/profiles.hpp"

namespace keelson::lab {

namespace {

using scheduler::Decision;

constexpr const char* kMirror = "kubernetes.io/config.mirror";

const api::OwnerReference* controller_of(const api::Object& object) {
  for (const auto& owner : object.meta().owner_references()) {
    if (owner.controller()) return &owner;
  }
  return nullptr;
}

api::ObjectPtr on_node(const api::Object& object, const std::string& node) {
  api::Pod pod = object.as<api::Pod>();
  pod.mutable_spec()->set_node_name(node);
  return api::make_object(std::move(pod));
}

}  // namespace

Result<std::unique_ptr<WhatIfWorld>> WhatIfWorld::make(const Workload& dump,
                                                       const WhatIfOptions& options) {
  KEELSON_ASSERT(!options.schedulers.empty());
  auto cluster = Cluster::make(dump, options.schedulers.front().policy, {.holds_groups = true});
  if (!cluster) return cluster.error();
  std::unique_ptr<WhatIfWorld> world(new WhatIfWorld(dump, std::move(*cluster)));
  world->profiles_[options.schedulers.front().name] = 0;
  for (std::size_t i = 1; i < options.schedulers.size(); ++i) {
    const auto added = world->cluster_->add_profile(options.schedulers[i].policy);
    if (!added) return added.error();
    world->profiles_[options.schedulers[i].name] = *added;
  }
  for (const api::ObjectPtr& other : dump.others) {
    if (other->kind() != api::Kind::replica_sets) continue;
    const auto* owner = controller_of(*other);
    if (owner != nullptr && owner->kind() == "Deployment") {
      world->replica_sets_[other->ns() + "/" + other->name()] = owner->name();
    }
  }
  for (const api::ObjectPtr& pod : dump.bound) {
    const std::string& node = pod->as<api::Pod>().spec().node_name();
    world->pods_[world->made_++] = {pod, world->cluster_->info(pod), node, node, {}, false, {}};
  }
  for (const Arrival& arrival : dump.arrivals) world->add_pod(arrival.pod, "was pending");
  return world;
}

Maker WhatIfWorld::maker_of(const api::Object& pod) const {
  const auto* owner = controller_of(pod);
  if (owner == nullptr) return {};
  if (owner->kind() != "ReplicaSet") return {owner->kind(), owner->name()};
  const auto known = replica_sets_.find(pod.ns() + "/" + owner->name());
  if (known != replica_sets_.end()) return {"Deployment", known->second};
  // Without the replica sets in the dump: a deployment's has the hash of its template as its name's
  // last part, and its pods carry that hash.
  const auto hash = pod.meta().labels().find("pod-template-hash");
  const std::string tail = hash == pod.meta().labels().end() ? "" : "-" + hash->second;
  if (tail.size() > 1 && owner->name().ends_with(tail)) {
    return {"Deployment", owner->name().substr(0, owner->name().size() - tail.size())};
  }
  return {owner->kind(), owner->name()};
}

bool WhatIfWorld::of_node(const api::Object& pod) const {
  if (pod.meta().annotations().contains(kMirror)) return true;
  const Maker maker = maker_of(pod);
  return maker.kind == "DaemonSet" || maker.kind == "Node";
}

std::string WhatIfWorld::fresh_uid(const api::Object& pod) {
  return "what-if/" + pod.ns() + "/" + pod.name() + "/" + std::to_string(made_);
}

void WhatIfWorld::add_pod(api::ObjectPtr object, std::string why) {
  api::Pod pod = object->as<api::Pod>();
  pod.mutable_metadata()->set_uid(fresh_uid(*object));
  pod.mutable_metadata()->clear_deletion_timestamp();
  pod.mutable_spec()->clear_node_name();
  pod.clear_status();
  object = api::make_object(std::move(pod));
  const scheduler::PodInfoPtr info = cluster_->info(object);
  cluster_->snapshot().groups.apply(nullptr, object);
  pods_[made_++] = {std::move(object), info, {}, {}, std::move(why), false, {}};
}

void WhatIfWorld::remove_pod(uint64_t number, const std::string& why) {
  Pod& pod = pods_.at(number);
  if (!pod.node.empty()) {
    cluster_->remove(pod.object->uid());
    gone_.push_back({pod.object->ns(), pod.object->name(), pod.node, {}, why, {}});
  }
  cluster_->snapshot().groups.apply(pod.object, nullptr);
  pods_.erase(number);
}

void WhatIfWorld::displace(uint64_t number, const std::string& why) {
  Pod pod = pods_.at(number);
  if (maker_of(*pod.object).kind.empty() || of_node(*pod.object)) {
    remove_pod(number, why);
    return;
  }
  cluster_->remove(pod.object->uid());
  cluster_->snapshot().groups.apply(pod.object, nullptr);
  pods_.erase(number);
  const uint64_t again = made_;
  add_pod(pod.object, why);
  pods_.at(again).from = pod.node;
}

void WhatIfWorld::displace_for_now(uint64_t number, const std::string& why) {
  const uint64_t again = made_;
  displace(number, why);
  if (made_ > again) pods_.at(again).evicted = true;
}

std::optional<std::size_t> WhatIfWorld::profile_of(const Pod& pod) const {
  const std::string& name = pod.object->as<api::Pod>().spec().scheduler_name();
  const auto it = profiles_.find(name.empty() ? std::string(scheduler::kDefaultSchedulerName) : name);
  if (it == profiles_.end()) return std::nullopt;
  return it->second;
}

std::optional<scheduler::PodGroupClaim> WhatIfWorld::held_group(const Pod& pod) const {
  const auto profile = profile_of(pod);
  if (!profile || cluster_->profile(*profile).at(scheduler::Point::permit).empty()) return std::nullopt;
  return scheduler::group_claim(*pod.object);
}

bool WhatIfWorld::place(Pod& pod) {
  const auto profile = profile_of(pod);
  if (!profile) return false;
  const Decision decision = cluster_->decide(*pod.info, *profile);
  if (decision.kind == Decision::Kind::preempt) {
    preempt(decision);
    return place(pod);  // the victims are fewer each time
  }
  if (decision.kind != Decision::Kind::node) return false;
  cluster_->place(pod.info, decision);
  pod.node = cluster_->snapshot().name_text(decision.node);
  moved_.push_back({pod.object->ns(), pod.object->name(), pod.from, pod.node, pod.why, {}});
  pod.displaced_for = std::exchange(pod.why, {});
  cluster_->snapshot().groups.apply(pod.object, on_node(*pod.object, pod.node));
  if (pod.evicted) budgets_.returned(*pod.object);
  return true;
}

void WhatIfWorld::give_back(Pod& pod) {
  cluster_->remove(pod.object->uid());
  cluster_->snapshot().groups.apply(on_node(*pod.object, pod.node), pod.object);
  std::erase_if(moved_, [&](const Moved& one) {
    return one.ns == pod.object->ns() && one.pod == pod.object->name() && one.to == pod.node &&
           one.why == pod.displaced_for;
  });
  pod.info = cluster_->info(pod.object);
  pod.node.clear();
  pod.why = std::exchange(pod.displaced_for, {});
  if (pod.evicted) budgets_.left_again(*pod.object);
}

std::set<uint64_t> WhatIfWorld::disband() {
  std::set<uint64_t> numbers;
  for (auto& entry : pods_) {
    Pod& pod = entry.second;
    // Those that were placed here and not yet let go: the others are bound.
    if (pod.node.empty() || pod.displaced_for.empty()) continue;
    const auto claim = held_group(pod);
    if (!claim) continue;
    const auto* group = cluster_->snapshot().groups.find(claim->group);
    if (group != nullptr && group->bound >= claim->min_available) continue;
    numbers.insert(entry.first);
  }
  for (const uint64_t number : numbers) give_back(pods_.at(number));
  return numbers;
}

void WhatIfWorld::preempt(const Decision& decision) {
  for (const scheduler::PodInfoPtr& victim : decision.victims) {
    const auto it = std::find_if(pods_.begin(), pods_.end(), [&](const auto& entry) {
      return entry.second.object->uid() == victim->uid();
    });
    if (it != pods_.end()) displace(it->first, "preempted");
  }
}

bool WhatIfWorld::schedule() {
  const std::size_t moved_before = moved_.size();
  std::set<uint64_t> tried;
  // What incomplete groups give back may be of use to others.
  while (place_all(tried)) {
    const std::set<uint64_t> without = disband();
    if (without.empty()) break;
    tried.clear();
    for (const auto& entry : pods_) {
      const auto claim = held_group(entry.second);
      const bool disbanded = claim && std::any_of(without.begin(), without.end(), [&](uint64_t number) {
        return held_group(pods_.at(number))->group == claim->group;
      });
      if (disbanded) given_up_.insert(entry.first);
    }
    tried = given_up_;
  }
  given_up_.clear();
  // A place that is kept is not taken back later.
  for (auto& entry : pods_) {
    if (entry.second.node.empty()) continue;
    entry.second.displaced_for.clear();
    entry.second.evicted = false;
  }
  return moved_.size() > moved_before;
}

bool WhatIfWorld::place_all(std::set<uint64_t>& tried) {
  bool any = false;
  for (;;) {
    // The most important of those that were not tried since something last found a place.
    uint64_t best = 0;
    bool found = false;
    for (const auto& entry : pods_) {
      const Pod& pod = entry.second;
      if (!pod.node.empty() || tried.count(entry.first)) continue;
      if (found && pod.info->priority <= pods_.at(best).info->priority) continue;
      best = entry.first;
      found = true;
    }
    if (!found) return any;
    tried.insert(best);
    any = place(pods_.at(best)) || any;
  }
}

Usage WhatIfWorld::usage() const {
  Usage usage;
  const scheduler::Snapshot& snapshot = cluster_->snapshot();
  usage.nodes = snapshot.node_count();
  for (const auto& entry : pods_) usage.pods += !entry.second.node.empty();
  const Amounts whole = capacity_of(snapshot), used = allocated_of(snapshot);
  usage.cpu = percentage(used.cpu_milli, whole.cpu_milli);
  usage.memory = percentage(used.memory, whole.memory);
  if (whole.gpu_milli > 0) usage.gpu = percentage(used.gpu_milli, whole.gpu_milli);
  const std::vector<NodeFill> fill = fill_of(*cluster_);
  for (std::size_t i = 0; i < fill.size(); ++i) {
    if (snapshot.valid().test(static_cast<scheduler::NodeIndex>(i))) usage.fill.push_back(fill[i]);
  }
  std::sort(usage.fill.begin(), usage.fill.end(),
            [](const NodeFill& a, const NodeFill& b) { return a.node < b.node; });
  return usage;
}

std::string WhatIfWorld::why_pending(const Pod& pod) {
  const auto profile = profile_of(pod);
  if (!profile) {
    return "no scheduler of this configuration is responsible for schedulerName \"" +
           pod.object->as<api::Pod>().spec().scheduler_name() + "\"";
  }
  const Decision decision = cluster_->decide(*pod.info, *profile);
  switch (decision.kind) {
    case Decision::Kind::error: return decision.error;
    case Decision::Kind::unschedulable: return decision.diagnosis.message();
    case Decision::Kind::node:
    case Decision::Kind::preempt: break;
  }
  const auto claim = held_group(pod);
  if (!claim) return decision.diagnosis.message();
  return "pod group \"" + claim->group + "\": there is no room for all of the " +
         std::to_string(claim->min_available) + " pods that it needs";
}

WhatIf WhatIfWorld::result() {
  WhatIf result;
  result.moved = moved_;
  result.gone = gone_;
  for (auto& entry : pods_) {
    Pod& pod = entry.second;
    if (!pod.node.empty()) continue;
    result.pending.push_back(
        {pod.object->ns(), pod.object->name(), pod.from, {}, pod.why, why_pending(pod)});
  }
  result.budgets = budgets_.uses();
  result.broken = budgets_.broken();
  result.after = usage();
  return result;
}

}  // namespace keelson::lab
