// The driver: what it does for every controller, whatever goes wrong on the way.
#include "core/controllers/manager.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/seeded_bug.hpp"
#include "tests/controllers/mini_api.hpp"
#include "tests/controllers/world.hpp"
#include "tests/support/manual_loop.hpp"

namespace keelson::controllers {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Fate = MiniApi::Fate;

// Reads ConfigMaps; each is a key.
class Scripted final : public Controller {
 public:
  using Script = std::function<Plan(const View&, const api::ObjectKey&)>;
  Scripted(Script script, std::vector<std::string>* refused = nullptr)
      : script_(std::move(script)), refused_(refused) {}
  std::string_view name() const override { return "scripted"; }
  std::span<const api::Kind> reads() const override { return kinds_; }
  void keys_for(const View&, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override {
    const api::ObjectPtr& object = after ? after : before;
    if (object->kind() == api::Kind::config_maps) sink(object->key());
  }
  Plan reconcile(const View& view, const api::ObjectKey& key) override {
    return script_(view, key);
  }
  void write_refused(const api::ObjectKey&, const api::Request&,
                     const api::ApiError& error) override {
    if (refused_) refused_->push_back(error.message);
  }

 private:
  Script script_;
  std::vector<std::string>* refused_;
  std::vector<api::Kind> kinds_{api::Kind::config_maps, api::Kind::pods};
};

class ManagerTest : public ::testing::Test {
 protected:
  void run(Scripted::Script script) {
    manager.add(std::make_unique<Scripted>(std::move(script), &refused));
    manager.start(fence, [this] { return leading; });
    loop.settle();
  }
  api::ObjectPtr make(const std::string& name) { return api.create(config_map(name)); }
  int calls(api::Verb verb) const {
    int n = 0;
    for (const auto& request : api.calls) n += request.verb == verb ? 1 : 0;
    return n;
  }
  WriteMetrics writes() const { return manager.metrics()[0].writes; }
  // Creates pods until there are as many as wanted, counting what the view shows.
  static Scripted::Script keep_pods(int wanted) {
    return [wanted](const View& view, const api::ObjectKey&) {
      Plan plan;
      const int there = static_cast<int>(view.list<api::Pod>("default").size());
      for (int i = there; i < wanted; ++i) {
        auto builder = pod("");
        builder.with([](api::Pod& p) { p.mutable_metadata()->set_generate_name("p-"); });
        plan.together(api::create(builder));
      }
      return plan;
    };
  }

  ManualLoop loop;
  MiniApi api{loop};
  NullLog log;
  api::Fence fence;
  bool leading = true;
  std::vector<std::string> refused;
  Manager manager{loop, api, Rng(7), log, {"cm", "cm-0", 64}};
};

TEST_F(ManagerTest, StampsEveryWriteAndReconcilesEachObject) {
  fence = {"kube-system/cm", 0};
  make("a");
  make("b");
  std::vector<std::string> seen;
  run([&](const View& view, const api::ObjectKey& key) {
    seen.push_back(key.name);
    Plan plan;
    if (view.get<api::ConfigMap>(key.ns, key.name)->data().empty()) {
      api::ConfigMap changed = *view.get<api::ConfigMap>(key.ns, key.name);
      (*changed.mutable_data())["k"] = "v";
      plan.then(api::update(
          api::make_object(changed, view.get<api::ConfigMap>(key.ns, key.name).revision())));
    }
    return plan;
  });
  EXPECT_THAT(seen, ElementsAre("a", "b", "a", "b"));
  ASSERT_THAT(api.calls, SizeIs(2));
  for (const auto& request : api.calls) {
    EXPECT_EQ(request.user, "cm");
    EXPECT_EQ(request.actor, "cm-0/scripted");
    EXPECT_EQ(request.fence.role, "kube-system/cm");
    ASSERT_TRUE(request.basis);
    EXPECT_EQ(request.basis->of(api::Kind::config_maps).value, 2u);
    EXPECT_EQ(request.basis->of(api::Kind::pods), api::Revision{}) << "was not read";
  }
  EXPECT_TRUE(manager.idle());
  EXPECT_EQ(writes().writes, 2u);
}

TEST_F(ManagerTest, DecidesNothingBeforeTheRoleWasWonInItsCaches) {
  make("a");
  fence = {"kube-system/cm", 50};
  api.token = 50;
  int reconciled = 0;
  run([&](const View&, const api::ObjectKey&) {
    ++reconciled;
    return Plan{};
  });
  EXPECT_FALSE(manager.synced());
  EXPECT_EQ(reconciled, 0);
  for (int i = 0; i < 60; ++i) api.create(node("n" + std::to_string(i)));
  loop.settle();
  EXPECT_EQ(reconciled, 0) << "changes of other kinds do not move these caches";
  api.send_bookmarks();
  loop.settle();
  EXPECT_TRUE(manager.synced());
  EXPECT_EQ(reconciled, 1);
}

TEST_F(ManagerTest, SeesItsOwnWritesBeforeItDecidesAgain) {
  make("a");
  api.held_kinds = {api::Kind::pods};
  run(keep_pods(3));
  EXPECT_EQ(api.all<api::Pod>().size(), 3u);
  // The key is woken again and again while the pods cannot be seen.
  for (int i = 0; i < 5; ++i) {
    api.change(api::Ref<api::ConfigMap>(api.find(api::Kind::config_maps, "a")),
               [&](api::ConfigMap& c) { (*c.mutable_data())["n"] = std::to_string(i); });
    loop.run_for(1s);
  }
  EXPECT_EQ(api.all<api::Pod>().size(), 3u);
  EXPECT_EQ(manager.metrics()[0].in_flight, 1u);
  EXPECT_FALSE(manager.idle());
  api.release();
  loop.settle();
  EXPECT_TRUE(manager.idle());
  EXPECT_EQ(api.all<api::Pod>().size(), 3u);
  EXPECT_EQ(manager.metrics()[0].own_write_waits, 1u);
}

#ifdef KEELSON_SEEDED_BUGS
TEST_F(ManagerTest, TheSeededBugMakesItCreateTooMany) {
  active_seeded_bug = SeededBug::no_read_own_writes;
  make("a");
  api.held_kinds = {api::Kind::pods};
  run(keep_pods(3));
  api.change(api::Ref<api::ConfigMap>(api.find(api::Kind::config_maps, "a")),
             [&](api::ConfigMap& c) { (*c.mutable_data())["n"] = "x"; });
  loop.run_for(1s);
  active_seeded_bug = SeededBug::none;
  EXPECT_EQ(api.all<api::Pod>().size(), 6u);
}
#endif

TEST_F(ManagerTest, ALostReplyToACreateDoesNotMakeASecondObject) {
  make("a");
  int creates = 0;
  api.fate = [&](uint64_t, const api::Request& request) {
    if (request.verb != api::Verb::create || request.kind != api::Kind::pods) return Fate::normal;
    ++creates;
    return creates <= 3 ? Fate::lose_reply : Fate::normal;
  };
  run(keep_pods(2));
  loop.run_for(30s);
  EXPECT_EQ(api.all<api::Pod>().size(), 2u);
  EXPECT_TRUE(manager.idle());
  EXPECT_EQ(writes().unknown, 3u);
}

TEST_F(ManagerTest, ALostRequestIsSentAgain) {
  make("a");
  int creates = 0;
  api.fate = [&](uint64_t, const api::Request& request) {
    return request.verb == api::Verb::create && ++creates <= 2 ? Fate::lose_request : Fate::normal;
  };
  run(keep_pods(1));
  loop.run_for(30s);
  EXPECT_EQ(api.all<api::Pod>().size(), 1u);
  std::set<std::string> names;
  for (const auto& request : api.calls) names.insert(request.name);
  EXPECT_THAT(names, SizeIs(1)) << "under the same name each time";
}

TEST_F(ManagerTest, ARefusalDoesNotSettleWhatAnEarlierCopyDid) {
  for (const bool overloaded : {true, false}) {
    ManualLoop time;
    MiniApi server(time);
    Manager driver(time, server, Rng(5), log, {"cm", "cm-0", 64});
    int creates = 0;
    server.fate = [&](uint64_t, const api::Request& request) {
      if (request.verb != api::Verb::create) return Fate::normal;
      ++creates;
      if (creates == 1) return Fate::lose_reply;
      return creates == 2 && overloaded ? Fate::unavailable : Fate::normal;
    };
    server.refuse = [&](const api::Request& request) {
      return request.verb == api::Verb::create && creates == 2
                 ? api::forbidden(request.kind, request.name, "quota")
                 : api::ApiError{};
    };
    server.create(config_map("a"));
    server.held_kinds = {api::Kind::pods};
    driver.add(std::make_unique<Scripted>(keep_pods(1)));
    driver.start({}, nullptr);
    time.run_for(30s);
    EXPECT_EQ(server.all<api::Pod>().size(), 1u);
    server.release();
    time.run_for(30s);
    EXPECT_EQ(server.all<api::Pod>().size(), 1u);
    EXPECT_TRUE(driver.idle());
  }
}

TEST_F(ManagerTest, ACreateThatTheNetworkDuplicatesMakesOneObject) {
  make("a");
  api.fate = [](uint64_t, const api::Request& request) {
    return request.verb == api::Verb::create ? Fate::duplicate : Fate::normal;
  };
  run(keep_pods(4));
  loop.run_for(10s);
  EXPECT_EQ(api.all<api::Pod>().size(), 4u);
}

TEST_F(ManagerTest, AConflictIsRetriedOnAFreshView) {
  make("a");
  int attempts = 0;
  run([&](const View& view, const api::ObjectKey& key) {
    Plan plan;
    const auto object = view.get<api::ConfigMap>(key.ns, key.name);
    if (object->data().contains("mine")) return plan;
    if (++attempts == 1) {  // somebody else is faster
      api.change(object, [](api::ConfigMap& c) { (*c.mutable_data())["theirs"] = "1"; });
    }
    api::ConfigMap changed = *object;
    (*changed.mutable_data())["mine"] = "1";
    plan.then(api::update(api::make_object(changed, object.revision())));
    return plan;
  });
  loop.run_for(1s);
  const auto end = api.find(api::Kind::config_maps, "a");
  EXPECT_EQ(end->as<api::ConfigMap>().data().size(), 2u) << "neither change was lost";
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(writes().conflicts, 1u);
}

TEST_F(ManagerTest, StagesWaitForEachOtherAndAFailureDropsTheRest) {
  make("a");
  bool refuse = true;
  api.refuse = [&](const api::Request& request) {
    return refuse && request.verb == api::Verb::create && request.name == "second"
               ? api::forbidden(request.kind, request.name, "quota")
               : api::ApiError{};
  };
  run([&](const View& view, const api::ObjectKey&) {
    Plan plan;
    for (const char* name : {"first", "second", "third"}) {
      if (!view.get<api::Pod>("default", name)) plan.then(api::create(pod(name)));
    }
    return plan;
  });
  EXPECT_EQ(api.all<api::Pod>().size(), 1u);
  ASSERT_FALSE(refused.empty());
  EXPECT_THAT(refused[0], ::testing::HasSubstr("quota"));
  refuse = false;
  loop.run_for(10s);
  EXPECT_EQ(api.all<api::Pod>().size(), 3u);
  EXPECT_GE(manager.metrics()[0].retries, 1u);
}

TEST_F(ManagerTest, RetriesBackOff) {
  make("a");
  api.refuse = [](const api::Request& request) {
    return request.verb == api::Verb::create && request.kind == api::Kind::pods
               ? api::forbidden(request.kind, request.name, "no")
               : api::ApiError{};
  };
  run(keep_pods(1));
  loop.run_for(60s);
  EXPECT_GE(calls(api::Verb::create), 8);
  EXPECT_LE(calls(api::Verb::create), 20);
}

TEST_F(ManagerTest, WorksOnManyKeysButNotOnAllAtOnce) {
  for (int i = 0; i < 200; ++i) make("m" + std::to_string(i));
  api.hold_replies = false;
  int reconciled = 0;
  manager.add(std::make_unique<Scripted>([&](const View& view, const api::ObjectKey& key) {
    ++reconciled;
    Plan plan;
    if (!view.get<api::Pod>("default", key.name)) plan.then(api::create(pod(key.name)));
    return plan;
  }));
  manager.start({}, nullptr);
  // Hold the answers as soon as the first pod is asked for.
  api.on_commit = [&](const api::ObjectPtr&, const api::ObjectPtr& after) {
    if (after && after->kind() == api::Kind::pods) api.hold_replies = true;
  };
  loop.settle();
  EXPECT_EQ(reconciled, 64);
  api.on_commit = nullptr;
  api.release_replies();
  loop.run_for(1s);
  EXPECT_EQ(api.all<api::Pod>().size(), 200u);
  EXPECT_TRUE(manager.idle());
}

TEST_F(ManagerTest, ADeposedLeaderSendsNothingMore) {
  make("a");
  make("b");
  run([&](const View&, const api::ObjectKey& key) {
    Plan plan;
    plan.then(api::create(pod(key.name + "-1")));
    leading = false;  // between the decision and the write
    return plan;
  });
  EXPECT_EQ(api.all<api::Pod>().size(), 0u);
  EXPECT_FALSE(manager.running());
  leading = true;
  make("c");
  loop.run_for(10s);
  EXPECT_EQ(api.all<api::Pod>().size(), 0u) << "a lost role is not taken up again by itself";
}

TEST_F(ManagerTest, ARefusedTokenStopsEverything) {
  fence = {"kube-system/cm", 1};
  make("a");
  make("b");
  api.token = 2;  // somebody else leads; only requests with a fence are refused
  run([&](const View&, const api::ObjectKey& key) {
    Plan plan;
    plan.then(api::create(pod(key.name)));
    return plan;
  });
  loop.run_for(10s);
  EXPECT_FALSE(manager.running());
  EXPECT_EQ(api.all<api::Pod>().size(), 0u);
  EXPECT_LE(calls(api::Verb::create), 2) << "no retries";
}

TEST_F(ManagerTest, CanBeStoppedWithCallsOutstandingAndStartedAgain) {
  make("a");
  api.on_commit = [&](const api::ObjectPtr&, const api::ObjectPtr& after) {
    if (after && after->kind() == api::Kind::pods) api.hold_replies = true;
  };
  run(keep_pods(3));
  EXPECT_EQ(api.all<api::Pod>().size(), 3u);
  manager.stop();
  EXPECT_FALSE(manager.running());
  api.release_replies();
  loop.run_for(10s);
  manager.start({}, nullptr);
  api.on_commit = nullptr;
  loop.run_for(10s);
  EXPECT_TRUE(manager.idle());
  EXPECT_EQ(api.all<api::Pod>().size(), 3u);
}

TEST_F(ManagerTest, CanBeDestroyedWithCallsOutstanding) {
  make("a");
  api.hold_replies = false;
  {
    Manager doomed(loop, api, Rng(1), log, {"cm", "cm-1", 64});
    doomed.add(std::make_unique<Scripted>(keep_pods(2)));
    doomed.start({}, nullptr);
    api.on_commit = [&](const api::ObjectPtr&, const api::ObjectPtr& after) {
      if (after && after->kind() == api::Kind::pods) api.hold_replies = true;
    };
    loop.settle();
  }
  api.release_replies();
  make("b");
  loop.run_for(60s);
  EXPECT_EQ(api.all<api::Pod>().size(), 2u);
}

TEST_F(ManagerTest, RequeuesWhenAsked) {
  make("a");
  std::vector<Instant> at;
  run([&](const View& view, const api::ObjectKey&) {
    at.push_back(view.now());
    Plan plan;
    if (at.size() < 4) plan.requeue_after = 30s;
    return plan;
  });
  loop.run_for(10min);
  ASSERT_THAT(at, SizeIs(4));
  EXPECT_EQ(at[3] - at[0], 90s);
}

TEST_F(ManagerTest, AnAbsenceIsVerifiedLiveAndOnlyOncePerIncarnation) {
  make("a");
  int reads = 0;
  api.fate = [&](uint64_t, const api::Request& request) {
    reads += request.verb == api::Verb::get ? 1 : 0;
    return Fate::normal;
  };
  run([&](const View& view, const api::ObjectKey&) {
    Plan plan;
    for (const char* name : {"x", "y"}) {
      if (view.get<api::Pod>("default", name)) continue;
      plan.then(api::create(pod(name)))
          .checks.push_back({LiveCheck::Expect::absent,
                             {api::Kind::replica_sets, "default", "owner"},
                             "uid-owner"});
    }
    return plan;
  });
  EXPECT_EQ(api.all<api::Pod>().size(), 2u);
  EXPECT_EQ(reads, 1);
}

TEST_F(ManagerTest, ACheckThatDoesNotHoldStopsTheWriteUntilTheCacheKnows) {
  make("a");
  const auto owner = api.create(pod("owner"));
  int planned = 0;
  api.held_kinds = {api::Kind::pods};
  run([&](const View& view, const api::ObjectKey&) {
    Plan plan;
    ++planned;
    if (planned == 1) {  // pretends that its cache lacks the owner
      api.change(api::Ref<api::Pod>(owner),
                 [](api::Pod& p) { (*p.mutable_metadata()->mutable_labels())["new"] = "1"; });
      plan.then(api::remove(*view.get(api::Kind::config_maps, "default", "a")))
          .checks.push_back({LiveCheck::Expect::absent, owner->key(), owner->uid()});
    }
    return plan;
  });
  loop.run_for(20s);
  EXPECT_TRUE(api.find(api::Kind::config_maps, "a"));
  EXPECT_EQ(planned, 1) << "waits for what the live read saw";
  api.release();
  loop.run_for(1s);
  EXPECT_EQ(planned, 2);
  EXPECT_EQ(writes().checks_failed, 1u);
}

TEST_F(ManagerTest, AnEmptyNameChecksThatNothingOfTheKindIsLeft) {
  make("a");
  auto left = api.create(pod("left"));
  run([&](const View& view, const api::ObjectKey&) {
    Plan plan;
    if (view.get<api::Pod>("default", "done")) return plan;
    plan.then(api::create(config_map("done")))
        .checks.push_back({LiveCheck::Expect::absent, {api::Kind::pods, "default", ""}, ""});
    return plan;
  });
  loop.run_for(1s);
  EXPECT_FALSE(api.find(api::Kind::config_maps, "done"));
  api.erase(left->key());
  loop.run_for(60s);
  EXPECT_TRUE(api.find(api::Kind::config_maps, "done"));
}

TEST_F(ManagerTest, RecordsWhatHappenedOnceItHas) {
  const auto about = make("a");
  run([&](const View& view, const api::ObjectKey&) {
    Plan plan;
    if (!view.list<api::Pod>("default").empty()) return plan;
    auto builder = pod("");
    builder.with([](api::Pod& p) { p.mutable_metadata()->set_generate_name("p-"); });
    plan.then(api::create(builder)).on_success = {about, false, "SuccessfulCreate",
                                                  "Created pod: {}"};
    return plan;
  });
  loop.run_for(5s);
  const auto events = api.all<api::Event>();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0]->reason(), "SuccessfulCreate");
  EXPECT_EQ(events[0]->message(), "Created pod: " + api.all<api::Pod>()[0].name());
  EXPECT_EQ(events[0]->source().component(), "scripted-controller");
  EXPECT_EQ(events[0]->involved_object().name(), "a");
}

TEST_F(ManagerTest, AnOutageIsSurvived) {
  make("a");
  bool out = true;
  api.fate = [&](uint64_t, const api::Request&) { return out ? Fate::unavailable : Fate::normal; };
  run(keep_pods(2));
  loop.run_for(30s);
  EXPECT_FALSE(manager.synced());
  out = false;
  loop.run_for(60s);
  EXPECT_EQ(api.all<api::Pod>().size(), 2u);
}

}  // namespace
}  // namespace keelson::controllers
