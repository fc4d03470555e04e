// LE-1, LE-2 and LE-4: who may write in a role. The current token of a role is the revision at which
// its Lease last changed hands; the checks read it off the history, not out of the store.
#include <map>

#include "sim/checks/suite.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kLeaderInvariants[] = {
    {"LE-1",
     "Every write of a controller manager or a scheduler carries the token of its role that is "
     "current when it commits.", fact::provenance | fact::whole},
    {"LE-2", "Nobody sends a write in a role later than 10 s after their last successful renewal.",
     fact::calls},
    {"LE-4",
     "The token of a role strictly increases, and who is elected has the one it was granted.",
     fact::memory},
};
enum : std::size_t { kFenced, kFresh, kIncreasing };

constexpr Duration kRenewDeadline = 10s;
constexpr const char* kRoleNamespace = "kube-system";

// The role that a component writes in, by its name; empty: in none. What it writes outside of it
// are the Lease itself, which is how it gets the role, and Events, which decide nothing.
const std::string& role_of(const store::StoreEvent& event, const api::Object& object) {
  static const std::string none, manager = "kube-system/controller-manager",
                                 scheduler = "kube-system/scheduler";
  if (event.provenance == nullptr || object.kind() == api::Kind::leases ||
      object.kind() == api::Kind::events) {
    return none;
  }
  if (event.provenance->actor.starts_with("controller-manager-")) return manager;
  return event.provenance->actor.starts_with("scheduler-") ? scheduler : none;
}

class LeaderCheck final : public Check {
 public:
  using Check::Check;
  std::span<const InvariantInfo> invariants() const override { return kLeaderInvariants; }

  void on_commit(const store::StoreEvent& event) override {
    const api::Object& object = event.object ? *event.object : *event.previous;
    if (event.revision.epoch != epoch_) {
      // A store that has failed over honours no token of the time before.
      epoch_ = event.revision.epoch;
      for (auto& [role, reign] : reigns_) reign.token = 0;
    }
    fenced(event, object);
    if (object.kind() != api::Kind::leases || object.ns() != kRoleNamespace) return;
    const std::string before = holder(event.previous), now = holder(event.object);
    if (before == now) return;
    const std::string role = object.ns() + "/" + object.name();
    Reign& reign = reigns_[role];
    const uint64_t token = event.revision.value;
    check(kIncreasing, token > reign.highest,
          [&] {
            return "the role " + role + " changed hands at revision " + api::to_string(event.revision) +
                   " after token " + std::to_string(reign.highest);
          },
          &event);
    reign.token = reign.highest = token;
    if (!now.empty()) reign.granted[token] = now;
  }

  void on_called(const Process& client, const api::Request& request) override {
    if (request.kind == api::Kind::leases && request.ns == kRoleNamespace) {
      if (request.verb != api::Verb::get) asked_[client.name()] = client.now();
      return;
    }
    if (request.fence.role.empty()) return;
    const auto it = renewed_.find(client.name());
    // By the process's own monotonic clock, as the rule says.
    check(kFresh, it != renewed_.end() && client.now() - it->second <= kRenewDeadline, [&] {
      return client.name() + " writes as " + request.fence.role + " although its last renewal was " +
             (it == renewed_.end()
                  ? std::string("never")
                  : std::to_string((client.now() - it->second).count() / 1'000'000) + " ms ago");
    });
  }

  // A renewal counts from when it was asked for: the others cannot have seen it any earlier. Reading
  // one's own name in the Lease renews nothing.
  void on_answered(const Process& client, const api::Request& request,
                   const api::Response& response) override {
    if (request.kind != api::Kind::leases || request.ns != kRoleNamespace || !response.ok()) return;
    if (!response.object || request.verb == api::Verb::get) return;
    const std::string& identity = response.object->as<api::Lease>().spec().holder_identity();
    // A process has one call about its Lease under way at a time: this is the answer to the last.
    if (identity.starts_with(client.name() + "_")) renewed_[client.name()] = asked_[client.name()];
  }

  void on_process_killed(const std::string& process) override {
    renewed_.erase(process);
    asked_.erase(process);
  }

  void on_leader_changed(const std::string& role, const std::string& process, uint64_t token,
                         bool elected) override {
    if (!elected) return;
    const auto reign = reigns_.find(std::string(kRoleNamespace) + '/' + role);
    const bool granted = reign != reigns_.end() && reign->second.granted.contains(token) &&
                         reign->second.granted.at(token).starts_with(process + "_");
    check(kIncreasing, granted, [&] {
      return process + " leads as " + role + " with token " + std::to_string(token) +
             ", at which the role did not become its own";
    });
  }

 private:
  struct Reign {
    uint64_t token = 0;    // the current one; 0: there is none
    uint64_t highest = 0;  // of all that there were
    std::map<uint64_t, std::string> granted;  // token -> holder
  };

  static std::string holder(const api::ObjectPtr& lease) {
    return lease ? lease->as<api::Lease>().spec().holder_identity() : std::string();
  }

  void fenced(const store::StoreEvent& event, const api::Object& object) {
    const std::string& own = role_of(event, object);
    static const api::Fence kNone;
    const api::Fence& fence = event.provenance ? event.provenance->fence : kNone;
    if (own.empty() && fence.role.empty()) return;
    const auto reign = reigns_.find(fence.role);
    const uint64_t current = reign == reigns_.end() ? 0 : reign->second.token;
    const bool right_role = own.empty() || fence.role == own;
    check(kFenced, right_role && fence.token != 0 && fence.token == current,
          [&] {
            if (fence.role.empty()) return "a write in the role " + own + " carries no token";
            if (!right_role) return "a write in the role " + own + " carries a token of " + fence.role;
            return "a write in the role " + fence.role + " carries token " +
                   std::to_string(fence.token) + ", but the current one is " +
                   std::to_string(current);
          },
          &event);
  }

  std::map<std::string, Reign> reigns_;
  std::map<std::string, Instant> asked_, renewed_;  // by process, in its own time
  uint64_t epoch_ = 0;
};

}  // namespace

void add_leader_checks(const CheckContext& context, Checks& checks) {
  checks.push_back(std::make_unique<LeaderCheck>(context));
}

}  // namespace keelson::sim
