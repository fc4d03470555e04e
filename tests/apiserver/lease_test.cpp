// Leases: roles and their tokens, heartbeats and how people see them. Events: their time to live.
#include "tests/apiserver/fixture.hpp"

namespace keelson::test {
namespace {

class LeaseTest : public ApiServerTest {
 protected:
  static api::Lease lease(const std::string& holder) {
    api::Lease lease;
    lease.mutable_metadata()->set_name("scheduler");
    lease.mutable_metadata()->set_namespace_("kube-system");
    lease.mutable_spec()->set_holder_identity(holder);
    lease.mutable_spec()->set_lease_duration_seconds(15);
    return lease;
  }
  Response write_as(uint64_t token) {
    Request request =
        api::update(api::make_object(config_named("c", "by " + std::to_string(++n_))));
    request.fence = {"kube-system/scheduler", token};
    return call(request);
  }
  Request renewal(const std::string& node, uint64_t seq) {
    Request request;
    request.verb = api::Verb::renew;
    request.kind = Kind::leases;
    request.ns = "kube-node-lease";
    request.name = node;
    request.beat.seq = seq;
    request.beat.renew_time = loop.wall_now();
    return request;
  }
  int n_ = 0;
};

TEST_F(LeaseTest, ChangingHandsGrantsTheRole) {
  made(config_named("c"));
  const auto taken = made(lease("a"));
  const uint64_t token = taken.revision().value;
  EXPECT_TRUE(write_as(token).ok());
  // A renewal keeps the token.
  api::Lease renewed = lease("a");
  renewed.mutable_spec()->mutable_renew_time()->set_seconds(5);
  ASSERT_TRUE(put(renewed).ok());
  EXPECT_TRUE(write_as(token).ok());
  // Another holder: the old token is refused.
  const Response other = put(lease("b"));
  ASSERT_TRUE(other.ok());
  EXPECT_TRUE(write_as(token).error.fenced);
  EXPECT_TRUE(write_as(other.revision.value).ok());
  // Given up: nobody knows the token.
  ASSERT_TRUE(put(lease("")).ok());
  EXPECT_TRUE(write_as(other.revision.value).error.fenced);
}

TEST_F(LeaseTest, RemovingTheLeaseEndsTheRole) {
  made(config_named("c"));
  const uint64_t token = made(lease("a")).revision().value;
  ASSERT_TRUE(write_as(token).ok());
  ASSERT_TRUE(call(removal(Kind::leases, "scheduler", "kube-system")).ok());
  EXPECT_TRUE(write_as(token).error.fenced);
}

TEST_F(LeaseTest, HeartbeatsConsumeNoRevision) {
  for (int i = 0; i < 100; ++i) made(node_named("n" + std::to_string(i)));
  const Revision before = now();
  int answers = 0;
  for (int i = 0; i < 100; ++i) {
    server->handle(renewal("n" + std::to_string(i), 1), [&](Response response) {
      EXPECT_TRUE(response.ok());
      ++answers;
    });
  }
  loop.settle();
  EXPECT_EQ(answers, 100);
  EXPECT_EQ(store.beat_calls, 1);  // batched
  EXPECT_EQ(now(), before);
  Request request;
  request.verb = api::Verb::list_beats;
  request.kind = Kind::leases;
  Response page = call(request);
  EXPECT_EQ(page.beats.size(), 100u);
  request.beat_cursor = page.beat_cursor;
  EXPECT_TRUE(call(request).beats.empty());
  call(renewal("n7", 2));
  page = call(request);
  ASSERT_EQ(page.beats.size(), 1u);
  EXPECT_EQ(page.beats[0].node, "n7");
  EXPECT_EQ(page.beats[0].seq, 2u);
}

TEST_F(LeaseTest, PeopleSeeHeartbeatsAsRenewTime) {
  made(node_named("n1"));
  made(node_named("n2"));
  call(renewal("n1", 1));
  const auto lease = read<api::Lease>("n1", "kube-node-lease");
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->spec().holder_identity(), "n1");
  EXPECT_EQ(lease->spec().renew_time().seconds(), loop.wall_now().unix_ns / 1'000'000'000);
  made(pod_named("p"));
  ASSERT_TRUE(call(binding("p", "n1")).ok());
  call(renewal("n2", 1));
  loop.run_for(20s);
  call(renewal("n1", 2));
  const Response list = call(api::list(Kind::leases, "kube-node-lease"));
  ASSERT_EQ(list.items.size(), 2u);
  EXPECT_EQ(list.items[0]->as<api::Lease>().spec().renew_time().seconds(),
            loop.wall_now().unix_ns / 1'000'000'000);
  EXPECT_EQ(list.items[1]->name(), "n2");
  EXPECT_FALSE(read<api::Lease>("nope", "kube-node-lease"));
}

TEST_F(LeaseTest, ANodeThatWasRemovedHasNoLeaseAnyMore) {
  made(node_named("n1"));
  call(renewal("n1", 1));
  ASSERT_TRUE(read<api::Lease>("n1", "kube-node-lease"));
  ASSERT_TRUE(call(removal(Kind::nodes, "n1")).ok());
  EXPECT_FALSE(read<api::Lease>("n1", "kube-node-lease"));
  EXPECT_TRUE(call(api::list(Kind::leases, "kube-node-lease")).items.empty());
}

TEST_F(LeaseTest, HeartbeatsOfNodesThatDoNotExistAreRefused) {
  Request all;
  all.verb = api::Verb::list_beats;
  all.kind = Kind::leases;
  const Response refused = call(renewal("nobody", 1));
  EXPECT_EQ(refused.error.reason, Reason::not_found);
  EXPECT_EQ(refused.error.message, "nodes \"nobody\" not found");
  EXPECT_TRUE(call(all).beats.empty());
  made(node_named("n1"));
  EXPECT_TRUE(call(renewal("n1", 1)).ok());
  EXPECT_EQ(call(all).beats.size(), 1u);
  ASSERT_TRUE(call(removal(Kind::nodes, "n1")).ok());
  EXPECT_TRUE(call(all).beats.empty()) << "the store forgets the heartbeat with the node";
  // Another node of that name does not inherit a sign of life.
  made(node_named("n1"));
  EXPECT_FALSE(read<api::Lease>("n1", "kube-node-lease"));
  EXPECT_TRUE(call(renewal("n1", 1)).ok()) << "nor is its own taken for a repetition";
  EXPECT_TRUE(read<api::Lease>("n1", "kube-node-lease"));
}

// The node has registered through another server, and this one has not heard of it yet.
TEST_F(LeaseTest, ALaggingServerAsksTheStoreBeforeItRefusesAHeartbeat) {
  store.hold_events = true;
  std::optional<Response> created;
  server->handle(api::create(api::make_object(node_named("n1"))),
                 [&](Response response) { created = std::move(response); });
  loop.settle();
  EXPECT_TRUE(call(renewal("n1", 1)).ok());
  store.release();
  loop.settle();
  EXPECT_TRUE(read<api::Lease>("n1", "kube-node-lease"));
}

TEST_F(LeaseTest, OnlyNodesHaveHeartbeats) {
  Request request = renewal("x", 1);
  request.ns = "default";
  EXPECT_EQ(call(request).error.reason, Reason::method_not_allowed);
}

class EventTest : public ApiServerTest {
 protected:
  static api::Event event(const std::string& name, int32_t count = 1) {
    api::Event event;
    event.mutable_metadata()->set_name(name);
    event.mutable_metadata()->set_namespace_("default");
    event.mutable_involved_object()->set_kind("Pod");
    event.mutable_involved_object()->set_namespace_("default");
    event.mutable_involved_object()->set_name("p");
    event.set_reason("Started");
    event.set_type("Normal");
    event.set_count(count);
    return event;
  }
};

TEST_F(EventTest, GoAfterAnHourUnlessWrittenAgain) {
  made(event("old"));
  made(event("busy"));
  loop.run_for(50min);
  ASSERT_TRUE(put(event("busy", 2)).ok());
  loop.run_for(9min);
  EXPECT_TRUE(read<api::Event>("old"));
  loop.run_for(2min);
  EXPECT_FALSE(read<api::Event>("old"));
  EXPECT_TRUE(read<api::Event>("busy"));
  loop.run_for(50min);
  EXPECT_FALSE(read<api::Event>("busy"));
}

class ManyEventsTest : public EventTest {
 protected:
  ManyEventsTest() {
    options_.events_max = 100;
    restart();
    loop.settle();
  }
};

TEST_F(ManyEventsTest, TheOldestGoWhenThereAreTooMany) {
  for (int i = 0; i < 350; ++i) made(event("e" + std::to_string(1000 + i)));
  loop.run_for(1min);
  const Response left = call(api::list(Kind::events));
  EXPECT_EQ(left.items.size(), 100u);
  EXPECT_EQ(left.items.front()->name(), "e1250");
}

}  // namespace
}  // namespace keelson::test
