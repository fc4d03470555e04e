#include "core/client/informer.hpp"

#include <gtest/gtest.h>

#include "core/base/seeded_bug.hpp"
#include "tests/support/fake_api.hpp"
#include "tests/support/manual_loop.hpp"

namespace keelson::client {
namespace {

api::ObjectPtr config(const std::string& name, const std::string& value,
                      const std::string& uid = "") {
  api::ConfigMap map;
  map.mutable_metadata()->set_namespace_("n");
  map.mutable_metadata()->set_name(name);
  map.mutable_metadata()->set_uid(uid);
  (*map.mutable_metadata()->mutable_labels())["app"] = value;
  return api::make_object(std::move(map));
}
std::string value_of(const api::ObjectPtr& object) {
  return object ? object->meta().labels().at("app") : "";
}
api::ObjectKey key_of(const std::string& name) {
  return {api::Kind::config_maps, "n", name};
}

class InformerTest : public testing::Test {
 protected:
  void start(api::Revision not_before = {}, const std::string& labels = "") {
    InformerOptions options;
    options.kind = api::Kind::config_maps;
    options.not_before = not_before;
    options.label_selector = labels;
    options.actor = "test";
    informer_ = std::make_unique<Informer>(loop_, api_, Rng(1), options);
    informer_->on_change([this](const api::ObjectPtr& before, const api::ObjectPtr& after) {
      const api::Object& object = after ? *after : *before;
      changes_ += (!before ? "+" : !after ? "-" : "~") + object.name() + value_of(after) + ' ';
      // Handlers see the change in the cache, and the revision moves only afterwards.
      if (after) {
        EXPECT_EQ(informer_->get("n", object.name()), after);
      }
      if (relisting_) return;
      if (!after) {
        EXPECT_EQ(informer_->get("n", object.name()), nullptr);
      }
      if (after) {
        EXPECT_GT(after->revision(), informer_->revision());
      }
    });
    informer_->on_progress([this] {
      EXPECT_GE(informer_->revision(), progressed_to_);
      progressed_to_ = informer_->revision();
    });
    informer_->start();
    loop_.settle();
  }
  std::string changes() { return std::exchange(changes_, {}); }
  // The cache claims to be the state at its revision: compare with the truth.
  void expect_current() {
    EXPECT_EQ(informer_->revision(), api_.history().current());
    const auto page = api_.history().list({api::Kind::config_maps});
    ASSERT_EQ(informer_->objects().size(), page->objects.size());
    auto at = informer_->objects().begin();
    for (const auto& object : page->objects) {
      EXPECT_EQ(at->second, object);
      ++at;
    }
  }

  test::ManualLoop loop_;
  test::FakeApi api_{loop_};
  std::unique_ptr<Informer> informer_;
  std::string changes_;
  api::Revision progressed_to_;
  bool relisting_ = false;  // names may be reused, and a failover makes revisions older
};

TEST_F(InformerTest, ListsThenFollows) {
  api_.put(config("b", "1"));
  api_.put(config("a", "1"));
  start();
  EXPECT_TRUE(informer_->synced());
  EXPECT_EQ(changes(), "+a1 +b1 ");
  // The first list of an actor that has seen nothing must be the most recent one.
  ASSERT_EQ(api_.requests().size(), 1u);
  EXPECT_FALSE(api_.requests()[0].resource_version.has_value());
  api_.put(config("a", "2"));
  api_.erase(key_of("b"));
  loop_.settle();
  EXPECT_EQ(changes(), "~a2 -b ");
  expect_current();
  EXPECT_EQ(api_.count(api::Verb::list), 1);
}

TEST_F(InformerTest, ResumesAClosedWatchWithoutListing) {
  start();
  api_.put(config("a", "1"));
  loop_.settle();
  changes();
  api_.break_watches();
  api_.put(config("a", "2"));
  loop_.settle();
  EXPECT_EQ(changes(), "") << "not before its back-off";
  loop_.run_for(1s);
  EXPECT_EQ(changes(), "~a2 ");
  expect_current();
  EXPECT_EQ(api_.count(api::Verb::list), 1);
  EXPECT_EQ(api_.open_watches(), 1u);
}

TEST_F(InformerTest, RelistsWhenHistoryIsGoneAndFindsWhatItMissed) {
  api_.put(config("a", "1"));
  api_.put(config("b", "1", "first"));
  api_.put(config("c", "1"));
  start();
  changes();
  api_.break_watches();
  api_.erase(key_of("a"));
  api_.erase(key_of("b"));
  api_.put(config("b", "2", "second"));  // another object of the same name
  api_.put(config("c", "2"));
  api_.put(config("d", "1"));
  api_.history().compact(api_.history().current());
  relisting_ = true;
  loop_.run_for(2s);
  EXPECT_EQ(changes(), "-a -b +b2 ~c2 +d1 ");
  expect_current();
  EXPECT_EQ(api_.count(api::Verb::list), 2);
}

TEST_F(InformerTest, RelistAsksForNothingOlderThanItHasSeen) {
  api_.put(config("a", "1"));
  start();
  const api::Revision seen = informer_->revision();
  api_.expire_watches();
  loop_.run_for(1s);
  const api::Request& relist = api_.requests().back();
  ASSERT_TRUE(relist.resource_version.has_value());
  EXPECT_EQ(*relist.resource_version, seen);
}

TEST_F(InformerTest, ALaggingServerIsNotBelieved) {
  api_.put(config("a", "old"));
  api_.put(config("a", "new"));
  start();
  EXPECT_EQ(changes(), "+anew ");
  // The watch moves to a server that is behind, whether it admits it or not.
  for (const bool lies : {false, true}) {
    api_.lag = api::Revision{1, 1};
    api_.lies = lies;
    api_.expire_watches();
    loop_.run_for(20s);
    EXPECT_EQ(changes(), "");
    EXPECT_EQ(informer_->revision(), (api::Revision{1, 2}));
    EXPECT_EQ(value_of(informer_->get("n", "a")), "new");
    api_.lag.reset();
    loop_.run_for(10s);
    EXPECT_EQ(changes(), "");
    expect_current();
  }
}

TEST_F(InformerTest, NotBeforeHoldsAcrossARestart) {
  api_.put(config("a", "1"));
  api_.put(config("a", "2"));
  api_.lag = api::Revision{1, 1};
  api_.lies = true;
  start({1, 2});
  loop_.run_for(30s);
  EXPECT_FALSE(informer_->synced());
  EXPECT_EQ(changes(), "");
  api_.lag.reset();
  loop_.run_for(10s);
  EXPECT_TRUE(informer_->synced());
  EXPECT_EQ(changes(), "+a2 ");
}

TEST_F(InformerTest, ANewEpochMakesItListEvenIfThatGoesBackInContent) {
  api_.put(config("a", "kept"));
  start();
  api_.put(config("a", "lost"));
  api_.put(config("b", "lost"));
  loop_.settle();
  EXPECT_EQ(changes(), "+akept ~alost +blost ");
  relisting_ = true;
  ASSERT_TRUE(api_.history().fail_over({1, 1}, 50).ok());
  api_.put(config("c", "1"));
  loop_.run_for(2s);
  EXPECT_EQ(informer_->revision().epoch, 2u);
  EXPECT_EQ(value_of(informer_->get("n", "a")), "kept");
  EXPECT_EQ(informer_->get("n", "b"), nullptr);
  expect_current();
}

// A server that goes on with the events of a new epoch instead of ending the watch.
TEST_F(InformerTest, EventsOfANewEpochAreNotAppliedToAnOldCache) {
  class Relay final : public ApiClient {
   public:
    explicit Relay(ApiClient& to) : to_(to) {}
    void call(api::Request request, Callback<void(api::Response)> done) override {
      to_.call(std::move(request), std::move(done));
    }
    api::WatchId watch(api::WatchRequest request, api::WatchSink& sink) override {
      last = &sink;
      return to_.watch(std::move(request), sink);
    }
    void unwatch(api::WatchId id) override { to_.unwatch(id); }
    api::WatchSink* last = nullptr;

   private:
    ApiClient& to_;
  } relay(api_);
  api_.put(config("a", "1"));
  Informer informer(loop_, relay, Rng(1), {.kind = api::Kind::config_maps});
  informer.start();
  loop_.settle();
  ASSERT_NE(relay.last, nullptr);
  const std::vector<api::WatchEvent> events = {
      {api::WatchType::added, {2, 60}, config("phantom", "1")}};
  relay.last->on_events(events);
  EXPECT_EQ(informer.get("n", "phantom"), nullptr);
  loop_.run_for(1s);
  EXPECT_EQ(api_.count(api::Verb::list), 2);
  EXPECT_EQ(api_.open_watches(), 1u);
  // Events of an older epoch or revision are not news either.
  const std::vector<api::WatchEvent> old = {
      {api::WatchType::added, {0, 999}, config("phantom", "1")},
      {api::WatchType::removed, {1, 1}, config("a", "1")}};
  relay.last->on_events(old);
  EXPECT_EQ(informer.get("n", "phantom"), nullptr);
  EXPECT_NE(informer.get("n", "a"), nullptr);
  EXPECT_EQ(informer.revision(), (api::Revision{1, 1}));
}

TEST_F(InformerTest, AStalledWatchIsMadeAnew) {
  start();
  for (int i = 0; i < 12; ++i) {  // bookmarks keep it alive
    loop_.run_for(30s);
    api_.send_bookmarks();
  }
  EXPECT_EQ(api_.watch_requests().size(), 1u);
  api_.stalled = true;
  api_.put(config("a", "1"));
  loop_.run_for(74s);
  EXPECT_EQ(changes(), "");
  api_.stalled = false;
  // Its server forgot the old watch; only a new one brings the event.
  loop_.run_for(3s);
  EXPECT_EQ(changes(), "+a1 ");
  EXPECT_EQ(api_.watch_requests().size(), 2u);
  EXPECT_EQ(api_.open_watches(), 1u);
  EXPECT_EQ(api_.count(api::Verb::list), 1);
}

TEST_F(InformerTest, BookmarksMoveTheRevision) {
  start();
  api::Node node;
  node.mutable_metadata()->set_name("of-another-kind");
  api_.put(api::make_object(std::move(node)));
  loop_.settle();
  EXPECT_EQ(informer_->revision().value, 0u);
  api_.send_bookmarks();
  EXPECT_EQ(informer_->revision(), api_.history().current());
  EXPECT_EQ(progressed_to_, api_.history().current());
}

TEST_F(InformerTest, RetriesListsWithBackoffUntilTheServerIsBack) {
  api_.down = true;
  api_.put(config("a", "1"));
  start();
  loop_.run_for(60s);
  EXPECT_FALSE(informer_->synced());
  const int attempts = api_.count(api::Verb::list);
  EXPECT_GE(attempts, 8);  // 100 ms doubling to 5 s, each up to half longer
  EXPECT_LE(attempts, 32);
  api_.down = false;
  loop_.run_for(8s);
  EXPECT_TRUE(informer_->synced());
  EXPECT_EQ(changes(), "+a1 ");
}

TEST_F(InformerTest, LostRepliesAreRetried) {
  api_.lose_replies = 1;
  api_.put(config("a", "1"));
  start();
  EXPECT_FALSE(informer_->synced());
  loop_.run_for(1s);
  EXPECT_TRUE(informer_->synced());
}

TEST_F(InformerTest, SelectorTransitionsAreAdditionsAndRemovals) {
  api_.put(config("a", "web"));
  api_.put(config("b", "db"));
  start({}, "app=web");
  EXPECT_EQ(changes(), "+aweb ");
  api_.put(config("b", "web"));
  api_.put(config("a", "db"));
  loop_.settle();
  EXPECT_EQ(changes(), "+bweb -a ");
}

TEST_F(InformerTest, MayBeDestroyedWhileCallsAreOutstanding) {
  api_.hold_replies = true;
  start();
  informer_.reset();
  api_.release_replies();
  loop_.run_for(10s);
  api_.put(config("a", "1"));
  start();
  informer_.reset();
  EXPECT_EQ(api_.open_watches(), 0u);
  api_.put(config("a", "2"));
  loop_.run_for(60s);
  EXPECT_EQ(changes(), "+a1 ");
}

// Whatever happens to servers and watches, each claim of the cache is true (GUARANTEES ST-7).
TEST_F(InformerTest, EveryCacheIsAStateOfTheHistory) {
  Rng rng(11);
  api::Revision last;
  start();
  for (int step = 0; step < 3000; ++step) {
    const std::string name = "o" + std::to_string(rng.below(8));
    switch (rng.below(12)) {
      case 0: api_.break_watches(); break;
      case 1: api_.expire_watches(); break;
      case 2: api_.lose_replies = 1; break;
      case 3: api_.lag = api_.history().current(); break;
      case 4: api_.lag.reset(); break;
      case 5:
        api_.history().compact(api_.history().current());
        api_.lag.reset();
        break;
      case 6: api_.send_bookmarks(); break;
      default:
        if (api_.history().find(key_of(name)) && rng.chance(1, 3)) {
          api_.erase(key_of(name));
        } else {
          api_.put(config(name, std::to_string(step)));
        }
    }
    relisting_ = true;
    loop_.run_for(rng.between(Duration{}, Duration{300ms}));
    changes_.clear();
    ASSERT_GE(informer_->revision(), last);
    last = informer_->revision();
    store::ListQuery query{api::Kind::config_maps};
    query.at = last;
    const auto page = api_.history().list(query);
    if (!page.ok()) continue;  // compacted: cannot be compared
    ASSERT_EQ(page->objects.size(), informer_->objects().size());
    for (const auto& object : page->objects) {
      ASSERT_EQ(informer_->get("n", object->name()), object) << "step " << step;
    }
  }
  api_.lag.reset();
  loop_.run_for(60s);
  expect_current();
}

#ifdef KEELSON_SEEDED_BUGS
struct WithBug {
  explicit WithBug(SeededBug bug) { active_seeded_bug = bug; }
  ~WithBug() { active_seeded_bug = SeededBug::none; }
};

TEST_F(InformerTest, SeededBugRelistRv0GoesBackInTime) {
  WithBug bug(SeededBug::relist_rv0);
  api_.put(config("a", "1"));
  api_.put(config("a", "2"));
  api_.lag = api::Revision{1, 1};
  start({1, 2});
  EXPECT_EQ(changes(), "+a1 ");
}

TEST_F(InformerTest, SeededBugGoneResumeMissesWhatHappened) {
  WithBug bug(SeededBug::gone_resume);
  api_.put(config("a", "1"));
  start();
  changes();
  api_.break_watches();
  api_.erase(key_of("a"));
  api_.history().compact(api_.history().current());
  loop_.run_for(2s);
  EXPECT_EQ(informer_->revision(), api_.history().current());
  EXPECT_NE(informer_->get("n", "a"), nullptr);
  api_.put(config("b", "1"));
  loop_.settle();
  EXPECT_EQ(changes(), "+b1 ");
}
#endif

}  // namespace
}  // namespace keelson::client
