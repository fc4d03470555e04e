// ZD-1: what a service loses. Nothing is promised of services in general: a pod stops while the
// news of it are still on their way to the nodes' rules. A scenario promises it of services whose
// deployments keep the premises: surge and no unavailability, truthful readiness probes,
// minReadySeconds no shorter than their period, a preStop pause longer than the news take, and a
// grace period longer than that.
#include "sim/checks/suite.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kTrafficInvariants[] = {
    {"ZD-1",
     "A service promised to lose no request (traffic with `mustNotFail`) loses none while no pod "
     "is lost involuntarily.", fact::traffic},
};
enum : std::size_t { kNoneLost };

class TrafficCheck final : public Check {
 public:
  using Check::Check;
  std::span<const InvariantInfo> invariants() const override { return kTrafficInvariants; }

  void on_request(const ServiceRequest& request) override {
    if (!request.promised || context().ledger.open() > 0) return;
    check(kNoneLost, request.lost.empty(), [&] {
      return "a request from " + request.from + " to " + request.service +
             " was lost: " + request.lost;
    });
  }
};

}  // namespace

void add_traffic_checks(const CheckContext& context, Checks& checks) {
  checks.push_back(std::make_unique<TrafficCheck>(context));
}

}  // namespace keelson::sim
