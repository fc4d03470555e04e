#include "bench/scheduling/api_world.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <deque>
#include <map>
#include <set>

#include "bench/scheduling/world.hpp"
#include "core/apiserver/api_server.hpp"
#include "core/apiserver/local_client.hpp"
#include "core/base/log.hpp"
#include "core/scheduler/scheduler.hpp"
#include "core/store/memory_store.hpp"

namespace keelson::bench {
namespace {

// Work is done at once; when there is none, time jumps to the next timer.
class JumpingLoop final : public Loop {
 public:
  Instant now() const override { return now_; }
  WallTime wall_now() const override {
    constexpr int64_t kStartNs = 1'790'000'000'000'000'000;
    return {kStartNs + now_.time_since_epoch().count()};
  }
  TimerId timer_create(Callback<void()> on_fire) override {
    timers_.push_back({std::move(on_fire), {}, false});
    return {static_cast<uint32_t>(timers_.size() - 1), 1};
  }
  void timer_arm(TimerId id, Duration after) override {
    timer_disarm(id);
    timers_[id.slot].due = {now_ + after, ++sequence_};
    timers_[id.slot].armed = true;
    due_.emplace(timers_[id.slot].due, id.slot);
  }
  void timer_disarm(TimerId id) override {
    if (!std::exchange(timers_[id.slot].armed, false)) return;
    due_.erase(timers_[id.slot].due);
  }
  bool timer_pending(TimerId id) const override { return timers_[id.slot].armed; }
  void timer_destroy(TimerId id) override { timer_disarm(id); }
  void post(Callback<void()> work) override { posted_.push_back(std::move(work)); }

  // Until there is nothing to do now.
  void settle() {
    while (!posted_.empty()) {
      Callback<void()> work = std::move(posted_.front());
      posted_.pop_front();
      work();
    }
  }
  void jump() {
    if (due_.empty()) return;
    const uint32_t slot = due_.begin()->second;
    now_ = due_.begin()->first.first;
    due_.erase(due_.begin());
    timers_[slot].armed = false;
    timers_[slot].on_fire();
  }

 private:
  struct Slot {
    Callback<void()> on_fire;
    std::pair<Instant, uint64_t> due;
    bool armed = false;
  };
  Instant now_{Duration{1'000'000'000}};
  uint64_t sequence_ = 0;
  std::deque<Slot> timers_;  // their functions stay where they are while they run
  std::map<std::pair<Instant, uint64_t>, uint32_t> due_;
  std::deque<Callback<void()>> posted_;
};

// So many creations are on their way at a time.
constexpr int kBatch = 500;

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "bench_scheduler_perf: {}\n", why);
  std::exit(1);
}

}  // namespace

struct ApiSchedulingWorld::Impl {
  Impl(const Shape& s, uint64_t seed)
      : shape(s), server(loop, store, Rng(seed).fork("apiserver"), log, server_options()),
        scheduler(loop, client, Rng(seed).fork("scheduler"), log, {}) {}

  static apiserver::ApiServerOptions server_options() {
    apiserver::ApiServerOptions options;
    options.identity = "bench";
    return options;
  }

  void create(const api::ObjectPtr& object) {
    client.call(api::create(object), [](const api::Response& response) {
      if (!response.ok()) give_up("cannot create: " + response.error.message);
    });
  }
  void create_namespaces() {
    std::set<std::string_view> names{shape.measured.ns};
    for (const Pods& pods : shape.before) names.insert(pods.ns);
    for (const std::string_view name : names) {
      api::Namespace ns;
      ns.mutable_metadata()->set_name(std::string(name));
      if (name != "default") create(api::make_object(std::move(ns)));
    }
    loop.settle();
  }
  // A new node is tainted until the controllers see it ready; there are none here.
  void create_node(const api::ObjectPtr& object) {
    client.call(api::create(object), [this](const api::Response& response) {
      if (!response.ok()) give_up("cannot create: " + response.error.message);
      api::Node node = response.object->as<api::Node>();
      node.mutable_spec()->clear_taints();
      client.call(api::update(api::make_object(std::move(node))), [](const api::Response& updated) {
        if (!updated.ok()) give_up("cannot update: " + updated.error.message);
      });
    });
  }
  void create_pods(const Pods& pods) {
    for (int i = 0; i < pods.count; ++i) {
      api::Pod pod = make_pod(pods.form, pods.ns, next_pod++);
      pod.mutable_metadata()->clear_uid();  // the server gives one
      create(api::make_object(std::move(pod)));
      if (i % kBatch == kBatch - 1) loop.settle();
    }
    loop.settle();
  }
  void until_bound(uint64_t pods) {
    for (int jumps = 0; scheduler.stats().scheduled < pods; ++jumps) {
      if (jumps > 1000) {
        const auto stats = scheduler.stats();
        give_up(fmt::format("{} of {} pods are bound; {} decisions found no node, {} binds were refused",
                            stats.scheduled, pods, stats.unschedulable, stats.binds_refused));
      }
      loop.jump();
      loop.settle();
    }
  }

  const Shape& shape;
  JumpingLoop loop;
  NullLog log;
  store::MemoryStore store{loop};
  apiserver::ApiServer server;
  apiserver::LocalClient client{server};
  scheduler::Scheduler scheduler;
  int next_pod = 0;
};

ApiSchedulingWorld::ApiSchedulingWorld(const Shape& shape, uint64_t seed)
    : impl_(std::make_unique<Impl>(shape, seed)) {
  impl_->server.start();
  for (int i = 0; i < 100 && !impl_->server.ready(); ++i) {
    impl_->loop.settle();
    if (!impl_->server.ready()) impl_->loop.jump();
  }
  if (!impl_->server.ready()) give_up("the API server does not start");
  impl_->create_namespaces();
  for (int i = 0; i < shape.nodes; ++i) {
    const auto zone = shape.zones.empty()
                          ? std::string_view()
                          : shape.zones[static_cast<std::size_t>(i) % shape.zones.size()];
    impl_->create_node(make_node(i, zone));
    if (i % kBatch == kBatch - 1) impl_->loop.settle();
  }
  impl_->loop.settle();
  impl_->scheduler.start({}, [] { return true; });
  impl_->loop.settle();
}

ApiSchedulingWorld::~ApiSchedulingWorld() = default;

ApiSchedulingWorld::Outcome ApiSchedulingWorld::run() {
  for (const Pods& pods : impl_->shape.before) impl_->create_pods(pods);
  impl_->until_bound(static_cast<uint64_t>(impl_->next_pod));
  const uint64_t before = impl_->scheduler.stats().scheduled;
  const double begin = cpu_seconds();
  impl_->create_pods(impl_->shape.measured);
  const double created = cpu_seconds();
  impl_->until_bound(static_cast<uint64_t>(impl_->next_pod));
  Outcome outcome;
  outcome.seconds = cpu_seconds() - begin;
  outcome.creating = created - begin;
  outcome.bound = static_cast<int>(impl_->scheduler.stats().scheduled - before);
  return outcome;
}

}  // namespace keelson::bench
