#include "sim/engine/process.hpp"

namespace keelson::sim {

Process::Process(Engine& engine, uint32_t id, std::string name)
    : engine_(engine), name_(std::move(name)), local_at_rate_(Instant{} + kMonotonicStart) {
  actor_.id = id;
}

Process::~Process() {
  if (alive_) kill();
}

Instant Process::now() const {
  const Duration passed = engine_.now() - rate_since_;
  if (rate_ppm_ == 1'000'000) return local_at_rate_ + passed;
  return local_at_rate_ + Duration{static_cast<int64_t>(static_cast<__int128>(passed.count()) *
                                                        rate_ppm_ / 1'000'000)};
}

WallTime Process::wall_now() const {
  return engine_.epoch() + (now().time_since_epoch() - kMonotonicStart + wall_offset_);
}

Duration Process::to_true(Duration local) const {
  if (rate_ppm_ == 1'000'000) return local;
  // Rounded up: by the process's own clock a timer never fires early. One that did would find that its
  // time has not come, arm the rest again, and with a fast clock that rest may be no true time at all.
  const __int128 millionths = static_cast<__int128>(local.count()) * 1'000'000;
  return Duration{static_cast<int64_t>((millionths + rate_ppm_ - 1) / rate_ppm_)};
}

void Process::set_clock_rate(int64_t ppm) {
  KEELSON_ASSERT(ppm > 0);
  local_at_rate_ = now();
  rate_since_ = engine_.now();
  rate_ppm_ = ppm;
}

TimerId Process::timer_create(Callback<void()> on_fire) {
  uint32_t slot;
  if (free_timers_.empty()) {
    slot = static_cast<uint32_t>(timers_.size());
    timers_.emplace_back();
  } else {
    slot = free_timers_.back();
    free_timers_.pop_back();
  }
  timers_[slot].on_fire = std::move(on_fire);
  timers_[slot].live = true;
  return {slot, timers_[slot].generation};
}

void Process::timer_arm(TimerId timer, Duration after) {
  TimerSlot& slot = timers_[timer.slot];
  KEELSON_ASSERT(slot.live && slot.generation == timer.generation);
  engine_.cancel(slot.event);
  slot.event = engine_.schedule(to_true(after), actor_,
                                [this, timer] { fire(timer.slot, timer.generation); });
}

void Process::fire(uint32_t index, uint32_t generation) {
  if (index >= timers_.size()) return;
  TimerSlot& slot = timers_[index];
  if (!slot.live || slot.generation != generation) return;
  slot.event = {};
  Callback<void()> on_fire = std::move(slot.on_fire);
  on_fire();
  // The callback may have killed the process, destroyed the timer, or made the vector grow.
  if (index >= timers_.size()) return;
  TimerSlot& again = timers_[index];
  if (again.generation != generation) return;
  again.on_fire = std::move(on_fire);
}

void Process::timer_disarm(TimerId timer) {
  if (timer.slot >= timers_.size()) return;
  TimerSlot& slot = timers_[timer.slot];
  if (!slot.live || slot.generation != timer.generation) return;
  engine_.cancel(slot.event);
  slot.event = {};
}

bool Process::timer_pending(TimerId timer) const {
  return timer.slot < timers_.size() && timers_[timer.slot].generation == timer.generation &&
         timers_[timer.slot].event.generation != 0;
}

void Process::timer_destroy(TimerId timer) {
  if (timer.slot >= timers_.size()) return;  // the process was killed before its component
  TimerSlot& slot = timers_[timer.slot];
  if (!slot.live || slot.generation != timer.generation) return;
  engine_.cancel(slot.event);
  slot.event = {};
  slot.on_fire.reset();
  slot.live = false;
  ++slot.generation;
  free_timers_.push_back(timer.slot);
}

void Process::post(Callback<void()> work) {
  engine_.schedule(Duration::zero(), actor_, std::move(work));
}

void Process::deliver(Duration after, Callback<void()> work) {
  if (alive_) engine_.schedule(after, actor_, std::move(work));
}

void Process::start() {
  KEELSON_ASSERT(!alive_);
  alive_ = true;
}

void Process::kill() {
  KEELSON_ASSERT(alive_);
  alive_ = false;
  ++actor_.life;  // nothing scheduled so far runs any more
  actor_.paused = false;
  actor_.deferred.clear();
  for (uint32_t i = 0; i < timers_.size(); ++i) {
    if (timers_[i].live) timer_destroy({i, timers_[i].generation});
  }
}

void Process::pause() {
  KEELSON_ASSERT(alive_);
  actor_.paused = true;
}

void Process::resume() {
  if (!actor_.paused) return;
  actor_.paused = false;
  std::vector<Callback<void()>> work = std::move(actor_.deferred);
  actor_.deferred.clear();
  const uint32_t life = actor_.life;
  for (auto& item : work) {
    if (actor_.life != life) return;
    if (actor_.paused) {
      actor_.deferred.push_back(std::move(item));
    } else {
      item();
    }
  }
}

}  // namespace keelson::sim
