#include "core/proxy/proxier.hpp"

#include <gtest/gtest.h>

#include "tests/proxy/builders.hpp"
#include "tests/support/fake_api.hpp"
#include "tests/support/manual_loop.hpp"

namespace keelson::proxy {
namespace {

class ProxierTest : public testing::Test {
 protected:
  std::string backend() {
    Rng rng(3);
    const Route route = proxier.rules().route({"c", "10.96.0.10", 80}, loop.now(), rng);
    return route.endpoint ? route.endpoint->ip : "";
  }
  test::ManualLoop loop;
  test::FakeApi api{loop};
  Proxier proxier{loop, api, Rng(1), {.node = "n1"}};
};

TEST_F(ProxierTest, follows_the_api) {
  api.put(api::make_object(test::service("web")));
  api.put(api::make_object(test::slice("web-1", "web", {{"10.0.0.1", "n1"}})));
  EXPECT_FALSE(proxier.synced());
  proxier.start();
  loop.run_for(1s);
  EXPECT_TRUE(proxier.synced());
  EXPECT_EQ(backend(), "10.0.0.1");
  const auto changed =
      api.put(api::make_object(test::slice("web-1", "web", {{"10.0.0.2", "n1"}})));
  loop.run_for(1s);
  EXPECT_EQ(backend(), "10.0.0.2");
  api.erase({api::Kind::endpoint_slices, "default", "web-1"});
  loop.run_for(1s);
  EXPECT_EQ(backend(), "");
  EXPECT_GT(proxier.revision(), api::Revision{}) << to_string(changed->revision());
}

TEST_F(ProxierTest, keeps_its_rules_while_the_api_is_away) {
  api.put(api::make_object(test::service("web")));
  api.put(api::make_object(test::slice("web-1", "web", {{"10.0.0.1", "n1"}})));
  proxier.start();
  loop.run_for(1s);
  api.down = true;
  api.break_watches();
  loop.run_for(300s);
  EXPECT_EQ(backend(), "10.0.0.1");
  api.down = false;
  api.put(api::make_object(test::slice("web-1", "web", {{"10.0.0.5", "n1"}})));
  loop.run_for(30s);
  EXPECT_EQ(backend(), "10.0.0.5");
}

TEST_F(ProxierTest, says_nothing_before_it_knows_services_and_endpoints) {
  int changes = 0;
  proxier.rules().on_change([&](const RuleChange& change) {
    ++changes;
    EXPECT_FALSE(change.added().empty()) << "a service must not appear without its endpoints";
  });
  api.put(api::make_object(test::service("web")));
  api.put(api::make_object(test::slice("web-1", "web", {{"10.0.0.1", "n1"}})));
  proxier.start();
  loop.run_for(1s);
  EXPECT_EQ(changes, 1);
}

}  // namespace
}  // namespace keelson::proxy
