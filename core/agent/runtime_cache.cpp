#include "core/agent/runtime_cache.hpp"

namespace keelson::agent {

namespace {
// How long the runtime may fail to answer until the node says that it is not ready.
// Source: kubelet's default runtime health threshold.
constexpr Duration kUnhealthyAfter = 30s;
}  // namespace

RuntimeCache::RuntimeCache(Context& context,
                           std::function<void(const Sightings&, uint64_t)> on_listed,
                           std::function<void(bool)> on_health)
    : context_(context),
      on_listed_(std::move(on_listed)),
      on_health_(std::move(on_health)),
      timer_(context.loop, lifetime_.guard([this] { request(); })) {}

void RuntimeCache::start() {
  context_.runtime.on_hint(lifetime_.guard([this] { request(); }));
  failing_since_ = context_.loop.now();
  request();
}

void RuntimeCache::request() {
  if (listing_) {
    again_ = true;  // the one under way may be older than what the asker wants to know
    return;
  }
  list();
}

void RuntimeCache::set_busy(bool busy) {
  if (busy == busy_) return;
  busy_ = busy;
  if (busy_ && !listing_) timer_.arm(context_.options.relist_period);
}

void RuntimeCache::list() {
  listing_ = true;
  again_ = false;
  const uint64_t asked = ++context_.sequence;
  context_.runtime.list(lifetime_.guard(
      [this, asked](Result<RuntimeState> answer) { on_answer(std::move(answer), asked); }));
}

void RuntimeCache::on_answer(Result<RuntimeState> answer, uint64_t asked) {
  listing_ = false;
  if (!answer.ok()) {
    on_failure(answer.error());
    return;
  }
  failures_ = 0;
  if (!healthy_ || !reported_) {
    healthy_ = reported_ = true;
    on_health_(true);
  }
  present_ = !answer->sandboxes.empty() || !answer->containers.empty();
  distribute(*answer, asked);
  if (listing_) return;  // a receiver has asked again
  if (again_) {
    list();
  } else if (busy_ || present_) {
    timer_.arm(context_.options.relist_period);
  } else {
    timer_.disarm();
  }
}

void RuntimeCache::on_failure(const Error& error) {
  const Instant now = context_.loop.now();
  if (failures_++ == 0) failing_since_ = reported_ ? now : failing_since_;
  if (!reported_ || (healthy_ && now - failing_since_ >= kUnhealthyAfter)) {
    context_.log.warning("runtime not answering",
                         {{"node", context_.options.node_name}, {"why", error.message}});
    healthy_ = false;
    reported_ = true;
    on_health_(false);
  }
  timer_.arm(backoff_after(failures_, 100ms, 2s));
}

void RuntimeCache::distribute(const RuntimeState& state, uint64_t asked) {
  Sightings sightings;
  for (const SandboxInfo& info : state.sandboxes) {
    sightings[info.pod_uid].sandboxes.push_back(&info);
  }
  for (const ContainerInfo& info : state.containers) {
    sightings[info.pod_uid].containers.push_back(&info);
  }
  on_listed_(sightings, asked);
}

}  // namespace keelson::agent
