#include "runtime/node/local_log.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "runtime/cri/paths.hpp"

namespace keelson::node {

namespace {

// In one turn, before others have theirs.
constexpr std::size_t kTurnBytes = 64 * 1024;

// Names become parts of a path; the API server has checked them, but this is another machine.
bool plain(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

std::vector<uint32_t> attempts_in(const std::string& directory) {
  std::vector<uint32_t> attempts;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    uint32_t attempt = 0;
    const auto [stop, trouble] = std::from_chars(name.data(), name.data() + name.size(), attempt);
    if (trouble == std::errc() && std::string_view(stop) == ".log") attempts.push_back(attempt);
  }
  std::ranges::sort(attempts);
  return attempts;
}

// By what the API server knows, whether the container waits for its next start.
bool waits(const agent::ContainerRef& container) {
  const api::PodStatus& pod = container.pod->status();
  for (const auto* list : {&pod.container_statuses(), &pod.init_container_statuses()}) {
    for (const api::ContainerStatus& status : *list) {
      if (status.name() == container.container) return status.state().has_waiting();
    }
  }
  return false;
}

}  // namespace

std::optional<LogChoice> choose_log(const agent::RuntimeState& state,
                                    const agent::ContainerRef& container, bool previous,
                                    const std::vector<uint32_t>& attempts) {
  const agent::ContainerInfo* newest = nullptr;
  for (const agent::ContainerInfo& info : state.containers) {
    if (info.pod_uid != container.pod.uid() || info.name != container.container) continue;
    if (info.state == agent::ContainerState::created) continue;  // has said nothing yet
    if (newest == nullptr || info.attempt > newest->attempt) newest = &info;
  }
  if (newest == nullptr && attempts.empty()) return std::nullopt;
  const uint32_t current = newest != nullptr ? newest->attempt : attempts.back();
  const bool runs = newest != nullptr && newest->state == agent::ContainerState::running;
  // Between two starts the one that has ended is the current one and the previous one.
  if (!previous || (!runs && waits(container))) {
    return LogChoice{current, runs ? newest->id : agent::ContainerId()};
  }
  const auto before = std::ranges::lower_bound(attempts, current);
  if (before == attempts.begin()) return std::nullopt;
  return LogChoice{*std::prev(before), {}};
}

LocalLog::LocalLog(LogPlaces& places, agent::ContainerRef container, agent::LogOptions options,
                   agent::LogUser& user)
    : places_(places),
      container_(std::move(container)),
      options_(options),
      user_(user),
      timer_(places.loop, [this] { pump(); }) {
  places_.runtime.list([this, weak = std::weak_ptr<int>(here_)](Result<agent::RuntimeState> state) {
    if (weak.expired()) return;
    // Logs can be read while the runtime is away.
    open(state ? *state : agent::RuntimeState());
  });
}

LocalLog::~LocalLog() {
  stop_waiting();
}

void LocalLog::open(const agent::RuntimeState& state) {
  const api::Ref<api::Pod>& pod = container_.pod;
  const std::string what =
      "container \"" + container_.container + "\" in pod \"" + pod.name() + "\"";
  const auto missing = [&] {
    end({Code::not_found, options_.previous ? "previous terminated " + what + " not found"
                                            : what + " is not available"});
  };
  if (!plain(pod.ns()) || !plain(pod.name()) || !plain(pod.uid()) || !plain(container_.container)) {
    return missing();
  }
  const std::string directory =
      cri::pod_log_directory(places_.directory, {pod.uid(), pod.ns(), pod.name()});
  const std::string own = directory + "/" + container_.container;
  const auto choice = choose_log(state, container_, options_.previous, attempts_in(own));
  if (!choice) return missing();
  if (options_.follow && !choice->running.empty()) {
    running_ = choice->running;
    follow(own);  // before the first look, so that nothing is missed
  }
  const Status opened =
      reader_.open(directory + "/" + cri::container_log_path(container_.container, choice->attempt),
                   options_, places_.loop.wall_now());
  if (opened.code() == Code::not_found) return missing();
  if (!opened) return end(opened);
  open_ = true;
  const std::weak_ptr<int> here = here_;
  user_.on_open();
  if (!here.expired() && !paused_) timer_.arm(Duration::zero());
}

void LocalLog::follow(const std::string& directory) {
  changes_ = places_.directories.add(directory, [this] {
    if (open_ && !paused_) timer_.arm_by(Duration::zero());
  });
  run_ = places_.runs.add(running_, [this] {
    // Its last words are in the file by now.
    run_ = 0;
    running_.clear();
    if (open_ && !paused_) timer_.arm_by(Duration::zero());
  });
}

void LocalLog::pause(bool paused) {
  paused_ = paused;
  if (open_ && !over_ && !paused) timer_.arm(Duration::zero());
}

void LocalLog::pump() {
  if (paused_ || over_) return;
  const bool runs = !running_.empty();
  std::string text;
  Result<LogReader::State> state = LogReader::State::more;
  while (state && *state == LogReader::State::more && text.size() < kTurnBytes) {
    state = reader_.read(text);
  }
  const std::weak_ptr<int> here = here_;
  if (!text.empty()) user_.on_log(text);
  if (here.expired()) return;
  if (!state) return end(state.error());
  if (*state == LogReader::State::full) return end({});
  if (*state == LogReader::State::rest) {
    if (!runs) return end({});
    if (!paused_) timer_.arm_by(kLookEvery);
  } else if (!paused_) {
    timer_.arm(Duration::zero());
  }
}

void LocalLog::end(Status why) {
  over_ = true;
  stop_waiting();
  user_.on_log_end(std::move(why));
}

void LocalLog::stop_waiting() {
  timer_.disarm();
  if (changes_ != 0) places_.directories.remove(std::exchange(changes_, 0));
  if (run_ != 0) places_.runs.remove(std::exchange(run_, 0));
}

}  // namespace keelson::node
