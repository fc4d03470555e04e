// The simulated store is a Store like any other: over a network without faults it passes the suite.
#include <gtest/gtest.h>

#include "sim/world/store_host.hpp"
#include "tests/store/conformance.hpp"
#include "tests/store/conformance_lists.hpp"
#include "tests/store/conformance_model.hpp"
#include "tests/store/conformance_transactions.hpp"

namespace keelson::store::conformance {
namespace {

class SimulatedHarness final : public StoreHarness {
 public:
  SimulatedHarness() { server_.start(); }
  Store& store() override { return link_; }
  void settle() override {
    while (engine_.step()) {
    }
  }
  bool fail_over(Revision keep) override { return host_.fail_over(keep).ok(); }
  void set_reachable(bool reachable) override { host_.set_available(reachable); }

 private:
  static constexpr sim::HostId kStore = 1, kServer = 2;
  sim::Engine engine_;
  sim::Network network_{Rng(1), {}};
  sim::Process server_{engine_, 1, "apiserver"};
  sim::StoreHost host_{engine_, network_, Rng(2), kStore, {}};
  sim::StoreLink link_{host_, server_, kServer};
};

const MakeHarness simulated = [] { return std::make_unique<SimulatedHarness>(); };

INSTANTIATE_TEST_SUITE_P(Simulated, StoreConformance, testing::Values(simulated));
INSTANTIATE_TEST_SUITE_P(Simulated, StoreOutage, testing::Values(simulated));
INSTANTIATE_TEST_SUITE_P(Simulated, StoreModel, testing::Values(simulated));

}  // namespace
}  // namespace keelson::store::conformance
