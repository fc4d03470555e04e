// The checks of leadership: each fires on a broken history and not on a right one.
#include <gtest/gtest.h>

#include "tests/sim/event_builder.hpp"

namespace keelson::sim::test {
namespace {

using namespace keelson::test;

constexpr const char* kRole = "kube-system/scheduler";

class LeaseBuilder : public Builder<api::Lease, LeaseBuilder> {
 public:
  explicit LeaseBuilder(const std::string& holder) : Builder("scheduler") {
    ns("kube-system");
    message_.mutable_spec()->set_holder_identity(holder);
  }
};

struct Leaders : testing::Test {
  History h{add_leader_checks};

  // Answers the token.
  uint64_t takes_over(const std::string& process) {
    h.fenced("", 0).put(LeaseBuilder(process + "_1"), process.c_str());
    return h.revision().value;
  }
  static api::Request about_the_lease(api::Verb verb) {
    api::Request request;
    request.verb = verb;
    request.kind = api::Kind::leases;
    request.ns = "kube-system";
    request.name = "scheduler";
    return request;
  }
  void renews(const std::string& process) {
    h.calls(process, about_the_lease(api::Verb::update));
    answers(process, api::Verb::update);
  }
  void answers(const std::string& process, api::Verb verb) {
    api::Response response;
    response.object = LeaseBuilder(process + "_1");
    h.answered(process, about_the_lease(verb), response);
  }
  void writes(const std::string& process) {
    api::Request request;
    request.verb = api::Verb::create;
    request.kind = api::Kind::pods;
    request.fence = {kRole, 1};
    h.calls(process, request);
  }
};

TEST_F(Leaders, WritingWithTheCurrentTokenIsRightAndWithAnOldOneBreaksLe1) {
  const uint64_t first = takes_over("scheduler-0");
  h.fenced(kRole, first).put(pod("a").on("n1"), "scheduler-0");
  EXPECT_EQ(h.broken(), "");
  const uint64_t second = takes_over("scheduler-1");
  h.fenced(kRole, second).put(pod("b").on("n1"), "scheduler-1");
  EXPECT_EQ(h.broken(), "");
  h.fenced(kRole, first).put(pod("c").on("n1"), "scheduler-0");
  EXPECT_EQ(h.broken(), "LE-1");
}

TEST_F(Leaders, WritingWithoutATokenBreaksLe1) {
  takes_over("scheduler-0");
  h.put(pod("a"), kUser).put(pod("a"), "agent/n1");
  EXPECT_EQ(h.broken(), "");
  h.put(pod("a").on("n1"), "scheduler-0");
  EXPECT_EQ(h.broken(), "LE-1");
}

TEST_F(Leaders, WritingInAnothersRoleBreaksLe1) {
  const uint64_t token = takes_over("scheduler-0");
  h.fenced(kRole, token).put(pod("a"), "controller-manager-0/replicaset");
  EXPECT_EQ(h.broken(), "LE-1");
}

TEST_F(Leaders, ARoleThatWasGivenUpHasNoToken) {
  const uint64_t token = takes_over("scheduler-0");
  h.put(LeaseBuilder(""), "scheduler-0");
  h.fenced(kRole, token).put(pod("a").on("n1"), "scheduler-0");
  EXPECT_EQ(h.broken(), "LE-1");
}

TEST_F(Leaders, AFailoverOfTheStoreVoidsAllTokens) {
  const uint64_t token = takes_over("scheduler-0");
  store::StoreEvent event;
  event.revision = {2, h.revision().value + 1};
  event.object = pod("a").object()->at(event.revision);
  auto by = std::make_shared<store::Provenance>();
  by->actor = "scheduler-0";
  by->fence = {kRole, token};
  event.provenance = by;
  h.show(event);
  EXPECT_EQ(h.broken(), "LE-1");
}

TEST_F(Leaders, WritingLongAfterTheLastRenewalBreaksLe2) {
  renews("scheduler-0");
  h.pass(10s);
  writes("scheduler-0");
  EXPECT_EQ(h.broken(), "");
  h.pass(1s);
  writes("scheduler-0");
  EXPECT_EQ(h.broken(), "LE-2");
}

TEST_F(Leaders, ARenewalCountsFromWhenItWasAsked) {
  h.calls("scheduler-0", about_the_lease(api::Verb::update));
  h.pass(6s);
  answers("scheduler-0", api::Verb::update);
  h.pass(6s);
  writes("scheduler-0");
  EXPECT_EQ(h.broken(), "LE-2");
}

TEST_F(Leaders, ReadingOnesOwnNameRenewsNothing) {
  renews("scheduler-0");
  h.pass(8s);
  h.calls("scheduler-0", about_the_lease(api::Verb::get));
  answers("scheduler-0", api::Verb::get);
  h.pass(8s);
  writes("scheduler-0");
  EXPECT_EQ(h.broken(), "LE-2");
}

TEST_F(Leaders, ANewLifeBeginsWithoutARenewal) {
  renews("scheduler-0");
  h.killed("scheduler-0");
  writes("scheduler-0");
  EXPECT_EQ(h.broken(), "LE-2");
}

TEST_F(Leaders, LeadingWithATokenThatWasNotGrantedBreaksLe4) {
  const uint64_t token = takes_over("scheduler-0");
  h.elected("scheduler", "scheduler-0", token);
  EXPECT_EQ(h.broken(), "");
  h.elected("scheduler", "scheduler-1", token);
  EXPECT_EQ(h.broken(), "LE-4");
  h.elected("scheduler", "scheduler-0", token + 1);
  EXPECT_EQ(h.broken(), "LE-4");
}

TEST_F(Leaders, ATokenThatDoesNotRiseBreaksLe4) {
  h.put(pod("a")).put(pod("b"));
  takes_over("scheduler-0");
  store::StoreEvent event;
  event.revision = {2, 1};
  event.previous = h.state().get({api::Kind::leases, "kube-system", "scheduler"});
  event.object = LeaseBuilder("scheduler-1_1").object()->at(event.revision);
  h.show(event);
  EXPECT_EQ(h.broken(), "LE-4");
}

}  // namespace
}  // namespace keelson::sim::test
