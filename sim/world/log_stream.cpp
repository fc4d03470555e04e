#include "sim/world/log_stream.hpp"

#include "core/api/json.hpp"
#include "sim/world/container_streams.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

using agent::ContainerInfo;
using agent::ContainerState;

std::optional<ContainerInfo> find_now(const SimContainerStreams& streams,
                                      const agent::ContainerRef& container, bool previous) {
  const api::Pod& pod = *container.pod;
  if (const ContainerInfo* real = streams.node().runtime().container_of(
          pod.metadata().uid(), container.container, previous ? 1 : 0)) {
    return *real;
  }
  for (const auto* statuses : {&pod.status().container_statuses(), &pod.status().init_container_statuses()}) {
    for (const api::ContainerStatus& status : *statuses) {
      if (status.name() != container.container) continue;
      const bool last = previous || !status.state().has_terminated();
      const api::ContainerState& state = last ? status.last_state() : status.state();
      if (!state.has_terminated()) continue;
      ContainerInfo told;
      told.pod_uid = pod.metadata().uid();
      told.name = status.name();
      told.image = status.image();
      told.attempt = static_cast<uint32_t>(std::max(0, status.restart_count() - (last ? 1 : 0)));
      told.state = ContainerState::exited;
      told.exit_code = state.terminated().exit_code();
      told.reason = state.terminated().reason();
      told.started_at = api::to_wall(state.terminated().started_at());
      told.finished_at = api::to_wall(state.terminated().finished_at());
      return told;
    }
  }
  return std::nullopt;
}

SimLogStream::SimLogStream(SimContainerStreams& streams, agent::ContainerRef container,
                           agent::LogOptions options, agent::LogUser& user)
    : streams_(streams),
      container_(std::move(container)),
      options_(options),
      user_(user),
      bytes_left_(options.limit_bytes),
      timer_(streams.loop(), [this] { wake(); }) {
  timer_.arm(streams_.time_to_hear());
}

void SimLogStream::pause(bool paused) {
  paused_ = paused;
  if (!paused && open_) timer_.arm(Duration::zero());
}

void SimLogStream::wake() {
  if (!open_) return open();
  if (!paused_) pump();
}

void SimLogStream::open() {
  if (streams_.answers() != Answers::yes) {
    Error error = streams_.dial_error();
    error.message = "Get \"https://" + streams_.node().address() + ":10250/containerLogs/" +
                    container_.pod.ns() + "/" + container_.pod.name() + "/" + container_.container +
                    "\": " + error.message;
    return user_.on_log_end(error);
  }
  const auto found = find_now(streams_, container_, options_.previous);
  if (!found || (found->state == ContainerState::created)) {
    const std::string what = "container \"" + container_.container + "\" in pod \"" + container_.pod.name() + "\"";
    return user_.on_log_end({Code::not_found, options_.previous
                                                  ? "previous terminated " + what + " not found"
                                                  : what + " is not available"});
  }
  info_ = *found;
  open_ = true;
  const ContainerLog log(info_, *container_.pod, streams_.node().name(),
                         streams_.node().runtime().program(info_.id),
                         streams_.world().runtime_model().behaviour(info_.image).serves_after);
  const WallTime now = streams_.wall_now();
  const uint64_t count = log.count(now);
  if (options_.since_ago) next_ = log.first_since(now + -*options_.since_ago, now);
  if (options_.since) next_ = std::max(next_, log.first_since(*options_.since, now));
  if (options_.tail_lines) {
    const auto tail = static_cast<uint64_t>(*options_.tail_lines);
    next_ = std::max(next_, count - std::min(count, tail));
  }
  const std::weak_ptr<int> here = here_;
  user_.on_open();
  if (!here.expired() && !paused_) timer_.arm(Duration::zero());
}

void SimLogStream::pump() {
  if (streams_.answers() != Answers::yes) {
    // What runs goes on, but nobody brings it here.
    if (++silent_looks_ > kSilentLooksMax) return user_.on_log_end(streams_.dial_error());
    return timer_.arm(kLookEvery);
  }
  silent_looks_ = 0;
  if (info_.state == ContainerState::running) {
    if (const ContainerInfo* real = streams_.node().runtime().container(info_.id)) {
      info_ = *real;
    } else {
      info_.state = ContainerState::exited;  // and gone before anybody looked
      info_.finished_at = streams_.wall_now();
    }
  }
  const ContainerLog log(info_, *container_.pod, streams_.node().name(),
                         streams_.node().runtime().program(info_.id),
                         streams_.world().runtime_model().behaviour(info_.image).serves_after);
  const WallTime now = streams_.wall_now();
  const uint64_t count = log.count(now);
  std::string text;
  const uint64_t end = std::min(count, next_ + kLinesAtOnce);
  for (; next_ < end; ++next_) {
    const LogLine line = log.line(next_);
    if (options_.source == agent::LogSource::standard_output && line.error) continue;
    if (options_.source == agent::LogSource::standard_error && !line.error) continue;
    if (options_.timestamps) text += log_timestamp(line.at) + " ";
    text += line.text;
    if (!line.open) text += '\n';
  }
  bool full = false;
  if (bytes_left_) {
    full = static_cast<int64_t>(text.size()) >= *bytes_left_;
    if (full) text.resize(static_cast<std::size_t>(*bytes_left_));
    *bytes_left_ -= static_cast<int64_t>(text.size());
  }
  const std::weak_ptr<int> here = here_;
  if (!text.empty()) user_.on_log(text);
  if (here.expired()) return;
  const bool all = next_ >= count;
  if (full || (all && (!options_.follow || log.ended()))) return user_.on_log_end({});
  if (paused_) return;
  if (!all) return timer_.arm(Duration::zero());
  timer_.arm(kLookEvery);
}

SimAttachment::SimAttachment(SimContainerStreams& streams, agent::ContainerRef container,
                             agent::CommandUser& user)
    : streams_(streams),
      container_(std::move(container)),
      user_(user),
      timer_(streams.loop(), [this] {
        if (streams_.answers() != Answers::yes) return user_.on_exit(streams_.dial_error());
        const auto found = find_now(streams_, container_, false);
        if (!found || found->state != ContainerState::running) {
          return user_.on_exit(Error{Code::not_found, "container not found (\"" + container_.container + "\")"});
        }
        user_.on_open();
      }) {
  timer_.arm(streams_.time_to_hear());
}

void SimAttachment::start() {
  agent::LogOptions options;
  options.follow = true;
  // A container with an input is made to be attached to: whoever does sees all of it, however short.
  const std::optional<api::Container> spec =
      find_container(*container_.pod, container_.container);
  if (!spec || !spec->stdin()) options.tail_lines = 0;
  log_ = std::make_unique<SimLogStream>(streams_, container_, options, *this);
}

void SimAttachment::pause(bool paused) {
  if (log_) log_->pause(paused);
}

void SimAttachment::on_log_end(Status why) {
  if (!why.ok()) return user_.on_exit(why.error());
  const auto found = find_now(streams_, container_, false);
  user_.on_exit(found && found->state == ContainerState::exited ? found->exit_code : 0);
}

}  // namespace keelson::sim
