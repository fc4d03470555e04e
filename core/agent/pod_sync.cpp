// Keeping the API's status of a pod equal to what is known, and the final DELETE. One write per pod
// is under way at a time, each based on the newest object seen and refused by the server if there
// is a newer one. What counts is the API's status, not what was sent last: k8s#82494.
#include "core/agent/backoff.hpp"
#include "core/agent/pod_worker.hpp"
#include "core/agent/status.hpp"
#include "core/api/canonical.hpp"

namespace keelson::agent {

namespace {
constexpr Duration kSyncRetryFirst = 100ms;
constexpr Duration kSyncRetryMost = 10s;
// So often the last status of a deleted pod is tried before the object goes without it.
constexpr uint32_t kLastWords = 8;
// So long may it take to clean up after the processes of a deleted service pod without a word.
constexpr Duration kFarewell = 1s;
// The same claim again within this time means that somebody else keeps changing the status, or that
// the server does not take it as it is: such writes back off. GUARANTEES GL-1.
constexpr Duration kSameClaim = 30s;
}  // namespace

// Sends the status if it is due; else answers when it will be.
Instant PodWorker::sync_status(Instant now) {
  if (!state_.pod || state_.ending == Ending::gone || state_.object_deleted) return {};
  if (writing_status_ || state_.deleting_object) return {};
  if (state_.held || (!state_.runtime_known && !state_.rejected)) return {};
  const api::PodStatus& current = state_.pod->status();
  const bool urgent = summarize(state_, current) != summarize(current);
  if (!urgent && !dirty_) return {};
  Instant due = urgent ? now : dirty_since_ + context_.options.pod_status_delay;
  // A deleted service pod whose processes have ended is about to go. Only if that takes long does
  // the API have to hear that it does not serve any more.
  if (urgent && state_.ending == Ending::deleted && restart_policy(state_) == "Always" &&
      !processes_alive(state_)) {
    if (!dirty_) dirty_since_ = now;
    dirty_ = true;
    due = dirty_since_ + kFarewell;
  }
  due = std::max(due, status_retry_at_);
  if (due > now) return due;
  dirty_ = false;
  const StatusFacts facts{.host_ip = context_.options.address,
                          .container_id_prefix = context_.options.container_id_prefix,
                          .wall = context_.loop.wall_now()};
  api::PodStatus wanted = compute_status(state_, current, facts);
  if (api::same(wanted, current)) return {};
  pace_status(now, wanted);
  send_status(std::move(wanted));
  return {};
}

void PodWorker::pace_status(Instant now, const api::PodStatus& status) {
  const StatusSummary claim = summarize(status);
  const bool again = claimed_phase_ == claim.phase && claimed_ready_ == claim.ready &&
                     now - claimed_at_ < kSameClaim;
  repeats_ = again ? repeats_ + 1 : 0;
  claimed_at_ = now;
  claimed_phase_ = claim.phase;
  claimed_ready_ = claim.ready;
  if (repeats_ > 0) status_retry_at_ = now + backoff_after(repeats_, kSyncRetryFirst, kSyncRetryMost);
}

void PodWorker::send_status(api::PodStatus status) {
  writing_status_ = true;
  auto pod = std::make_shared<api::Pod>(*state_.pod);
  *pod->mutable_status() = std::move(status);
  const auto object =
      std::make_shared<const api::Object>(api::Kind::pods, std::move(pod), state_.pod.revision());
  api::Request request = context_.sign(api::update_status(object));
  request.expected.uid = state_.uid;
  context_.api.call(std::move(request), then([](PodWorker& w, api::Response response) {
                      w.on_status_answer(std::move(response));
                    }));
}

void PodWorker::retry_status_after(const api::ApiError& error) {
  const Duration wait = backoff_after(++status_failures_, kSyncRetryFirst, kSyncRetryMost);
  const Duration asked = std::chrono::seconds(error.retry_after_seconds);
  status_retry_at_ = context_.loop.now() + std::max(wait, asked);
  if (!dirty_) {
    dirty_ = true;
    dirty_since_ = context_.loop.now();
  }
}

void PodWorker::on_status_answer(api::Response response) {
  writing_status_ = false;
  switch (response.error.reason) {
    case api::Reason::none:
      status_failures_ = 0;
      if (response.object) on_object(response.object);
      step();
      return;
    case api::Reason::conflict:
    case api::Reason::unknown_outcome:
      retry_status_after(response.error);
      read_back();
      return;
    case api::Reason::not_found:
      // The watch will tell; until then there is nobody to report to.
      retry_status_after(response.error);
      status_retry_at_ = context_.loop.now() + kSyncRetryMost;
      step();
      return;
    case api::Reason::invalid:
      context_.log.warning("pod status refused",
                           {{"pod", describe(state_)}, {"why", response.error.message}});
      [[fallthrough]];
    default:
      retry_status_after(response.error);
      step();
      return;
  }
}

// Learns what is true before writing again.
void PodWorker::read_back() {
  writing_status_ = true;
  context_.api.call(context_.sign(api::get(api::Kind::pods, state_.pod.ns(), state_.pod.name())),
                    then([](PodWorker& w, api::Response response) {
                      w.writing_status_ = false;
                      if (response.ok() && response.object) w.on_object(response.object);
                      w.step();
                    }));
}

void PodWorker::delete_object() {
  if (writing_status_) return;  // its answer brings us back
  const Instant now = context_.loop.now();
  if (restart_policy(state_) != "Always" && !state_.rejected) {
    // How it ended is the last thing that its owner (a job, say) can learn.
    const api::PodStatus& current = state_.pod->status();
    if (status_failures_ < kLastWords && summarize(state_, current) != summarize(current)) {
      dirty_ = true;
      dirty_since_ = std::min(dirty_since_, now);
      return;  // sync_status sends it at the end of this step
    }
  }
  state_.deleting_object = true;
  api::Request request = context_.sign(api::remove(state_.pod.object()));
  request.expected.uid = state_.uid;  // never a successor of the same name: NA-3
  request.expected.revision.reset();
  request.grace_period_seconds = 0;
  context_.api.call(std::move(request), then([](PodWorker& w, api::Response response) {
                      w.on_delete_answer(response);
                    }));
}

void PodWorker::on_delete_answer(const api::Response& response) {
  state_.deleting_object = false;
  switch (response.error.reason) {
    case api::Reason::none:
    case api::Reason::not_found: state_.object_deleted = true; break;
    case api::Reason::conflict:
      // Another incarnation has the name, or the server was busy with the object: a look tells.
      state_.deleting_object = true;
      context_.api.call(
          context_.sign(api::get(api::Kind::pods, state_.pod.ns(), state_.pod.name())),
          then([](PodWorker& w, api::Response answer) {
            w.state_.deleting_object = false;
            const bool other = answer.ok() && answer.object && answer.object->uid() != w.state_.uid;
            w.state_.object_deleted = other || answer.error.reason == api::Reason::not_found;
            w.state_.delete_retry_at =
                w.context_.loop.now() +
                backoff_after(++w.state_.delete_failures, kSyncRetryFirst, kSyncRetryMost);
            w.step();
          }));
      return;
    default:
      state_.delete_retry_at =
          context_.loop.now() + backoff_after(++state_.delete_failures, kSyncRetryFirst, kSyncRetryMost);
      break;
  }
  step();
}

}  // namespace keelson::agent
