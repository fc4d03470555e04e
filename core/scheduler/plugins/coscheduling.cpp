// Groups of pods that run all or not at all (gangs). A member that has found a node waits there until
// as many have as the group needs; if one finds none, or the others do not come in time, all give their
// places back, so that two groups cannot wait for each other's half. Members that come when enough are
// running already are bound at once.
// Source: kubernetes-sigs/scheduler-plugins, Coscheduling (KEP-2). Once enough have their places each
// binding is on its own: what fails then is not undone for the others.
#include <algorithm>
#include <map>
#include <set>

#include "core/scheduler/cache/pod_groups.hpp"
#include "core/scheduler/plugins/plugins.hpp"

namespace keelson::scheduler {
namespace {

class Coscheduling final : public Plugin {
 public:
  explicit Coscheduling(const CoschedulingArgs& args) : args_(args) {}

  void attach(PluginHost& host) override { host_ = &host; }
  std::string_view name() const override { return "Coscheduling"; }
  Points points() const override { return Point::pre_filter | Point::reserve | Point::permit; }
  EventMask wakes_on() const override {
    return events::group_member | events::any_node | events::pod_removed;
  }

  Verdict pre_filter(CycleState&, const PodInfo& pod, const Snapshot& snapshot,
                     NodeBitset&) const override {
    const auto claim = group_claim(*pod.object);
    if (!claim) return Verdict::skip();
    const std::string called = "pod group \"" + claim->group + "\"";
    if (claim->min_available == 0) {
      return Verdict::unresolvable(called + " needs a label " + kMinAvailableLabel +
                                   " with a positive number");
    }
    const PodGroups::Group* group = snapshot.groups.find(claim->group);
    const std::size_t there = group == nullptr ? 0 : group->pods.size();
    if (there < claim->min_available) {
      return Verdict::unresolvable(called + " has " + std::to_string(there) + " of the " +
                                   std::to_string(claim->min_available) + " pods that it needs");
    }
    // A place is not even taken where it is plain that the others will find none: it would be held
    // against pods that could run.
    const std::size_t have = ready(*claim, snapshot);
    const auto missing = static_cast<int64_t>(claim->min_available) - static_cast<int64_t>(have);
    for (ResourceId id = 0; id < kFirstExtended && missing > 1; ++id) {
      if (pod.requests[id] == 0 || room(snapshot, id, pod.priority) >= pod.requests[id] * missing) {
        continue;
      }
      return Verdict::unresolvable("Insufficient " + snapshot.words().resource_name(id) + " for " +
                                   called);
    }
    return Verdict::skip();
  }

  Verdict reserve(const BindTarget& target) override {
    if (const auto claim = group_claim(*target.pod->object)) {
      gangs_[claim->group].placed.insert(target.pod->uid());
    }
    return Verdict::success();
  }

  void unreserve(const BindTarget& target) override {
    const auto claim = group_claim(*target.pod->object);
    const auto it = claim ? gangs_.find(claim->group) : gangs_.end();
    if (it == gangs_.end()) return;
    it->second.placed.erase(target.pod->uid());
    it->second.waiting.erase(target.pod->uid());
    disband(claim->group, "another pod of its group lost its place");
    forget_if_empty(claim->group);
  }

  PermitResult permit(const BindTarget& target) override {
    const auto claim = group_claim(*target.pod->object);
    if (!claim) return {};
    forget_seen(*claim);
    if (ready(*claim, host_->snapshot()) < claim->min_available) {
      gangs_[claim->group].waiting.insert(target.pod->uid());
      call_the_others(claim->group);
      return {PermitResult::Kind::wait, {}, args_.permit_waiting_time};
    }
    for (const std::string& uid : std::exchange(gangs_[claim->group].waiting, {})) {
      host_->allow(*this, uid);
    }
    forget_if_empty(claim->group);
    return {};
  }

  void gave_up(const PodInfo& pod) override {
    const auto claim = group_claim(*pod.object);
    if (claim) disband(claim->group, "no node for pod " + pod.name() + " of its group");
  }

 private:
  struct Gang {
    std::set<std::string> placed;   // have a place of which the API may not know yet
    std::set<std::string> waiting;  // of those: for the others
  };

  // Pods of the group that run or have a place.
  std::size_t ready(const PodGroupClaim& claim, const Snapshot& snapshot) const {
    const PodGroups::Group* group = snapshot.groups.find(claim.group);
    if (group == nullptr) return 0;
    const auto gang = gangs_.find(claim.group);
    if (gang == gangs_.end()) return group->bound;
    std::size_t count = group->bound;
    for (const std::string& uid : gang->second.placed) count += places(*group, uid) ? 1 : 0;
    return count;
  }
  // The API does not show it on a node yet, and it is not gone.
  static bool places(const PodGroups::Group& group, const std::string& uid) {
    const auto pod = group.pods.find(uid);
    return pod != group.pods.end() && !pod->second;
  }
  void forget_seen(const PodGroupClaim& claim) {
    const PodGroups::Group* group = host_->snapshot().groups.find(claim.group);
    std::erase_if(gangs_[claim.group].placed, [&](const std::string& uid) {
      return group == nullptr || !places(*group, uid);
    });
  }

  // What all nodes have left together, pods that could be preempted left out.
  static int64_t room(const Snapshot& snapshot, ResourceId id, int32_t priority) {
    const ResourceColumn& column = snapshot.resource(id);
    if (column.allocatable.empty()) return 0;
    int64_t sum = 0;
    snapshot.valid().for_each([&](NodeIndex node) {
      int64_t left = column.allocatable[node] - column.requested[node];
      if (snapshot.lowest_priority() < priority) {
        for (const PodInfoPtr& pod : snapshot.pods(node)) {
          if (pod->priority < priority) left += pod->requests[id];
        }
      }
      // Amounts are at most 2^52 each; the sum of thousands is kept within bounds.
      sum = std::min(sum + std::max<int64_t>(left, 0), int64_t{1} << 61);
    });
    return sum;
  }

  // A place is held for them: they find one now, or it is given back.
  void call_the_others(const std::string& group) {
    const PodGroups::Group* members = host_->snapshot().groups.find(group);
    if (members == nullptr) return;
    for (const auto& [uid, bound] : members->pods) {
      if (!bound) host_->activate(uid);
    }
  }

  // Those who wait give their places back.
  void disband(const std::string& group, const std::string& why) {
    const auto it = gangs_.find(group);
    if (it == gangs_.end()) return;
    for (const std::string& uid : std::exchange(it->second.waiting, {})) {
      host_->reject(*this, uid, "pod group \"" + group + "\": " + why);
    }
  }

  void forget_if_empty(const std::string& group) {
    const auto it = gangs_.find(group);
    if (it != gangs_.end() && it->second.placed.empty()) gangs_.erase(it);
  }

  CoschedulingArgs args_;
  PluginHost* host_ = nullptr;
  std::map<std::string, Gang> gangs_;
};

}  // namespace

std::unique_ptr<Plugin> make_coscheduling(const PluginArgs& args) {
  return std::make_unique<Coscheduling>(args.coscheduling);
}

}  // namespace keelson::scheduler
