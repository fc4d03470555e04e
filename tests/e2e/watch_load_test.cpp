// Watches under load, as informers use them: 200 watchers of many sorts while several writers make
// 20,000 changes, connections break, readers fall behind, and history is compacted under them. In
// the end each knows exactly what a list says, and has been told nothing twice or out of order.
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "core/base/rng.hpp"
#include "tests/e2e/watcher.hpp"

namespace keelson::e2e {
namespace {

constexpr uint64_t kSeed = 20'000;
constexpr uint64_t kChanges = 20'000;
constexpr int kWriters = 4;
constexpr uint64_t kNamespaces = 5, kNames = 60;
constexpr std::size_t kWatchers = 200;
// These watch all ConfigMaps and read nothing until the end: far more than the server keeps for
// them.
constexpr std::size_t kSleepers = 6;
constexpr uint64_t kCutEvery = 40, kPauseEvery = 150, kCompactEvery = 5'000;

// ---- who writes

// Creates, changes and deletes objects that the others write, too.
class Writer {
 public:
  Writer(uint16_t port, Rng rng, std::atomic<uint64_t>& changes)
      : requester_(port), rng_(rng), changes_(changes) {}

  void run() {
    while (wrong.empty() && changes_ < kChanges) rng_.chance(2, 3) ? config_map() : pod();
  }
  std::string wrong;

 private:
  std::string labels() {
    static constexpr const char* kColors[] = {"red", "green", "blue"};
    return std::string(R"({"color":")") + kColors[rng_.below(3)] + R"(","tier":")" +
           std::to_string(rng_.below(4)) + "\"}";
  }
  std::string next_number() {
    return std::to_string(rng_.seed()) + "-" + std::to_string(++number_);
  }

  void config_map() {
    const std::string all = path("configmaps"), name = pick("cm-");
    const std::string object = R"({"metadata":{"name":")" + name + R"(","labels":)" + labels() +
                               R"(},"data":{"n":")" + next_number() + R"(","pad":")" +
                               std::string(800, 'x') + "\"}}";
    if (rng_.chance(15, 100)) return void(does("DELETE", all + "/" + name, {}));
    const bool done = rng_.chance(1, 2) ? does("PUT", all + "/" + name, object)
                                        : does("PATCH", all + "/" + name, object);
    if (!done) does("POST", all, object);
  }

  // Of a scheduler that is not there, so that nobody else touches them.
  void pod() {
    const std::string all = path("pods"), name = pick("pod-");
    if (rng_.chance(15, 100)) return void(does("DELETE", all + "/" + name, {}));
    if (rng_.chance(1, 3)) {
      const std::string phase = rng_.chance(1, 2) ? "Running" : "Pending";
      does("PATCH", all + "/" + name + "/status",
           R"({"status":{"phase":")" + phase + R"(","message":")" + next_number() + "\"}}");
      return;
    }
    const std::string metadata = R"("metadata":{"name":")" + name + R"(","labels":)" + labels() +
                                 R"(,"annotations":{"n":")" + next_number() + "\"}}";
    if (does("PATCH", all + "/" + name, "{" + metadata + "}")) return;
    does("POST", all,
         "{" + metadata +
             R"(,"spec":{"schedulerName":"nobody",)"
             R"("containers":[{"name":"c","image":"i","resources":{}}]}})");
  }

  std::string path(const std::string& resource) {
    return "/api/v1/namespaces/w-" + std::to_string(rng_.below(kNamespaces)) + "/" + resource;
  }
  std::string pick(const std::string& prefix) {
    return prefix + std::to_string(rng_.below(kNames));
  }
  // False: not there, or somebody was faster.
  bool does(std::string_view method, const std::string& target, const std::string& body) {
    const Answer answer =
        requester_.ask(method, target, body, method == "PATCH" ? kMergePatch : kJson);
    if (answer.status == 200 || answer.status == 201) {
      ++changes_;
      return true;
    }
    if (answer.status != 404 && answer.status != 409) {
      wrong = std::string(method) + " " + target + ": " + answer.brief();
    }
    return false;
  }

  Requester requester_;
  Rng rng_;
  std::atomic<uint64_t>& changes_;
  uint64_t number_ = 0;
};

// ---- who watches

WatchScope scope_of(std::size_t i, Rng& rng) {
  WatchScope scope;
  const bool pods = i % 3 == 2;
  const std::string resource = pods ? "pods" : "configmaps";
  const std::string ns = "w-" + std::to_string(rng.below(kNamespaces));
  const std::string in_ns = "/api/v1/namespaces/" + ns + "/" + resource;
  scope.path = "/api/v1/" + resource;
  switch (i % 10) {
    case 0: break;
    case 1:
    case 2:
    case 3: scope.path = in_ns; break;
    case 4: scope.query = "labelSelector=color%3Dred"; break;
    case 5:
      scope.path = in_ns;
      scope.query = "labelSelector=color+in+(red,blue),tier!%3D1";
      break;
    case 6:
      scope.path = in_ns;
      scope.query = "fieldSelector=metadata.name%3D" + std::string(pods ? "pod-7" : "cm-7");
      break;
    case 7:
      scope.query = pods ? "fieldSelector=status.phase%3DRunning"
                         : "fieldSelector=metadata.namespace%3D" + ns;
      break;
    case 8:
      scope.path = in_ns;
      scope.table = true;
      break;
    case 9:
      scope.query = "labelSelector=!color,tier";
      if (rng.chance(1, 2))
        scope.query = "labelSelector=tier+notin+(0,1)&fieldSelector=metadata.namespace%3D" + ns;
      scope.table = rng.chance(1, 2);
      break;
  }
  return scope;
}

class Crowd {
 public:
  explicit Crowd(uint16_t port)
      : requester_(port), rng_(Rng(kSeed).fork("crowd")), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    WatchScope everything;
    everything.path = "/api/v1/configmaps";
    for (std::size_t i = 0; i < kWatchers; ++i) {
      const bool sleeper = i < kSleepers;
      constexpr Begin kBegins[] = {Begin::list, Begin::zero, Begin::initial_events};
      all_.push_back({std::make_unique<Watcher>(port, sleeper ? everything : scope_of(i, rng_),
                                                kBegins[rng_.below(3)], sleeper ? 4096 : 0),
                      State::away, sleeper ? kChanges : 0});
    }
  }
  ~Crowd() { ::close(epoll_); }

  // Reads what has come; who should be connected and is not connects again. `changes` is how many
  // there have been by now. False: nothing came for a moment.
  bool turn(uint64_t changes) {
    for (std::size_t i = 0; i < all_.size(); ++i) {
      Member& member = all_[i];
      const bool rests = member.state != State::reads && member.until > changes;
      if (member.state == State::away && (!rests || i < kSleepers)) {
        member.watcher->open(requester_);
        member.state = State::pauses;
      }
      if (member.state == State::pauses && !rests) listen(i, EPOLL_CTL_ADD);
    }
    epoll_event events[64];
    const int ready = ::epoll_wait(epoll_, events, 64, 20);
    for (int i = 0; i < ready; ++i) {
      Member& member = all_[events[i].data.u32];
      member.watcher->read_some();
      if (!member.watcher->is_open()) leave(member, 0);  // its socket has left the epoll by itself
    }
    return ready > 0;
  }

  // Some connection breaks; its watcher comes again at once, or much later.
  void break_one(uint64_t changes) {
    Member& member = all_[kSleepers + rng_.below(all_.size() - kSleepers)];
    if (!member.watcher->is_open()) return;
    ++breaks;
    member.watcher->cut(rng_.chance(1, 2));
    leave(member, rng_.chance(1, 3) ? changes + rng_.below(2'000) : 0);
  }
  // Somebody stops reading for a while.
  void pause_one(uint64_t changes) {
    const std::size_t i = kSleepers + rng_.below(all_.size() - kSleepers);
    if (all_[i].state != State::reads) return;
    ++pauses;
    listen(i, EPOLL_CTL_DEL);
    all_[i].until = changes + 300 + rng_.below(2'000);
  }
  // All history so far is forgotten while some are away.
  void compact(uint64_t changes) {
    for (int i = 0; i < 10; ++i) {
      Member& member = all_[kSleepers + rng_.below(all_.size() - kSleepers)];
      if (member.watcher->is_open()) member.watcher->cut(false);
      leave(member, changes + 500);
    }
    EXPECT_TRUE(step_clock(requester_, "6m")) << "history is kept for five minutes";
  }

  void wake_all() {
    for (Member& member : all_) member.until = 0;
  }

  // Every one is told by bookmarks that it has seen all that there is; false: it takes too long.
  bool catch_up() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    const Listed last = list_of(requester_, {"/api/v1/pods", {}, false});
    EXPECT_TRUE(last.ok);
    wake_all();
    while (std::chrono::steady_clock::now() < deadline) {
      if (turn(kChanges)) continue;
      bool all = true;
      for (const Member& member : all_) all = all && member.watcher->revision() >= last.revision;
      if (all) return true;
      EXPECT_TRUE(step_clock(requester_, "31s")) << "a bookmark comes every 30 s";
    }
    return false;
  }

  void expect_right() {
    std::map<std::string, Listed> lists;
    for (const Member& member : all_) {
      const Watcher& watcher = *member.watcher;
      const std::string target = watcher.scope().target() + watcher.scope().headers();
      if (!lists.contains(target)) lists[target] = list_of(requester_, watcher.scope());
      ASSERT_TRUE(lists[target].ok) << target;
      EXPECT_EQ(watcher.known().size(), lists[target].objects.size()) << target;
      EXPECT_TRUE(watcher.known() == lists[target].objects) << target;
      for (const std::string& wrong : watcher.wrong) ADD_FAILURE() << wrong;
    }
  }

  uint64_t total(uint64_t Watcher::*counter) const {
    uint64_t sum = 0;
    for (const Member& member : all_) sum += (*member.watcher).*counter;
    return sum;
  }
  uint64_t sleepers_dropped() const {
    uint64_t sum = 0;
    for (std::size_t i = 0; i < kSleepers; ++i) sum += all_[i].watcher->ended > 0;
    return sum;
  }

  uint64_t breaks = 0, pauses = 0;

 private:
  enum class State { reads, pauses, away };
  struct Member {
    std::unique_ptr<Watcher> watcher;
    State state;
    uint64_t until;  // so many changes it pauses or stays away
  };

  void listen(std::size_t i, int how) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = static_cast<uint32_t>(i);
    ::epoll_ctl(epoll_, how, all_[i].watcher->fd(), &event);
    all_[i].state = how == EPOLL_CTL_ADD ? State::reads : State::pauses;
  }
  void leave(Member& member, uint64_t until) {
    member.state = State::away;
    member.until = until;
  }

  Requester requester_;
  Rng rng_;
  int epoll_;
  std::vector<Member> all_;
};

void prepare(Requester& requester) {
  for (uint64_t i = 0; i < kNamespaces; ++i) {
    const std::string name = "w-" + std::to_string(i);
    ASSERT_EQ(
        requester.ask("POST", "/api/v1/namespaces", R"({"metadata":{"name":")" + name + "\"}}")
            .status,
        201);
    // Pods are refused before their service account is there.
    const std::string account = "/api/v1/namespaces/" + name + "/serviceaccounts/default";
    int status = 0;
    for (int tries = 0; tries < 1000 && status != 200; ++tries) {
      status = requester.ask("GET", account).status;
      if (status != 200) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_EQ(status, 200) << account;
  }
}

TEST(WatchLoad, EveryWatcherEndsWithWhatAListSays) {
  raise_file_limit();
  Cluster cluster({"--nodes", "1", "--insecure-port", "0"});
  ASSERT_TRUE(cluster.ok());
  const uint16_t port = plain_port(cluster);
  ASSERT_NE(port, 0);
  Requester requester(port);
  prepare(requester);
  if (testing::Test::HasFatalFailure()) return;

  Crowd crowd(port);
  crowd.turn(0);
  std::atomic<uint64_t> changes{0};
  std::atomic<int> writing{kWriters};
  std::deque<Writer> writers;
  std::vector<std::thread> threads;
  for (int i = 0; i < kWriters; ++i) {
    Writer& writer = writers.emplace_back(port, Rng(kSeed).fork(static_cast<uint64_t>(i)), changes);
    threads.emplace_back([&writer, &writing] {
      writer.run();
      --writing;
    });
  }
  uint64_t cut_at = kCutEvery, pause_at = kPauseEvery, compact_at = kCompactEvery;
  while (writing > 0) {
    crowd.turn(changes);
    for (; cut_at <= changes; cut_at += kCutEvery) crowd.break_one(changes);
    for (; pause_at <= changes; pause_at += kPauseEvery) crowd.pause_one(changes);
    for (; compact_at <= changes; compact_at += kCompactEvery) crowd.compact(changes);
  }
  for (std::thread& thread : threads) thread.join();
  for (const Writer& writer : writers) EXPECT_EQ(writer.wrong, "");
  EXPECT_GE(changes, kChanges);

  EXPECT_TRUE(crowd.catch_up()) << "not all watchers have heard of everything";
  crowd.expect_right();
  const uint64_t expired = crowd.total(&Watcher::expired);
  std::printf(
      "%llu changes, %llu events, %llu bookmarks, %llu connections cut, %llu pauses, "
      "%llu slow readers dropped, %llu had to begin anew\n",
      static_cast<unsigned long long>(changes.load()),
      static_cast<unsigned long long>(crowd.total(&Watcher::events)),
      static_cast<unsigned long long>(crowd.total(&Watcher::bookmarks)),
      static_cast<unsigned long long>(crowd.breaks), static_cast<unsigned long long>(crowd.pauses),
      static_cast<unsigned long long>(crowd.sleepers_dropped()),
      static_cast<unsigned long long>(expired));
  // That nothing went wrong means nothing unless all of it has happened.
  EXPECT_GT(crowd.breaks, kChanges / kCutEvery / 2);
  EXPECT_GT(crowd.sleepers_dropped(), 0u);
  EXPECT_GT(expired, 0u);
  EXPECT_TRUE(cluster.daemon().running());
  EXPECT_EQ(cluster.daemon().stop(), 0);
}

}  // namespace
}  // namespace keelson::e2e
