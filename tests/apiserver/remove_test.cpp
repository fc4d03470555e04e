// DELETE: graceful and immediate, finalizers, propagation, preconditions, namespaces, collections.
#include "tests/apiserver/fixture.hpp"

namespace keelson::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RemoveTest : public ApiServerTest {};

int64_t seconds_now(const ManualLoop& loop) {
  return loop.wall_now().unix_ns / 1'000'000'000;
}

TEST_F(RemoveTest, PlainObjectGoesAtOnce) {
  const auto map = made(config_named("c"));
  const Response response = call(removal(Kind::config_maps, "c"));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response.removed_uid, map.uid());
  EXPECT_EQ(response.object, nullptr);
  EXPECT_GT(response.revision, map.revision());
  EXPECT_FALSE(read<api::ConfigMap>("c"));
  EXPECT_EQ(call(removal(Kind::config_maps, "c")).error.message, "configmaps \"c\" not found");
}

TEST_F(RemoveTest, ScheduledPodGetsItsGracePeriod) {
  const auto pod = running("p", "n1");
  const Response response = call(removal(Kind::pods, "p"));
  ASSERT_TRUE(response.object);
  EXPECT_EQ(response.removed_uid, "");
  EXPECT_EQ(response.object->meta().deletion_grace_period_seconds(), 30);
  EXPECT_EQ(response.object->meta().deletion_timestamp().seconds(), seconds_now(loop) + 30);
  EXPECT_EQ(response.object->meta().generation(), 0);

  // Again: nothing happens. Longer: neither. Shorter: counted from when it began.
  const Revision before = now();
  EXPECT_TRUE(call(removal(Kind::pods, "p")).ok());
  Request longer = removal(Kind::pods, "p");
  longer.grace_period_seconds = 60;
  EXPECT_TRUE(call(longer).ok());
  EXPECT_EQ(now(), before);
  loop.run_for(3s);
  Request shorter = removal(Kind::pods, "p");
  shorter.grace_period_seconds = 10;
  const Response hurried = call(shorter);
  EXPECT_EQ(hurried.object->meta().deletion_grace_period_seconds(), 10);
  EXPECT_EQ(hurried.object->meta().deletion_timestamp().seconds(),
            response.object->meta().deletion_timestamp().seconds() - 20);

  // The agent confirms.
  Request confirm = api::remove(*hurried.object);
  confirm.grace_period_seconds = 0;
  EXPECT_EQ(call(confirm).removed_uid, pod.uid());
  EXPECT_FALSE(read<api::Pod>("p"));
}

TEST_F(RemoveTest, GraceIsTheOptionElseTheSpec) {
  api::Pod pod = pod_named("a");
  pod.mutable_spec()->set_node_name("n1");
  pod.mutable_spec()->set_termination_grace_period_seconds(7);
  made(pod);
  EXPECT_EQ(call(removal(Kind::pods, "a")).object->meta().deletion_grace_period_seconds(), 7);
  pod.mutable_metadata()->set_name("b");
  made(pod);
  Request request = removal(Kind::pods, "b");
  request.grace_period_seconds = 100;
  EXPECT_EQ(call(request).object->meta().deletion_grace_period_seconds(), 100);
}

TEST_F(RemoveTest, UnscheduledAndFinishedPodsGoAtOnce) {
  const auto pod = made(pod_named("pending"));
  const Response response = call(removal(Kind::pods, "pending"));
  EXPECT_EQ(response.removed_uid, pod.uid());
  ASSERT_TRUE(response.message);
  EXPECT_TRUE(static_cast<const api::Pod&>(*response.message).metadata().has_deletion_timestamp());
  api::Pod finished = *running("done", "n1");
  finished.mutable_status()->set_phase("Succeeded");
  ASSERT_TRUE(put_status(finished).ok());
  EXPECT_NE(call(removal(Kind::pods, "done")).removed_uid, "");
}

TEST_F(RemoveTest, PreconditionsWordedAsKubernetesDoes) {
  const auto pod = running("p", "n1");
  Request request = removal(Kind::pods, "p");
  request.expected.uid = "nope";
  Response response = call(request);
  EXPECT_EQ(response.error.reason, Reason::conflict);
  EXPECT_EQ(
      response.error.message,
      "Operation cannot be fulfilled on Pod \"p\": the UID in the precondition (nope) does not "
      "match the UID in record (" +
          pod.uid() + "). The object might have been deleted and then recreated");
  EXPECT_EQ(response.error.kind, "Pod");
  request.expected = {pod.uid(), Revision{1, 1}};
  EXPECT_EQ(call(request).error.reason, Reason::conflict);
  request.expected = {pod.uid(), pod.revision()};
  EXPECT_TRUE(call(request).ok());
}

TEST_F(RemoveTest, FinalizersHoldAnObjectUntilTheyAreTakenOff) {
  api::ConfigMap map = config_named("c");
  map.mutable_metadata()->add_finalizers("example.com/hold");
  const auto first = made(map);
  const Response marked = call(removal(Kind::config_maps, "c"));
  ASSERT_TRUE(marked.object);
  EXPECT_TRUE(marked.object->deleting());
  EXPECT_EQ(marked.object->meta().deletion_grace_period_seconds(), 0);

  // No new finalizers, no way back.
  api::ConfigMap more = marked.object->as<api::ConfigMap>();
  more.mutable_metadata()->add_finalizers("example.com/more");
  const Response refused = put(more);
  EXPECT_EQ(refused.error.reason, Reason::invalid);
  EXPECT_THAT(
      refused.error.message,
      ::testing::HasSubstr("no new finalizers can be added if the object is being deleted"));
  map.mutable_metadata()->clear_deletion_timestamp();
  (*map.mutable_data())["k"] = "other";
  const Response still = put(map);
  ASSERT_TRUE(still.ok()) << still.error.message;
  EXPECT_TRUE(still.object->deleting());

  map.mutable_metadata()->clear_finalizers();
  (*map.mutable_data())["k"] = "last words";
  Collector sink;
  server->watch(watching(Kind::config_maps, now()), sink);
  const Response gone = put(map);
  ASSERT_TRUE(gone.ok()) << gone.error.message;
  EXPECT_EQ(gone.removed_uid, first.uid());
  EXPECT_EQ(gone.object->as<api::ConfigMap>().data().at("k"), "last words");
  EXPECT_FALSE(read<api::ConfigMap>("c"));
  EXPECT_THAT(sink.told(), ElementsAre("DELETED c"));
}

TEST_F(RemoveTest, FinalizedPodWaitsForItsGracePeriodToo) {
  api::Pod pod = pod_named("p");
  pod.mutable_spec()->set_node_name("n1");
  pod.mutable_metadata()->add_finalizers("example.com/hold");
  made(pod);
  api::Pod deleting = call(removal(Kind::pods, "p")).object->as<api::Pod>();
  deleting.mutable_metadata()->clear_finalizers();
  ASSERT_TRUE(put(deleting).ok());
  ASSERT_TRUE(read<api::Pod>("p"));  // the agent has not confirmed yet
  Request confirm = removal(Kind::pods, "p");
  confirm.grace_period_seconds = 0;
  EXPECT_NE(call(confirm).removed_uid, "");
}

TEST_F(RemoveTest, Propagation) {
  made(deployment_named("d"));
  Request foreground = removal(Kind::deployments, "d");
  foreground.propagation = api::Propagation::foreground;
  const Response response = call(foreground);
  ASSERT_TRUE(response.object);
  EXPECT_THAT(response.object->meta().finalizers(), ElementsAre("foregroundDeletion"));
  EXPECT_EQ(response.object->meta().generation(), 2);
  made(deployment_named("o"));
  Request orphan = removal(Kind::deployments, "o");
  orphan.propagation = api::Propagation::orphan;
  EXPECT_THAT(call(orphan).object->meta().finalizers(), ElementsAre("orphan"));
  made(deployment_named("b"));
  EXPECT_NE(call(removal(Kind::deployments, "b")).removed_uid, "");
}

TEST_F(RemoveTest, BackgroundTakesAnEarlierWishBack) {
  api::Deployment d = deployment_named("d");
  d.mutable_metadata()->add_finalizers("orphan");
  made(d);
  Request request = removal(Kind::deployments, "d");
  request.propagation = api::Propagation::background;
  EXPECT_NE(call(request).removed_uid, "");
}

// How a foreground deletion that waits for ever is ended.
TEST_F(RemoveTest, AnotherWishReplacesTheOneBefore) {
  made(deployment_named("d"));
  Request request = removal(Kind::deployments, "d");
  request.propagation = api::Propagation::foreground;
  const Response first = call(request);
  ASSERT_TRUE(first.object);
  const Revision before = now();
  EXPECT_TRUE(call(removal(Kind::deployments, "d")).ok());  // no wish
  EXPECT_TRUE(call(request).ok());                          // the same
  EXPECT_EQ(now(), before);

  request.propagation = api::Propagation::orphan;
  const Response second = call(request);
  ASSERT_TRUE(second.object) << second.error.message;
  EXPECT_THAT(second.object->meta().finalizers(), ElementsAre("orphan"));
  EXPECT_EQ(second.object->meta().generation(), first.object->meta().generation());
  EXPECT_EQ(second.object->meta().deletion_timestamp().seconds(),
            first.object->meta().deletion_timestamp().seconds());
  request.propagation = api::Propagation::background;
  EXPECT_NE(call(request).removed_uid, "");
  EXPECT_FALSE(read<api::Deployment>("d"));
}

TEST_F(RemoveTest, DryRunRemovesNothing) {
  made(config_named("c"));
  Request request = removal(Kind::config_maps, "c");
  request.dry_run = true;
  EXPECT_TRUE(call(request).ok());
  EXPECT_TRUE(read<api::ConfigMap>("c"));
}

TEST_F(RemoveTest, NamespaceTerminatesAndIsFinalizedWhenEmpty) {
  api::Namespace team;
  team.mutable_metadata()->set_name("team");
  made(team);
  made(config_named("c", "v", "team"));
  const Response terminating = call(removal(Kind::namespaces, "team"));
  ASSERT_TRUE(terminating.object);
  EXPECT_EQ(terminating.object->as<api::Namespace>().status().phase(), "Terminating");
  EXPECT_FALSE(terminating.object->meta().has_deletion_grace_period_seconds());

  const Response refused = create(config_named("d", "v", "team"));
  EXPECT_EQ(refused.error.reason, Reason::forbidden);
  EXPECT_EQ(refused.error.message,
            "configmaps \"d\" is forbidden: unable to create new content in namespace team because "
            "it is being terminated");
  ASSERT_EQ(refused.error.causes.size(), 1u);
  EXPECT_EQ(refused.error.causes[0].reason, "NamespaceTerminating");
  EXPECT_EQ(call(removal(Kind::namespaces, "team")).error.reason, Reason::conflict);

  api::Namespace finalized = terminating.object->as<api::Namespace>();
  finalized.mutable_spec()->clear_finalizers();
  const auto finalize = [&](const std::string& user) {
    Request request = api::update(api::make_object(finalized));
    request.user = user;
    return call(request);
  };
  EXPECT_TRUE(finalize("alice").ok());  // people's edits do not count
  EXPECT_THAT(read<api::Namespace>("team")->spec().finalizers(), ElementsAre("kubernetes"));
  EXPECT_EQ(finalize("system:kube-controller-manager").error.reason, Reason::conflict);
  EXPECT_TRUE(call(removal(Kind::config_maps, "c", "team")).ok());
  EXPECT_TRUE(call(removal(Kind::service_accounts, "default", "team")).ok());
  const Response gone = finalize("system:kube-controller-manager");
  EXPECT_NE(gone.removed_uid, "") << gone.error.message;
  EXPECT_FALSE(read<api::Namespace>("team"));
}

TEST_F(RemoveTest, FinalizersOfALivingNamespaceStay) {
  api::Namespace ns = *read<api::Namespace>("default");
  ns.mutable_spec()->clear_finalizers();
  Request request = api::update(api::make_object(ns));
  request.user = "system:kube-controller-manager";
  ASSERT_TRUE(call(request).ok());
  EXPECT_THAT(read<api::Namespace>("default")->spec().finalizers(), ElementsAre("kubernetes"));
}

TEST_F(RemoveTest, SomeNamespacesAreImmortal) {
  EXPECT_EQ(call(removal(Kind::namespaces, "default")).error.message,
            "namespaces \"default\" is forbidden: this namespace may not be deleted");
  // The claims that bindings rest on stand in it.
  EXPECT_EQ(call(removal(Kind::namespaces, "kube-node-lease")).error.reason, Reason::forbidden);
}

// A server that has not heard of the deletion yet admits nothing either (GC-6).
TEST_F(RemoveTest, CreationRacingTheNamespacesDeletionIsRefused) {
  api::Namespace team;
  team.mutable_metadata()->set_name("team");
  made(team);
  apiserver::ApiServer other(loop, memory, Rng(9), log, options_);
  other.start();
  loop.settle();
  store.hold_events = true;
  bool deleted = false;
  other.handle(removal(Kind::namespaces, "team"),
               [&](Response response) { deleted = response.ok(); });
  loop.settle();
  ASSERT_TRUE(deleted);
  std::optional<Response> created;
  server->handle(api::create(api::make_object(config_named("late", "v", "team"))),
                 [&](Response response) { created = std::move(response); });
  loop.settle();
  EXPECT_FALSE(created);  // refused by the store; the server waits until it knows why
  store.release();
  loop.settle();
  ASSERT_TRUE(created);
  EXPECT_EQ(created->error.reason, Reason::forbidden);
  EXPECT_THAT(created->error.message, ::testing::HasSubstr("because it is being terminated"));
}

TEST_F(RemoveTest, CreationGoesOnWhenItsNamespaceChangedOtherwise) {
  store.before_commit = [this] {
    api::Namespace changed =
        memory.history().find({Kind::namespaces, "", "default"})->as<api::Namespace>();
    (*changed.mutable_metadata()->mutable_labels())["team"] = "a";
    store::Transaction transaction;
    store::Write write;
    write.object = api::make_object(changed);
    write.key = write.object->key();
    transaction.writes.push_back(write);
    memory.commit(transaction, [](Result<store::Committed>) {});
  };
  EXPECT_TRUE(create(config_named("c")).ok());
}

TEST_F(RemoveTest, CollectionBySelector) {
  for (int i = 0; i < 40; ++i) {
    api::ConfigMap map = config_named("c" + std::to_string(i));
    (*map.mutable_metadata()->mutable_labels())["odd"] = i % 2 ? "yes" : "no";
    made(map);
  }
  Request request;
  request.verb = api::Verb::remove_collection;
  request.kind = Kind::config_maps;
  request.ns = "default";
  request.label_selector = "odd=yes";
  const Response response = call(request);
  ASSERT_TRUE(response.ok()) << response.error.message;
  EXPECT_EQ(response.items.size(), 20u);
  EXPECT_EQ(call(api::list(Kind::config_maps, "default")).items.size(), 20u);
  EXPECT_THAT(call(request).items, IsEmpty());
}

TEST_F(RemoveTest, NamespacesAreNoCollectionToRemove) {
  Request request;
  request.verb = api::Verb::remove_collection;
  request.kind = Kind::namespaces;
  EXPECT_EQ(call(request).error.reason, Reason::method_not_allowed);
  EXPECT_TRUE(read<api::Namespace>("default"));
}

}  // namespace
}  // namespace keelson::test
