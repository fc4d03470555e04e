// The checks of deletion: each fires on a broken history and not on a right one.
#include <gtest/gtest.h>

#include "tests/sim/event_builder.hpp"

namespace keelson::sim::test {
namespace {

using namespace keelson::test;

struct Deletions : testing::Test {
  History h{add_deletion_checks};
  const api::ObjectPtr rs = replica_set("web");

  void SetUp() override { h.put(name_space("default")).put(rs); }
  PodBuilder own(const std::string& name) const { return pod(name).owner(rs); }

  static api::Request about(const api::ObjectPtr& object, api::Verb verb, uint64_t id) {
    api::Request request;
    request.verb = verb;
    request.kind = object->kind();
    request.ns = object->ns();
    request.name = object->name();
    request.body = object->body();
    request.request_id = id;
    return request;
  }
};

TEST_F(Deletions, CollectingWhatHasLostItsOwnerIsRight) {
  h.put(own("a"));
  h.remove(rs);
  h.remove(own("a"), kCollector, h.knowing());
  EXPECT_EQ(h.broken(), "");
  EXPECT_EQ(h.evaluations("GC-1"), 1u);
}

TEST_F(Deletions, CollectingWhatHasAnOwnerBreaksGc1) {
  h.put(own("a"));
  h.remove(own("a"), kCollector, h.knowing());
  EXPECT_EQ(h.broken(), "GC-1");
}

TEST_F(Deletions, CollectingWhatNeverHadAnOwnerBreaksGc1) {
  h.put(pod("a"));
  h.remove(pod("a"), kCollector, h.knowing());
  EXPECT_EQ(h.broken(), "GC-1");
}

TEST_F(Deletions, AnotherObjectOfTheOwnersNameIsNotTheOwner) {
  h.put(own("a"));
  h.remove(rs).put(replica_set("web").uid("another"));
  h.remove(own("a"), kCollector, h.knowing());
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Deletions, AnOwnerOfAKindThatIsNotKnownIsNotAbsent) {
  const auto strange = pod("a").with([](auto& m) {
    auto* ref = m.mutable_metadata()->add_owner_references();
    ref->set_api_version("example.com/v1");
    ref->set_kind("Strange");
    ref->set_name("x");
    ref->set_uid("x");
  });
  h.put(strange);
  h.remove(strange, kCollector, h.knowing());
  EXPECT_EQ(h.broken(), "GC-1");
}

TEST_F(Deletions, VanishingWithFinalizersBreaksGc2) {
  h.put(pod("a").finalizer("example.com/x"));
  h.remove(pod("a").finalizer("example.com/x"));
  EXPECT_EQ(h.broken(), "GC-2");
}

TEST_F(Deletions, TheCallThatTakesTheLastFinalizerOffMayRemove) {
  const api::ObjectPtr a = pod("a").finalizer("example.com/x").deleting();
  h.put(a);
  h.calls("client", about(pod("a").deleting(), api::Verb::update, 5));
  h.call_number(5).remove(a);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Deletions, AnotherCallMayNot) {
  const api::ObjectPtr a = pod("a").finalizer("example.com/x").deleting();
  h.put(a);
  h.calls("client", about(pod("a").deleting(), api::Verb::update, 5));
  h.call_number(6).remove(a);
  EXPECT_EQ(h.broken(), "GC-2");
}

TEST_F(Deletions, DeletingAgainMayChangeTheWayButLiftsNoForeignFinalizer) {
  const api::ObjectPtr a = replica_set("a").finalizer("foregroundDeletion").deleting();
  const api::ObjectPtr b = replica_set("b").finalizer("example.com/x").deleting();
  h.put(a).put(b);
  h.calls("client", about(a, api::Verb::remove, 5));
  h.calls("client", about(b, api::Verb::remove, 6));
  h.call_number(5).remove(a);
  EXPECT_EQ(h.broken(), "");
  h.call_number(6).remove(b);
  EXPECT_EQ(h.broken(), "GC-2");
}

TEST_F(Deletions, TakingADeletionBackOrPuttingItOffBreaksGc2) {
  h.put(pod("a").deleting(10));
  h.put(pod("a").deleting(5));
  EXPECT_EQ(h.broken(), "");
  h.put(pod("a").deleting(6));
  EXPECT_EQ(h.broken(), "GC-2");
  h.put(pod("a"));
  EXPECT_EQ(h.broken(), "GC-2");
}

TEST_F(Deletions, ANewFinalizerOnWhatIsBeingDeletedBreaksGc2) {
  h.put(pod("a").deleting());
  h.put(pod("a").deleting().finalizer("example.com/x"));
  EXPECT_EQ(h.broken(), "GC-2");
}

TEST_F(Deletions, AForegroundOwnerThatGoesBeforeItsDependentBreaksGc3) {
  const api::ObjectPtr going = replica_set("web").finalizer("foregroundDeletion").deleting();
  h.put(own("a")).put(going);
  const auto plan = h.knowing();
  h.calls("collector", about(rs, api::Verb::patch, 5));
  h.call_number(5).remove(going, kCollector, plan);
  EXPECT_EQ(h.broken(), "GC-3");
}

TEST_F(Deletions, AnOwnerThatGoesBeforeItsOrphansAreReleasedBreaksGc4) {
  const api::ObjectPtr going = replica_set("web").finalizer("orphan").deleting();
  h.put(own("a")).put(going);
  h.calls("collector", about(rs, api::Verb::patch, 5));
  h.call_number(5).remove(going, kCollector, h.knowing());
  EXPECT_EQ(h.broken(), "GC-4");
}

TEST_F(Deletions, DependentsOfNothingArePending) {
  h.put(own("a"));
  EXPECT_EQ(h.pending(), "");
  h.remove(rs);
  EXPECT_EQ(h.pending(), "GC-5: depends on nothing that exists any more");
  h.remove(own("a"), kCollector, h.knowing());
  EXPECT_EQ(h.pending(), "");
}

TEST_F(Deletions, SoAreThoseThatGetAnOwnerWhichIsGone) {
  h.put(pod("a"));
  h.remove(rs);
  h.put(own("a"));
  EXPECT_EQ(h.pending(), "GC-5: depends on nothing that exists any more");
}

TEST_F(Deletions, NothingStaysInANamespaceThatIsGone) {
  h.put(pod("a"));
  h.remove(rs);
  h.put(name_space("default").terminating());
  EXPECT_EQ(h.pending(), "GC-5: is still being deleted");
  h.remove(name_space("default").terminating());
  EXPECT_EQ(h.pending(), "GC-5: is in a namespace that is gone");
  h.remove(pod("a"));
  EXPECT_EQ(h.pending(), "");
}

TEST_F(Deletions, CreatingInANamespaceThatIsGoingBreaksGc6) {
  h.put(name_space("default").terminating());
  h.put(pod("a"));
  EXPECT_EQ(h.broken(), "GC-6");
  h.put(config_map("b").ns("nowhere"));
  EXPECT_EQ(h.broken(), "GC-6");
}

}  // namespace
}  // namespace keelson::sim::test
