// Many watchers of one namespace, and changes at a steady pace, whether or not the earlier ones
// have arrived. A change's time runs from when it was due to when a watcher has read it.
#include <fmt/format.h>

#include <cstring>

#include "bench/load/loads.hpp"

namespace keelson::bench {

namespace {

constexpr int kObjects = 100;
constexpr int kWriters = 16;
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kStragglers = 10 * kSecond;
constexpr std::string_view kMark = "\"seq\":\"";
constexpr std::size_t kDigits = 9;

// The numbers of the changes in a stream of events, each on a line.
class EventScanner {
 public:
  template <class Each>
  void put(std::string_view data, Each&& each) {
    while (!data.empty()) {
      const std::size_t newline = data.find('\n');
      if (newline == data.npos) {
        partial_.append(data);
        return;
      }
      std::string_view line = data.substr(0, newline);
      data.remove_prefix(newline + 1);
      if (!partial_.empty()) {
        partial_.append(line);
        line = partial_;
      }
      scan(line, each);
      partial_.clear();
    }
  }

 private:
  template <class Each>
  static void scan(std::string_view line, Each&& each) {
    const void* at = ::memmem(line.data(), line.size(), kMark.data(), kMark.size());
    if (!at) return;
    const char* digits = static_cast<const char*>(at) + kMark.size();
    if (static_cast<std::size_t>(line.data() + line.size() - digits) < kDigits) return;
    uint64_t number = 0;
    for (std::size_t i = 0; i < kDigits; ++i) {
      number = number * 10 + static_cast<uint64_t>(digits[i] - '0');
    }
    each(number);
  }
  std::string partial_;
};

struct Watcher {
  std::unique_ptr<Wire> wire;
  EventScanner scanner;
  bool open = false;
};

struct Writer {
  std::unique_ptr<Wire> wire;
  bool busy = false;
};

class WatchLoad {
 public:
  explicit WatchLoad(const Plan& plan)
      : plan_(plan),
        path_(fmt::format("/api/v1/namespaces/{}-watch/{}", plan.ns,
                          plan.watch_pods ? "pods" : "configmaps")),
        changes_(static_cast<uint64_t>(plan.seconds * plan.changes_per_second)),
        period_(kSecond / std::max(1, plan.changes_per_second)),
        due_(changes_, 0),
        seen_(changes_, 0) {}

  Report run() {
    report_.name = "watch";
    report_.failure = prepare();
    if (report_.failure.empty()) change();
    return std::move(report_);
  }

 private:
  std::string object(const std::string& name) const {
    if (plan_.watch_pods) return pod_json(name);
    return fmt::format(R"({{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{}"}}}})",
                       name);
  }
  static std::string patch(uint64_t number) {
    return fmt::format(R"({{"metadata":{{"annotations":{{"seq":"{:09}"}}}}}})", number);
  }

  // The objects, the watchers from now on, and the connections of those who write.
  std::string prepare() {
    if (std::string why = make_namespace(plan_, plan_.ns + "-watch"); !why.empty()) return why;
    ClosedLoop create;
    create.requests_max = kObjects;
    create.status = 201;
    create.other_status = 409;
    create.request = [&](uint64_t n) {
      return plan_.target.request("POST", path_, "application/json", "application/json",
                                  object(fmt::format("c-{}", n)));
    };
    const Report created = run_closed_loop(plan_.target, create);
    if (!created.failure.empty() || created.failed > 0) {
      return "objects not created: " + created.failure;
    }
    http::Client client(plan_.client);
    const auto list = client.send({.target = path_ + "?limit=1"});
    if (!list) return list.error().message;
    const std::string mark = "\"resourceVersion\":\"";
    const std::size_t at = list->body.find(mark);
    if (at == std::string::npos) return "a list without a resourceVersion";
    const std::size_t from = at + mark.size();
    const std::string revision = list->body.substr(from, list->body.find('"', from) - from);
    const std::string request = plan_.target.request(
        "GET", path_ + "?watch=true&resourceVersion=" + revision, "application/json");
    watchers_.resize(static_cast<std::size_t>(plan_.watchers));
    std::string why;
    for (Watcher& watcher : watchers_) {
      ResponseReader::Events events;
      events.on_head = [&](int status) {
        watcher.open = status == 200;
        if (!watcher.open) report_.failure = fmt::format("a watch was answered with {}", status);
        ++opened_;
      };
      events.on_body = [&](std::string_view piece) {
        now_ = now_ns();
        watcher.scanner.put(piece, [&](uint64_t number) { saw(number); });
      };
      events.on_end = [&](int) { report_.failure = "the server has ended a watch"; };
      watcher.wire = poller_.connect(plan_.target, std::move(events), &why);
      if (!watcher.wire) return why;
      watcher.wire->send(request);
    }
    writers_.resize(kWriters);
    for (Writer& writer : writers_) {
      ResponseReader::Events events;
      events.on_end = [&](int status) {
        writer.busy = false;
        ++report_.done;
        report_.failed += status != 200;
      };
      writer.wire = poller_.connect(plan_.target, std::move(events), &why);
      if (!writer.wire) return why;
    }
    for (const int64_t until = now_ns() + kStragglers; opened_ < watchers_.size();) {
      poller_.wait(kSecond / 10);
      if (now_ns() > until) return "not all watches were answered";
    }
    return report_.failure;
  }

  void saw(uint64_t number) {
    if (number >= changes_ || due_[number] == 0) return;
    ++seen_[number];
    ++arrived_;
    report_.latencies.add(now_ - due_[number]);
  }

  void change() {
    const int64_t start = now_ns();
    const uint64_t bytes = poller_.bytes_received();
    uint64_t next = 0;
    const uint64_t wanted = changes_ * watchers_.size();
    int64_t until = start + static_cast<int64_t>(changes_) * period_ + kStragglers;
    std::size_t turn = 0;
    while (arrived_ < wanted && report_.failure.empty() && now_ns() < until) {
      for (int64_t at = now_ns(); next < changes_; ++next) {
        const int64_t due = start + static_cast<int64_t>(next) * period_;
        if (due > at) break;
        Writer* writer = free_writer(turn);
        if (!writer) break;
        writer->busy = true;
        due_[next] = due;
        writer->wire->send(
            plan_.target.request("PATCH", fmt::format("{}/c-{}", path_, next % kObjects),
                                 "application/json", "application/merge-patch+json", patch(next)));
      }
      const int64_t ahead = start + static_cast<int64_t>(next) * period_ - now_ns();
      poller_.wait(next < changes_ && ahead > 0 ? std::min(ahead, kSecond / 100) : kSecond / 100);
      check();
    }
    report_.seconds = static_cast<double>(now_ns() - start) / 1e9;
    report_.bytes = poller_.bytes_received() - bytes;
    report_.missing = wanted - std::min(wanted, arrived_);
    for (const uint32_t count : seen_) {
      if (count > watchers_.size()) report_.failure = "a watcher has seen a change twice";
    }
  }

  Writer* free_writer(std::size_t& turn) {
    for (std::size_t i = 0; i < writers_.size(); ++i) {
      Writer& writer = writers_[++turn % writers_.size()];
      if (!writer.busy) return &writer;
    }
    return nullptr;
  }

  void check() {
    for (const Watcher& watcher : watchers_) {
      if (watcher.wire->broken()) report_.failure = "a watch: " + watcher.wire->why();
    }
    for (const Writer& writer : writers_) {
      if (writer.wire->broken()) report_.failure = "a writer: " + writer.wire->why();
    }
  }

  const Plan& plan_;
  const std::string path_;
  const uint64_t changes_;
  const int64_t period_;
  Poller poller_;
  std::vector<Watcher> watchers_;
  std::vector<Writer> writers_;
  std::size_t opened_ = 0;
  std::vector<int64_t> due_;    // of each change; 0: not sent yet
  std::vector<uint32_t> seen_;  // by so many watchers
  uint64_t arrived_ = 0;
  int64_t now_ = 0;  // when the bytes at hand were read
  Report report_;
};

}  // namespace

Report load_watch(const Plan& plan) {
  return WatchLoad(plan).run();
}

}  // namespace keelson::bench
