// What the store on Redis stands: a redis-server of its own on a socket in a temporary directory,
// and this process as an API server would use it.
//
//   bench_redis                    all of it
//   bench_redis --seconds 10 --clients 64 --sync always
//
// writes: `clients` clients, each of which changes its own object of `bytes` bytes again when it
// has been answered. watch: one write after the other, each from the call to its arrival at a
// watch. beats: `nodes` nodes that beat every ten seconds, one call each, and the CPU that this
// takes on both sides. start: a server that begins to serve `objects` objects. Exit codes: 0 done,
// 1 something failed, 2 bad usage.
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cxxopts.hpp>
#include <filesystem>
#include <fstream>

#include "runtime/redis/managed.hpp"
#include "runtime/redis/redis_store.hpp"

namespace keelson::bench {
namespace {

using redis::ManagedOptions;
using redis::RedisStore;
using store::Committed;
using store::Write;

struct Settings {
  int clients = 64;
  int nodes = 5000;
  int objects = 50000;
  std::size_t bytes = 1500;
  double seconds = 5;
};

double cpu_seconds_of_self() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double cpu_seconds_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string word;
  double ticks = 0;
  for (int i = 1; i <= 15 && file >> word; ++i) {
    if (i >= 14) ticks += std::stod(word);  // utime, stime; the name in field 2 has no spaces
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// A redis-server as `keelson init` would start it.
class Server {
 public:
  explicit Server(ManagedOptions::Profile profile) {
    std::string name = (std::filesystem::temp_directory_path() / "keelson-bench-XXXXXX").string();
    if (mkdtemp(name.data())) directory_ = name;
    std::ofstream(directory_ / "redis.conf")
        << *redis::managed_config(
               {.directory = directory_.string(), .socket = socket(), .profile = profile});
    const std::string file = (directory_ / "redis.conf").string();
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      std::freopen("/dev/null", "w", stdout);
      execlp("redis-server", "redis-server", file.c_str(), nullptr);
      _exit(127);
    }
  }
  ~Server() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  std::string socket() const { return (directory_ / "socket").string(); }
  pid_t pid() const { return pid_; }

 private:
  std::filesystem::path directory_;
  pid_t pid_ = 0;
};

store::ObjectPtr object(const std::string& name, std::size_t bytes, uint64_t round) {
  api::ConfigMap map;
  map.mutable_metadata()->set_namespace_("bench");
  map.mutable_metadata()->set_name(name);
  map.mutable_metadata()->set_uid("uid-" + name);
  (*map.mutable_data())["value"] = fmt::format("{:0{}}", round, bytes);
  return api::make_object(std::move(map));
}

store::Transaction change(store::ObjectPtr of) {
  store::Transaction transaction;
  Write write;
  write.key = of->key();
  write.object = std::move(of);
  transaction.writes.push_back(std::move(write));
  return transaction;
}

std::string percentiles(std::vector<double>& times) {
  if (times.empty()) return "none";
  std::sort(times.begin(), times.end());
  const auto at = [&](double part) {
    return times[std::min(times.size() - 1,
                          static_cast<std::size_t>(part * static_cast<double>(times.size())))];
  };
  return fmt::format("p50 {:.2f} ms  p99 {:.2f} ms", at(0.5) * 1e3, at(0.99) * 1e3);
}

class Run {
 public:
  Run(const Settings& settings, ManagedOptions::Profile profile)
      : settings_(settings), server_(profile), store_(loop_, log_, options(), 1) {
    if (!until([&] { return store_.serving(); }, 10)) fail("no store: " + store_.trouble());
    cpu_self_ = cpu_seconds_of_self();
    cpu_redis_ = cpu_seconds_of(server_.pid());
    began_ = loop_.now();
  }

  void writes(const char* name) {
    std::vector<double> times;
    bool stopping = false;
    int open = 0;
    uint64_t round = 0;
    std::function<void(int)> next = [&](int client) {
      if (stopping) return;
      ++open;
      const Instant begin = loop_.now();
      store_.commit(change(object(fmt::format("client-{}", client), settings_.bytes, ++round)),
                    [&, client, begin](Result<Committed> result) {
                      --open;
                      if (!result) fail(result.error().message);
                      times.push_back(seconds(loop_.now() - begin));
                      next(client);
                    });
    };
    for (int i = 0; i < settings_.clients; ++i) next(i);
    until([] { return false; }, settings_.seconds);
    const double took = seconds(loop_.now() - began_);
    const std::size_t count = times.size();
    report(name, fmt::format("{:.0f}/s  {}", static_cast<double>(count) / took, percentiles(times)),
           count);
    stopping = true;
    until([&] { return open == 0; }, 10);
  }

  void watch(const char* name) {
    struct Sink final : store::WatchSink {
      void on_events(std::span<const store::StoreEvent>) override { arrived(); }
      void on_closed(Error) override {}
      std::function<void()> arrived;
    } sink;
    std::vector<double> times;
    Instant begin;
    uint64_t round = 0;
    const auto write = [&] {
      begin = loop_.now();
      store_.commit(change(object("watched", settings_.bytes, ++round)), [](Result<Committed>) {});
    };
    sink.arrived = [&] {
      times.push_back(seconds(loop_.now() - begin));
      write();
    };
    const store::WatchId id = store_.watch({1, 0}, sink);
    write();
    until([] { return false; }, settings_.seconds);
    store_.unwatch(id);
    const std::size_t count = times.size();
    report(name, percentiles(times), count);
  }

  void beats(const char* name) {
    int written = 0;
    for (int i = 0; i < settings_.nodes; ++i) {
      api::Node node;
      node.mutable_metadata()->set_name(fmt::format("node-{}", i));
      store_.commit(change(api::make_object(std::move(node))),
                    [&](Result<Committed> r) { written += r.ok(); });
    }
    if (!until([&] { return written == settings_.nodes; }, 30)) fail("no nodes");
    cpu_self_ = cpu_seconds_of_self();
    cpu_redis_ = cpu_seconds_of(server_.pid());
    began_ = loop_.now();
    // Each node beats every ten seconds, on its own: as many calls as nodes, spread over the time.
    const double rate = settings_.nodes / 10.0;
    uint64_t sent = 0, answered = 0;
    until(
        [&] {
          const auto due = static_cast<uint64_t>(seconds(loop_.now() - began_) * rate);
          for (; sent < due; ++sent) {
            api::Beat beat;
            beat.node = fmt::format("node-{}", sent % static_cast<uint64_t>(settings_.nodes));
            beat.seq = sent;
            store_.beat({beat}, [&](Result<Unit> result) { answered += result.ok(); });
          }
          return false;
        },
        settings_.seconds * 2);
    report(name, fmt::format("{} nodes, {} of {} beats", settings_.nodes, answered, sent),
           answered);
    until([&] { return store_.idle(); }, 10);
  }

  void start(const char* name) {
    int written = 0, asked = 0;
    const bool done = until(
        [&] {
          for (; asked < settings_.objects && asked - written < 5000; ++asked) {
            store_.commit(change(object(fmt::format("object-{}", asked), settings_.bytes, 0)),
                          [&](Result<Committed> r) { written += r.ok(); });
          }
          return written == settings_.objects;
        },
        120);
    if (!done) fail("no objects");
    cpu_self_ = cpu_seconds_of_self();
    cpu_redis_ = cpu_seconds_of(server_.pid());
    began_ = loop_.now();
    RedisStore fresh(loop_, log_, options(), 2);
    if (!until([&] { return fresh.serving(); }, 120)) fail(fresh.trouble());
    report(name,
           fmt::format("{} objects in {:.2f} s", settings_.objects, seconds(loop_.now() - began_)),
           static_cast<std::size_t>(settings_.objects));
  }

 private:
  redis::RedisStoreOptions options() const {
    redis::RedisStoreOptions made;
    made.address.socket = server_.socket();
    made.client = "bench";
    return made;
  }
  static double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }
  [[noreturn]] static void fail(const std::string& why) {
    fmt::print(stderr, "bench_redis: {}\n", why);
    std::exit(1);
  }
  template <class Condition>
  bool until(Condition condition, double at_most) {
    const Instant limit =
        loop_.now() + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(at_most));
    while (!condition()) {
      loop_.run_round(1ms);
      if (loop_.now() > limit) return false;
    }
    return true;
  }
  void report(const char* name, const std::string& what, std::size_t count) {
    const double took = seconds(loop_.now() - began_);
    const double self = cpu_seconds_of_self() - cpu_self_,
                 redis = cpu_seconds_of(server_.pid()) - cpu_redis_;
    const double each = count == 0 ? 0 : 1e6 / static_cast<double>(count);
    fmt::print(
        "{:<18} {}\n{:<18}   CPU: here {:.1f} % ({:.0f} us each), redis-server {:.1f} % ({:.0f} us "
        "each)\n",
        name, what, "", 100 * self / took, self * each, 100 * redis / took, redis * each);
    std::fflush(stdout);
  }

  Settings settings_;
  Server server_;
  runtime::AsioLoop loop_;
  NullLog log_;
  RedisStore store_;
  double cpu_self_ = 0, cpu_redis_ = 0;
  Instant began_;
};

int run(int argc, char** argv) {
  cxxopts::Options options("bench_redis", "What the store on Redis stands\n");
  auto add = options.add_options();
  add("clients", "of the writes", cxxopts::value<int>()->default_value("64"));
  add("nodes", "of the heartbeats", cxxopts::value<int>()->default_value("5000"));
  add("objects", "that a server finds when it starts",
      cxxopts::value<int>()->default_value("50000"));
  add("bytes", "of an object", cxxopts::value<std::size_t>()->default_value("1500"));
  add("seconds", "of each part", cxxopts::value<double>()->default_value("5"));
  add("sync", "always, everysec or both", cxxopts::value<std::string>()->default_value("both"));
  add("help", "this text");
  Settings settings;
  std::string sync;
  try {
    const auto given = options.parse(argc, argv);
    if (given.count("help")) {
      fmt::print("{}", options.help());
      return 0;
    }
    settings = {given["clients"].as<int>(), given["nodes"].as<int>(), given["objects"].as<int>(),
                given["bytes"].as<std::size_t>(), given["seconds"].as<double>()};
    sync = given["sync"].as<std::string>();
  } catch (const std::exception& why) {
    fmt::print(stderr, "bench_redis: {}\n", why.what());
    return 2;
  }
  if (sync != "everysec") Run(settings, ManagedOptions::Profile::durable).writes("writes, always");
  if (sync != "always") {
    Run(settings, ManagedOptions::Profile::dev).writes("writes, everysec");
    Run(settings, ManagedOptions::Profile::dev).watch("write to watch");
    Run(settings, ManagedOptions::Profile::dev).beats("heartbeats");
    Run(settings, ManagedOptions::Profile::dev).start("start");
  }
  return 0;
}

}  // namespace
}  // namespace keelson::bench

int main(int argc, char** argv) {
  return keelson::bench::run(argc, argv);
}
