// LE-1, LE-2 and LE-4: who may write in a role. The current token of a role is the revision at which
// its Lease last changed hands; the checks read it off the history, not out of the store.
#include <map>

#include "sim/checks/suite.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kInvariants[] = {
    {"LE-1", "Every write made in a role carries the token that is current when it commits."},
    {"LE-2", "Nobody sends a write in a role later than 10 s after their last successful renewal."},
    {"LE-4", "The token of a role strictly increases."},
};
enum : std::size_t { kFenced, kFresh, kIncreasing };

constexpr Duration kRenewDeadline = 10s;
// A renewal counts from when its answer arrives; the elector counts from when it asked.
constexpr const char* kRoleNamespace = "kube-system";

class LeaderCheck final : public Check {
 public:
  using Check::Check;
  std::span<const InvariantInfo> invariants() const override { return kInvariants; }

  void on_commit(const store::StoreEvent& event) override {
    const store::Provenance* by = event.provenance.get();
    if (by != nullptr && !by->fence.role.empty()) {
      const uint64_t current = tokens_[by->fence.role];
      check(kFenced, by->fence.token == current,
            [&] {
              return "a write in the role " + by->fence.role + " carries token " +
                     std::to_string(by->fence.token) + ", but the current one is " +
                     std::to_string(current);
            },
            &event);
    }
    const api::Object& object = event.object ? *event.object : *event.previous;
    if (object.kind() != api::Kind::leases || object.ns() != kRoleNamespace) return;
    const std::string before = holder(event.previous), now = holder(event.object);
    if (before == now) return;
    const std::string role = object.ns() + "/" + object.name();
    uint64_t& token = tokens_[role];
    check(kIncreasing, event.revision.value > token,
          [&] {
            return "the role " + role + " changed hands at revision " + api::to_string(event.revision) +
                   " after token " + std::to_string(token);
          },
          &event);
    token = event.revision.value;
  }

  void on_called(const Process& client, const api::Request& request) override {
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

  void on_answered(const Process& client, const api::Request& request,
                   const api::Response& response) override {
    if (request.kind != api::Kind::leases || request.ns != kRoleNamespace || !response.ok()) return;
    if (!response.object) return;
    // Also a read counts that shows oneself as the holder after an unknown outcome.
    const std::string& identity = response.object->as<api::Lease>().spec().holder_identity();
    if (identity.starts_with(client.name() + "_")) renewed_[client.name()] = client.now();
  }

  void on_process_killed(const std::string& process) override { renewed_.erase(process); }

 private:
  static std::string holder(const api::ObjectPtr& lease) {
    return lease ? lease->as<api::Lease>().spec().holder_identity() : std::string();
  }
  std::map<std::string, uint64_t> tokens_;
  std::map<std::string, Instant> renewed_;
};

}  // namespace

void add_leader_checks(const CheckContext& context, Checks& checks) {
  checks.push_back(std::make_unique<LeaderCheck>(context));
}

}  // namespace keelson::sim
