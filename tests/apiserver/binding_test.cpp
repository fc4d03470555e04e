// POST pods/x/binding: once, for the pod that was scored, and never beyond the node's room.
#include "tests/apiserver/fixture.hpp"

#include "core/base/seeded_bug.hpp"

namespace keelson::test {
namespace {

using ::testing::HasSubstr;

class BindingTest : public ApiServerTest {
 protected:
  api::Ref<api::Pod> with_cpu(const std::string& name, const std::string& cpu) {
    api::Pod pod = pod_named(name);
    ask_for(pod, "cpu", cpu);
    return made(pod);
  }
};

TEST_F(BindingTest, SetsNodeAndCondition) {
  made(node_named("n1"));
  const auto pod = made(pod_named("p"));
  const Response response = call(binding("p", "n1", pod.uid()));
  ASSERT_TRUE(response.ok()) << response.error.message;
  const auto bound = read<api::Pod>("p");
  EXPECT_EQ(bound->spec().node_name(), "n1");
  ASSERT_EQ(bound->status().conditions_size(), 1);
  EXPECT_EQ(bound->status().conditions(0).type(), "PodScheduled");
  EXPECT_EQ(bound->status().conditions(0).status(), "True");
  EXPECT_EQ(response.object->revision(), bound.revision());
}

TEST_F(BindingTest, OnlyOnce) {
  made(node_named("n1"));
  made(node_named("n2"));
  made(pod_named("p"));
  ASSERT_TRUE(call(binding("p", "n1")).ok());
  const Response again = call(binding("p", "n2"));
  EXPECT_EQ(again.error.reason, Reason::conflict);
  EXPECT_EQ(
      again.error.message,
      "Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node "
      "\"n1\"");
  EXPECT_EQ(again.error.kind, "pods/binding");
  EXPECT_EQ(read<api::Pod>("p")->spec().node_name(), "n1");
}

// A pod that names its node itself is admitted unasked, but the next binding must know of it
// (SC-1).
TEST_F(BindingTest, APodThatNamesItsNodeCountsForAServerThatHasNotSeenIt) {
  made(node_named("n1", "4"));
  with_cpu("p", "2");
  apiserver::ApiServer other(loop, memory, Rng(9), log, options_);
  other.start();
  loop.settle();
  store.hold_events = true;
  api::Pod placed = pod_named("placed");
  ask_for(placed, "cpu", "3");
  placed.mutable_spec()->set_node_name("n1");
  bool created = false;
  other.handle(api::create(api::make_object(placed)),
               [&](Response response) { created = response.ok(); });
  loop.settle();
  ASSERT_TRUE(created);
  std::optional<Response> bound;
  server->handle(binding("p", "n1"), [&](Response response) { bound = std::move(response); });
  loop.settle();
  store.release();
  loop.settle();
  ASSERT_TRUE(bound);
  EXPECT_THAT(bound->error.message, HasSubstr("Insufficient cpu"));
}

TEST_F(BindingTest, ANodeThatWasReplacedUnseenIsLookedAtAnew) {
  made(node_named("n1", "4"));
  with_cpu("p", "2");
  apiserver::ApiServer other(loop, memory, Rng(9), log, options_);
  other.start();
  loop.settle();
  store.hold_events = true;
  bool replaced = false;
  other.handle(removal(Kind::nodes, "n1"), [&](Response) {
    other.handle(api::create(api::make_object(node_named("n1", "1"))),
                 [&](Response response) { replaced = response.ok(); });
  });
  loop.settle();
  ASSERT_TRUE(replaced);
  std::optional<Response> bound;
  server->handle(binding("p", "n1"), [&](Response response) { bound = std::move(response); });
  loop.settle();
  EXPECT_FALSE(bound);
  store.release();
  loop.settle();
  ASSERT_TRUE(bound);
  EXPECT_THAT(bound->error.message, HasSubstr("Insufficient cpu"));
}

// Sums that leave the range of numbers must not come round to something that fits (SC-1).
TEST_F(BindingTest, AmountsBeyondMeasureNeverFit) {
  made(node_named("n1", "8"));
  with_cpu("small", "1");
  ASSERT_TRUE(call(binding("small", "n1")).ok());
  with_cpu("huge", "9223372036854775807");
  EXPECT_THAT(call(binding("huge", "n1")).error.message, HasSubstr("Insufficient cpu"));
  api::Pod two = pod_named("two");
  ask_for(two, "memory", "9223372036854775807");
  *two.mutable_spec()->add_containers() = two.spec().containers(0);
  two.mutable_spec()->mutable_containers(1)->set_name("d");
  made(two);
  EXPECT_THAT(call(binding("two", "n1")).error.message, HasSubstr("Insufficient memory"));
}

TEST_F(BindingTest, NotWhileBeingDeleted) {
  made(node_named("n1"));
  api::Pod pod = pod_named("p");
  pod.mutable_metadata()->add_finalizers("example.com/hold");
  made(pod);
  call(removal(Kind::pods, "p"));
  EXPECT_EQ(
      call(binding("p", "n1")).error.message,
      "Operation cannot be fulfilled on pods/binding \"p\": pod p is being deleted, cannot be "
      "assigned to a host");
}

TEST_F(BindingTest, NotItsSuccessor) {
  made(node_named("n1"));
  const auto scored = made(pod_named("p"));
  call(removal(Kind::pods, "p"));
  made(pod_named("p"));
  const Response response = call(binding("p", "n1", scored.uid()));
  EXPECT_EQ(response.error.reason, Reason::conflict);
  EXPECT_THAT(response.error.message, HasSubstr("Precondition failed: UID in precondition"));
  EXPECT_EQ(read<api::Pod>("p")->spec().node_name(), "");
}

#ifdef KEELSON_SEEDED_BUGS
TEST_F(BindingTest, SeededBugBindByNameBindsTheSuccessor) {
  made(node_named("n1"));
  const auto scored = made(pod_named("p"));
  call(removal(Kind::pods, "p"));
  made(pod_named("p"));
  active_seeded_bug = SeededBug::bind_by_name;
  EXPECT_TRUE(call(binding("p", "n1", scored.uid())).ok());
  active_seeded_bug = SeededBug::none;
  EXPECT_EQ(read<api::Pod>("p")->spec().node_name(), "n1");
}
#endif

TEST_F(BindingTest, NodeMustExist) {
  made(pod_named("p"));
  const Response response = call(binding("p", "nowhere"));
  EXPECT_EQ(response.error.reason, Reason::conflict);
  EXPECT_THAT(response.error.message, HasSubstr("node \"nowhere\" does not exist"));
}

TEST_F(BindingTest, FormIsChecked) {
  made(pod_named("p"));
  Request request = binding("p", "");
  EXPECT_EQ(call(request).error.message, "Binding \"p\" is invalid: target.name: Required value");
  EXPECT_EQ(call(binding("nope", "n1")).error.message, "pods \"nope\" not found");
}

TEST_F(BindingTest, NeverBeyondTheRoomOfTheNode) {
  made(node_named("n1", "2", "3"));
  with_cpu("a", "1500m");
  with_cpu("b", "600m");
  with_cpu("c", "500m");
  ASSERT_TRUE(call(binding("a", "n1")).ok());
  const Response full = call(binding("b", "n1"));
  EXPECT_EQ(full.error.reason, Reason::conflict);
  EXPECT_THAT(full.error.message, HasSubstr("Insufficient cpu"));
  EXPECT_TRUE(call(binding("c", "n1")).ok());
  made(pod_named("d"));
  made(pod_named("e"));
  EXPECT_TRUE(call(binding("d", "n1")).ok());
  EXPECT_THAT(call(binding("e", "n1")).error.message, HasSubstr("Too many pods"));
  // A finished pod gives its room back.
  api::Pod done = *read<api::Pod>("a");
  done.mutable_status()->set_phase("Succeeded");
  ASSERT_TRUE(put_status(done).ok());
  EXPECT_TRUE(call(binding("b", "n1")).ok());
}

TEST_F(BindingTest, HostPortsDoNotClash) {
  made(node_named("n1"));
  for (const char* name : {"a", "b"}) {
    api::Pod pod = pod_named(name);
    auto* port = pod.mutable_spec()->mutable_containers(0)->add_ports();
    port->set_container_port(80);
    port->set_host_port(8080);
    made(pod);
  }
  EXPECT_TRUE(call(binding("a", "n1")).ok());
  EXPECT_THAT(call(binding("b", "n1")).error.message, HasSubstr("free ports"));
}

TEST_F(BindingTest, ManyAtOnceToOneNodeStillFit) {
  made(node_named("n1", "2"));
  for (int i = 0; i < 10; ++i) with_cpu("p" + std::to_string(i), "300m");
  int bound = 0, refused = 0;
  for (int i = 0; i < 10; ++i) {
    server->handle(binding("p" + std::to_string(i), "n1"),
                   [&](Response response) { response.ok() ? ++bound : ++refused; });
  }
  loop.run_for(1s);
  EXPECT_EQ(bound, 6);
  EXPECT_EQ(refused, 4);
}

// Two API servers on one store, both believing that there is room: the node's Lease decides.
TEST_F(BindingTest, TwoServersDoNotOvercommit) {
  made(node_named("n1", "2"));
  for (int i = 0; i < 10; ++i) with_cpu("p" + std::to_string(i), "300m");
  apiserver::ApiServer other(loop, memory, Rng(9), log, options_);
  other.start();
  loop.settle();
  ASSERT_TRUE(other.ready());
  int bound = 0, refused = 0;
  for (int i = 0; i < 10; ++i) {
    (i % 2 ? *server : other)
        .handle(binding("p" + std::to_string(i), "n1"),
                [&](Response response) { response.ok() ? ++bound : ++refused; });
  }
  loop.run_for(5s);
  EXPECT_EQ(bound, 6);
  EXPECT_EQ(refused, 4);
}

TEST_F(BindingTest, ServerWithStaleMemoryDoesNotOvercommit) {
  made(node_named("n1", "1"));
  with_cpu("a", "700m");
  with_cpu("b", "700m");
  apiserver::ApiServer other(loop, memory, Rng(9), log, options_);
  other.start();
  loop.settle();
  store.hold_events = true;  // `server` does not hear of what the other one does
  std::optional<Response> first, second;
  other.handle(binding("a", "n1"), [&](Response response) { first = std::move(response); });
  loop.settle();
  ASSERT_TRUE(first && first->ok());
  server->handle(binding("b", "n1"), [&](Response response) { second = std::move(response); });
  loop.settle();
  EXPECT_FALSE(second);  // its commit was refused, now it catches up
  store.release();
  loop.settle();
  ASSERT_TRUE(second);
  EXPECT_THAT(second->error.message, HasSubstr("Insufficient cpu"));
}

class KubernetesBindingTest : public BindingTest {
 protected:
  KubernetesBindingTest() {
    options_.kubernetes_profile = true;
    restart();
    loop.settle();
  }
};

TEST_F(KubernetesBindingTest, DoesNotCheckRoom) {
  made(node_named("n1", "1"));
  with_cpu("a", "700m");
  with_cpu("b", "700m");
  EXPECT_TRUE(call(binding("a", "n1")).ok());
  EXPECT_TRUE(call(binding("b", "n1")).ok());
}

}  // namespace
}  // namespace keelson::test
