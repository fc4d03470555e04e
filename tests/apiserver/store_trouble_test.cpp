// What clients see when the store is away, loses answers, refuses, or when this server lags behind.
#include "tests/apiserver/fixture.hpp"

namespace keelson::test {
namespace {

using ::testing::ElementsAre;

using Commits = FaultyStore::Commits;

class StoreTroubleTest : public ApiServerTest {
 protected:
  void fail_next(Commits how, int times = 1) {
    store.commits = how;
    store.faulty_commits = times;
  }
};

TEST_F(StoreTroubleTest, UnavailableMeansNothingHappened) {
  fail_next(Commits::unavailable);
  EXPECT_EQ(create(config_named("a")).error.reason, Reason::service_unavailable);
  EXPECT_FALSE(read<api::ConfigMap>("a"));
}

TEST_F(StoreTroubleTest, LostReplyIsReadBack) {
  fail_next(Commits::reply_lost);
  const Response created = create(config_named("a"));
  ASSERT_TRUE(created.ok()) << created.error.message;
  EXPECT_EQ(read<api::ConfigMap>("a").uid(), created.object->uid());
  fail_next(Commits::reply_lost);
  const Response updated = put(config_named("a", "2"));
  ASSERT_TRUE(updated.ok());
  EXPECT_EQ(read<api::ConfigMap>("a").revision(), updated.revision);
  fail_next(Commits::reply_lost);
  const Response removed = call(removal(Kind::config_maps, "a"));
  ASSERT_TRUE(removed.ok());
  EXPECT_EQ(removed.removed_uid, created.object->uid());
}

TEST_F(StoreTroubleTest, LostRequestIsTriedAgain) {
  fail_next(Commits::request_lost);
  const Response created = create(config_named("a"));
  ASSERT_TRUE(created.ok()) << created.error.message;
  EXPECT_TRUE(read<api::ConfigMap>("a"));
}

TEST_F(StoreTroubleTest, AppendingPatchIsNotAppliedTwice) {
  api::ConfigMap map = config_named("a");
  map.mutable_metadata()->add_finalizers("example.com/one");
  made(map);
  fail_next(Commits::reply_lost);
  const Response response =
      call(patching(Kind::config_maps, "a", api::PatchType::json,
                    R"([{"op":"add","path":"/metadata/finalizers/-","value":"example.com/two"}])"));
  ASSERT_TRUE(response.ok()) << response.error.message;
  EXPECT_THAT(read<api::ConfigMap>("a")->metadata().finalizers(),
              ElementsAre("example.com/one", "example.com/two"));
}

// The second attempt is refused because of the first, which arrived after all: not a conflict.
TEST_F(StoreTroubleTest, RequestThatArrivesLateIsRecognized) {
  fail_next(Commits::delayed);
  const Response created = create(config_named("a"));
  ASSERT_TRUE(created.ok()) << created.error.message;
  EXPECT_EQ(read<api::ConfigMap>("a").uid(), created.object->uid());

  fail_next(Commits::delayed);
  const Response updated = put(config_named("a", "2"), created.revision);
  ASSERT_TRUE(updated.ok()) << updated.error.message;
  EXPECT_EQ(read<api::ConfigMap>("a").revision(), updated.revision);

  fail_next(Commits::delayed);
  const Response removed = call(removal(Kind::config_maps, "a"));
  ASSERT_TRUE(removed.ok()) << removed.error.message;
  EXPECT_EQ(removed.removed_uid, created.object->uid());
}

// "Unavailable" means that nothing happened. That is not so if an earlier attempt may have
// happened.
TEST_F(StoreTroubleTest, DoubtIsNotForgottenWhenTheStoreGoesAway) {
  std::optional<Response> answer;
  fail_next(Commits::reply_lost);
  store.reads_work = false;
  server->handle(api::create(api::make_object(config_named("a"))),
                 [&](Response response) { answer = std::move(response); });
  loop.run_for(2s);
  EXPECT_FALSE(answer);
  store.reads_work = true;
  loop.run_for(1s);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->ok()) << answer->error.message;

  // The request is on its way while each further attempt is turned away.
  fail_next(Commits::delayed);
  server->handle(api::create(api::make_object(config_named("b"))),
                 [&](Response response) { answer = std::move(response); });
  answer.reset();
  store.after_fault = Commits::unavailable;
  loop.settle();
  EXPECT_FALSE(answer) << answer->error.message;
  loop.run_for(1s);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->ok()) << answer->error.message;
  EXPECT_EQ(read<api::ConfigMap>("b").uid(), answer->object->uid());
}

TEST_F(StoreTroubleTest, LastingDoubtIsAnUnknownOutcome) {
  fail_next(Commits::reply_lost);
  store.reads_work = false;
  const Response response = create(config_named("a"));
  EXPECT_EQ(response.error.reason, Reason::unknown_outcome);
  store.reads_work = true;
  EXPECT_TRUE(read<api::ConfigMap>("a"));  // as it happens
}

TEST_F(StoreTroubleTest, ReadsFailWhileTheStoreIsAway) {
  made(config_named("a"));
  store.reads_work = false;
  EXPECT_EQ(call(api::get(Kind::config_maps, "default", "a")).error.reason,
            Reason::service_unavailable);
  Request any = api::get(Kind::config_maps, "default", "a");
  any.resource_version = Revision{};
  EXPECT_TRUE(call(any).ok());
}

TEST_F(StoreTroubleTest, ALostBarrierStallsNoReads) {
  made(config_named("a"));
  const auto ask = [&](std::optional<Response>& answer) {
    server->handle(api::get(Kind::config_maps, "default", "a"),
                   [&](Response response) { answer = std::move(response); });
  };
  std::optional<Response> first, second;
  store.lost_barriers = 1;
  const int before = store.barriers;
  ask(first);
  loop.run_for(100ms);
  ask(second);
  EXPECT_FALSE(first || second);
  loop.run_for(400ms);
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(first->ok() && second->ok());
  EXPECT_EQ(store.barriers - before, 3) << "the lost one, the same again, and one for the second";
  loop.run_for(10s);  // the lost one fails now, and nobody cares
  EXPECT_TRUE(call(api::get(Kind::config_maps, "default", "a")).ok());

  // If the store says nothing at all, the reads fail when the first question is given up.
  first.reset();
  store.lost_barriers = 1'000;
  ask(first);
  loop.run_for(4900ms);
  EXPECT_FALSE(first);
  loop.run_for(200ms);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->error.reason, Reason::service_unavailable);
}

TEST_F(StoreTroubleTest, ConcurrentWriterIsRetriedForUnconditionalWrites) {
  made(config_named("a", "1"));
  apiserver::ApiServer other(loop, memory, Rng(9), log, options_);
  other.start();
  loop.settle();
  const auto interfere = [&](const std::string& value) {
    // Commits through another server right before ours reaches the store.
    api::ConfigMap map = *read<api::ConfigMap>("a");
    (*map.mutable_data())["theirs"] = value;
    store::Transaction transaction;
    store::Write write;
    write.object = api::make_object(map);
    write.key = write.object->key();
    transaction.writes.push_back(write);
    store.before_commit = [this, transaction] {
      memory.commit(transaction, [](Result<store::Committed>) {});
    };
  };
  interfere("1");
  const Response patched =
      call(patching(Kind::config_maps, "a", api::PatchType::merge, R"({"data":{"mine":"1"}})"));
  ASSERT_TRUE(patched.ok()) << patched.error.message;
  EXPECT_EQ(patched.object->as<api::ConfigMap>().data().size(), 3u);

  const auto current = read<api::ConfigMap>("a");
  interfere("2");
  EXPECT_EQ(put(config_named("a", "9"), current.revision()).error.reason, Reason::conflict);
  EXPECT_EQ(read<api::ConfigMap>("a")->data().at("theirs"), "2");
}

TEST_F(StoreTroubleTest, StaleMemoryDoesNotAnswerForThePast) {
  apiserver::ApiServer other(loop, memory, Rng(9), log, options_);
  other.start();
  loop.settle();
  store.hold_events = true;
  std::optional<Response> created, updated, removed, again;
  other.handle(api::create(api::make_object(config_named("a", "1"))),
               [&](Response response) { created = std::move(response); });
  loop.settle();
  ASSERT_TRUE(created && created->ok());
  // This server has never heard of it.
  server->handle(api::update(api::make_object(config_named("a", "2"))),
                 [&](Response response) { updated = std::move(response); });
  server->handle(api::create(api::make_object(config_named("a", "3"))),
                 [&](Response response) { again = std::move(response); });
  loop.settle();
  EXPECT_FALSE(updated);
  store.release();
  loop.settle();
  ASSERT_TRUE(updated && again);
  EXPECT_TRUE(updated->ok()) << updated->error.message;
  EXPECT_EQ(again->error.reason, Reason::already_exists);
}

TEST_F(StoreTroubleTest, BrokenWatchIsResumedWithoutAGap) {
  Collector sink;
  server->watch(watching(Kind::config_maps, now()), sink);
  store.break_watches();
  bool done = false;
  memory.commit(
      [] {
        store::Transaction transaction;
        store::Write write;
        write.object = api::make_object(config_named("a"));
        write.key = write.object->key();
        transaction.writes.push_back(write);
        return transaction;
      }(),
      [&](Result<store::Committed> outcome) { done = outcome.ok(); });
  loop.run_for(1s);
  EXPECT_TRUE(done);
  EXPECT_THAT(sink.told(), ElementsAre("ADDED a"));
}

TEST_F(StoreTroubleTest, StalledWatchIsFoundOutAndReplaced) {
  store.hold_events = true;
  Collector sink;
  server->watch(watching(Kind::config_maps, now()), sink);
  std::optional<Response> created;
  server->handle(api::create(api::make_object(config_named("a"))),
                 [&](Response response) { created = std::move(response); });
  loop.settle();
  ASSERT_TRUE(created && created->ok());
  store.hold_events =
      false;  // the old watch's events are lost in its silence; a new one would work
  loop.run_for(options_.bookmark_period + options_.read_wait + 1s);
  EXPECT_THAT(sink.told(), ElementsAre("ADDED a"));
}

TEST_F(StoreTroubleTest, FencedWritesSaySo) {
  Request request = api::create(api::make_object(config_named("a")));
  request.fence = {"kube-system/scheduler", 12345};
  const Response response = call(request);
  EXPECT_EQ(response.error.reason, Reason::forbidden);
  EXPECT_TRUE(response.error.fenced);
}

TEST_F(StoreTroubleTest, DeathDropsEverythingQuietly) {
  int answers = 0;
  for (int i = 0; i < 10; ++i) {
    server->handle(api::create(api::make_object(config_named("c" + std::to_string(i)))),
                   [&](Response) { ++answers; });
    server->handle(api::list(Kind::pods), [&](Response) { ++answers; });
  }
  Collector sink;
  server->watch(watching(Kind::pods), sink);
  server = nullptr;
  loop.run_for(1min);
  EXPECT_EQ(answers, 0);
  EXPECT_FALSE(sink.closed);
}

TEST_F(StoreTroubleTest, StartsWhenTheStoreComesBack) {
  fail_next(Commits::unavailable, 3);
  memory.commit(
      [] {  // so that there is something to bootstrap again
        store::Transaction transaction;
        store::Write write;
        write.op = store::Write::Op::remove;
        write.key = {Kind::priority_classes, "", "system-node-critical"};
        transaction.writes.push_back(write);
        return transaction;
      }(),
      [](Result<store::Committed>) {});
  loop.settle();
  restart();
  loop.settle();
  EXPECT_FALSE(server->ready());
  loop.run_for(10s);
  EXPECT_TRUE(server->ready());
  EXPECT_TRUE(read<api::PriorityClass>("system-node-critical"));
}

}  // namespace
}  // namespace keelson::test
