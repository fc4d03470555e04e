// GL-*: the cluster as a whole: it comes to rest, in the state that was asked for, and without having
// created more on the way than wishes and losses account for.
#include <algorithm>
#include <unordered_map>

#include "sim/checks/agent_checks.hpp"
#include "sim/checks/node_truth.hpp"
#include "sim/checks/rollout_rules.hpp"
#include "sim/checks/suite.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kGlobalInvariants[] = {
    {"GL-1", "A settled cluster writes nothing but heartbeats, leases and status refreshes.",
     fact::rest},
    {"GL-2", "In the end the cluster is as the specs say, whatever happened on the way.",
     fact::rest | fact::whole},
    {"GL-3", "No more objects are created than wishes and losses account for.",
     fact::provenance | fact::whole},
    {"GL-4",
     "Commits follow each other in time. (That the same seed gives the same run is shown by running "
     "twice: tools/determinism.)",
     fact::clock},
};
enum : std::size_t { kRest, kLevel, kCreated, kSame };

// Agents refresh the status of their node so often even if nothing has changed.
constexpr Duration kStatusPeriod = 4min;

class GlobalCheck final : public Check {
 public:
  using Check::Check;
  std::span<const InvariantInfo> invariants() const override { return kGlobalInvariants; }

  void on_phase(Phase phase) override {
    if (phase != Phase::quiet) return;
    quiet_since_ = context().now;
    // Pods that crash or cannot be pulled for ever keep the cluster awake for ever.
    for (const auto& [key, pod] : state().all(api::Kind::pods)) {
      if (!pod->deleting() && restless(pod->as<api::Pod>(), ground().images())) {
        restless_ = true;
      }
    }
  }

  void on_commit(const store::StoreEvent& event) override {
    check(kSame, context().now >= last_commit_, [] { return "time went backwards"; }, &event);
    last_commit_ = context().now;
    const api::Object& object = event.object ? *event.object : *event.previous;
    switch (object.kind()) {
      case api::Kind::pods: count_pod(event); break;
      case api::Kind::replica_sets: count_replica_set(event); break;
      case api::Kind::deployments: count_deployment(event); break;
      default: break;
    }
    if (context().phase == Phase::quiet && !restless_) rests(event);
  }

  void at_end() override {
    evaluated(kSame);
    for (const auto& [key, object] : state().all(api::Kind::deployments)) {
      if (!object->deleting()) as_specified(*object);
    }
    for (const auto& [key, object] : state().all(api::Kind::replica_sets)) {
      if (object->deleting()) continue;
      const auto& pods = state().controlled_by(api::Kind::pods, object->uid());
      const auto active_pods = std::count_if(pods.begin(), pods.end(), [](const auto& p) {
        return active(p.second->template as<api::Pod>());
      });
      const int32_t wanted = object->as<api::ReplicaSet>().spec().replicas();
      check(kLevel, active_pods == wanted, [&rs = object, active_pods, wanted] {
        return "in the end replicasets " + rs->ns() + "/" + rs->name() + " has " +
               std::to_string(active_pods) + " pods instead of " + std::to_string(wanted);
      });
      for (const auto& [name, pod] : pods) as_in_template(*object, *pod);
    }
  }

 private:
  // What may be created, and what was.
  struct Account {
    int64_t allowed = 0, created = 0;
  };

  void as_specified(const api::Object& object) {
    const auto& deployment = object.as<api::Deployment>();
    const std::string text = "in the end deployments " + object.ns() + "/" + object.name();
    int64_t total = 0;
    // A pod that is not ready in the end, for want of a good image or of room, holds a rollout up
    // rightly (DP-8 waits for those that can still become ready).
    bool held_up = false;
    for (const auto& [key, rs] : state().controlled_by(api::Kind::replica_sets, object.uid())) {
      if (!rs->deleting()) total += rs->as<api::ReplicaSet>().spec().replicas();
      for (const auto& [name, pod] : state().controlled_by(api::Kind::pods, rs->uid())) {
        held_up = held_up || (active(pod->as<api::Pod>()) && !ready(pod->as<api::Pod>()));
      }
    }
    check(kLevel, deployment.status().observed_generation() == object.meta().generation(),
          [&] { return text + " has not been looked at since its last change"; });
    if (deployment.spec().paused()) return;
    if (held_up) {
      const Bounds bounds = bounds_of(deployment);
      check(kLevel, total <= bounds.replicas + bounds.surge, [&] {
        return text + " has ReplicaSets of " + std::to_string(total) + " pods, more than its " +
               std::to_string(bounds.replicas) + " + " + std::to_string(bounds.surge);
      });
      check(kLevel, total >= bounds.replicas, [&] {
        return text + " is held up, but its ReplicaSets ask for " + std::to_string(total) +
               " pods only instead of " + std::to_string(bounds.replicas);
      });
      return;
    }
    check(kLevel, total == deployment.spec().replicas(), [&] {
      return text + " has ReplicaSets of " + std::to_string(total) + " pods instead of " +
             std::to_string(deployment.spec().replicas());
    });
    check(kLevel, deployment.status().updated_replicas() == deployment.spec().replicas(), [&] {
      return text + " has " + std::to_string(deployment.status().updated_replicas()) + " of " +
             std::to_string(deployment.spec().replicas()) + " pods of its present template";
    });
  }

  // A pod runs what its ReplicaSet says, not what an earlier or a later one said.
  void as_in_template(const api::Object& rs, const api::Object& object) {
    const auto& pod = object.as<api::Pod>();
    if (!active(pod)) return;
    const auto& wanted = rs.as<api::ReplicaSet>().spec().template_().spec().containers();
    const bool same = std::equal(
        wanted.begin(), wanted.end(), pod.spec().containers().begin(), pod.spec().containers().end(),
        [](const auto& a, const auto& b) { return a.name() == b.name() && a.image() == b.image(); });
    check(kLevel, same, [&] {
      return "in the end pods " + object.ns() + "/" + object.name() + " runs other images than " +
             rs.name() + " asks for";
    });
  }

  // --- GL-3 -----------------------------------------------------------------------------------------

  static const std::string& owner_of(const api::ObjectPtr& object) {
    static const std::string none;
    return object ? controller_uid(*object) : none;
  }
  static bool counts(const api::ObjectPtr& pod) { return pod && active(pod->as<api::Pod>()); }

  void created(const store::StoreEvent& event, const std::string& owner, const char* what) {
    const auto it = accounts_.find(owner);
    if (it == accounts_.end()) return;  // an owner that is gone already: the collector's business
    Account& account = it->second;
    ++account.created;
    check(kCreated, account.created <= account.allowed,
          [&] {
            return std::string(what) + " " + event.object->name() + " is number " +
                   std::to_string(account.created) + " to be created for its owner, but wishes and " +
                   "losses account for " + std::to_string(account.allowed);
          },
          &event);
  }

  void lost(const std::string& owner) {
    const auto it = accounts_.find(owner);
    if (it != accounts_.end()) ++it->second.allowed;
  }

  void count_pod(const store::StoreEvent& event) {
    const std::string &before = owner_of(event.previous), &now = owner_of(event.object);
    // One that does not count any more, for its owner, may be replaced.
    if (counts(event.previous) && !before.empty() && (!counts(event.object) || before != now)) {
      lost(before);
    }
    if (!event.previous && !now.empty() && written_by(event, "replicaset")) created(event, now, "pod");
  }

  void count_replica_set(const store::StoreEvent& event) {
    if (!event.object) {
      accounts_.erase(event.previous->uid());
      lost(owner_of(event.previous));
      return;
    }
    const int64_t before = event.previous ? event.previous->as<api::ReplicaSet>().spec().replicas() : 0;
    const int64_t now = event.object->as<api::ReplicaSet>().spec().replicas();
    Account& account = accounts_[event.object->uid()];
    account.allowed += std::max<int64_t>(0, now - before);
    if (event.previous && owner_of(event.previous) != owner_of(event.object)) {
      lost(owner_of(event.previous));
    }
    const std::string& owner = owner_of(event.object);
    if (!event.previous && !owner.empty() && written_by(event, "deployment")) {
      created(event, owner, "replicaset");
    }
  }

  // Each change of its spec may be a new template.
  void count_deployment(const store::StoreEvent& event) {
    if (!event.object) {
      accounts_.erase(event.previous->uid());
      return;
    }
    if (!event.previous || event.previous->meta().generation() != event.object->meta().generation()) {
      ++accounts_[event.object->uid()].allowed;
    }
  }

  // --- GL-1 -----------------------------------------------------------------------------------------

  // At most `first` writes, and one more for each period: what is refreshed, not what is fought over.
  bool seldom(const api::Object& object, int64_t first, Duration period) {
    const int64_t most = first + (context().now - quiet_since_) / period;
    return ++quiet_writes_[object.key()] <= most;
  }

  bool may_be_written(const store::StoreEvent& event) {
    const api::Object& object = event.object ? *event.object : *event.previous;
    const std::string& actor = event.provenance ? event.provenance->actor : object.name();
    switch (object.kind()) {
      case api::Kind::leases: return true;
      // They expire, and what is reported again and again is counted in them.
      case api::Kind::events: return !event.object || seldom(object, 2, 1min);
      case api::Kind::nodes:
        // New images are reported late, everything else is refreshed now and then.
        return event.object && event.previous && actor == "agent/" + object.name() &&
               readiness(object) == readiness(*event.previous) && seldom(object, 2, kStatusPeriod);
      // The question to witnesses about nodes that stay silent.
      case api::Kind::config_maps:
        return object.ns() == "kube-system" && object.name() == "keelson-witnesses";
      // Entries about evicted pods expire after two minutes.
      case api::Kind::pod_disruption_budgets: return event.object && seldom(object, 2, 2min);
      case api::Kind::pods:
        // Why a pod finds no place may change with the nodes.
        if (event.object && actor.starts_with("scheduler-") &&
            object.as<api::Pod>().spec().node_name().empty()) {
          return seldom(object, 1, 1min);
        }
        // Ended pods beyond the threshold are swept away.
        return written_by(event, "pod-garbage-collector") && !event.object &&
               has_ended(object.as<api::Pod>());
      default: return false;
    }
  }

  void rests(const store::StoreEvent& event) {
    check(kRest, may_be_written(event),
          [&] {
            const api::Object& object = event.object ? *event.object : *event.previous;
            return api::to_string(object.key()) + (event.object ? " was written " : " was removed ") +
                   std::to_string((context().now - quiet_since_) / 1s) +
                   " s after everything had settled";
          },
          &event);
  }

  std::unordered_map<std::string, Account> accounts_;  // by the owner's uid
  std::unordered_map<api::ObjectKey, int64_t, api::ObjectKeyHash> quiet_writes_;
  Instant quiet_since_{}, last_commit_{};
  bool restless_ = false;
};

}  // namespace

void add_global_checks(const CheckContext& context, Checks& checks) {
  checks.push_back(std::make_unique<GlobalCheck>(context));
}

}  // namespace keelson::sim
