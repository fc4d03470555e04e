#include "runtime/cri/lister.hpp"

#include "runtime/loop/asio_loop.hpp"

namespace keelson::cri {

namespace {

// After an agent's restart each container is asked about: not all at once.
constexpr int kStatusCallsMax = 16;
// How long the runtime may claim that a container runs whose process is gone.
constexpr Duration kLostAfter = 10s;
constexpr int32_t kUnknownExit = 137;

}  // namespace

struct Lister::Run {
  std::vector<Done<agent::RuntimeState>> asked_by;
  uint64_t asked = 0;  // Inventory::sequence()
  wire::ListPodSandboxResponse sandboxes;
  wire::ListContainersResponse containers;
  std::vector<std::string> sandboxes_left, containers_left;
  int under_way = 0;
  Status failed;
};

Lister::Lister(runtime::AsioLoop& loop, Log& log, Client& client, const CriOptions& options,
               Inventory& inventory, const PodFiles& files, std::function<void()> on_listed)
    : loop_(loop),
      log_(log),
      client_(client),
      options_(options),
      inventory_(inventory),
      files_(files),
      on_listed_(std::move(on_listed)),
      watch_(loop, [this] {
        if (hint_) hint_();
      }) {}

void Lister::list(Done<agent::RuntimeState> done) {
  waiting_.push_back(std::move(done));
  if (!listing_) begin();
}

void Lister::look_at(const std::string& id) {
  wire::ContainerStatusRequest request;
  request.set_container_id(id);
  request.set_verbose(true);
  client_.read<wire::ContainerStatusResponse>(
      "ContainerStatus", request, [this, id](Result<wire::ContainerStatusResponse> answer) {
        if (!answer.ok()) return;
        if (answer->status().state() == wire::CONTAINER_RUNNING) {
          watch_.watch(id, pid_of(*answer));
        } else if (hint_) {
          hint_();
        }
      });
}

void Lister::begin() {
  listing_ = true;
  auto run = std::make_shared<Run>();
  run->asked_by = std::move(waiting_);
  waiting_.clear();
  run->asked = inventory_.sequence();
  run->under_way = 2;
  wire::ListPodSandboxRequest sandboxes;
  (*sandboxes.mutable_filter()->mutable_label_selector())[kLabelNode] = options_.node;
  client_.read<wire::ListPodSandboxResponse>(
      "ListPodSandbox", sandboxes, [this, run](Result<wire::ListPodSandboxResponse> answer) {
        if (answer.ok())
          run->sandboxes = std::move(*answer);
        else
          run->failed = answer.error();
        on_lists(run);
      });
  wire::ListContainersRequest containers;
  (*containers.mutable_filter()->mutable_label_selector())[kLabelNode] = options_.node;
  client_.read<wire::ListContainersResponse>(
      "ListContainers", containers, [this, run](Result<wire::ListContainersResponse> answer) {
        if (answer.ok())
          run->containers = std::move(*answer);
        else
          run->failed = answer.error();
        on_lists(run);
      });
}

void Lister::on_lists(const RunPtr& run) {
  if (--run->under_way > 0) return;
  if (!run->failed.ok()) return end(run, run->failed.error());
  inventory_.take(run->sandboxes, run->containers, run->asked);
  run->sandboxes_left = inventory_.sandboxes_to_ask();
  run->containers_left = inventory_.containers_to_ask();
  ask_next(run);
}

void Lister::ask_next(const RunPtr& run) {
  while (run->under_way < kStatusCallsMax && run->failed.ok()) {
    auto& left = run->sandboxes_left.empty() ? run->containers_left : run->sandboxes_left;
    if (left.empty()) break;
    const std::string id = std::move(left.back());
    left.pop_back();
    ++run->under_way;
    if (&left == &run->sandboxes_left)
      ask_sandbox(run, id);
    else
      ask_container(run, id);
  }
  if (run->under_way == 0) finish(run);
}

void Lister::ask_sandbox(const RunPtr& run, const std::string& id) {
  wire::PodSandboxStatusRequest request;
  request.set_pod_sandbox_id(id);
  client_.read<wire::PodSandboxStatusResponse>(
      "PodSandboxStatus", request, [this, run, id](Result<wire::PodSandboxStatusResponse> answer) {
        if (answer.ok()) inventory_.learn(answer->status(), options_.address);
        if (answer.code() == Code::not_found) inventory_.forget_sandbox(id);
        on_status(run, answer.ok() ? Status() : Status(answer.error()));
      });
}

void Lister::ask_container(const RunPtr& run, const std::string& id) {
  wire::ContainerStatusRequest request;
  request.set_container_id(id);
  const KnownContainer* known = inventory_.container(id);
  request.set_verbose(known && known->info.state == agent::ContainerState::running);
  client_.read<wire::ContainerStatusResponse>(
      "ContainerStatus", request, [this, run, id](Result<wire::ContainerStatusResponse> answer) {
        if (answer.ok()) {
          inventory_.learn(*answer);
          KnownContainer* asked = inventory_.container(id);
          if (asked && asked->info.state == agent::ContainerState::exited) read_message(*asked);
        }
        if (answer.code() == Code::not_found) inventory_.forget_container(id);
        on_status(run, answer.ok() ? Status() : Status(answer.error()));
      });
}

void Lister::on_status(const RunPtr& run, const Status& status) {
  --run->under_way;
  // What went between the list and the question is simply not there any more.
  if (!status.ok() && status.code() != Code::not_found) run->failed = status;
  ask_next(run);
}

// The file first, then what the runtime had to say, then the log if the container asks for it.
void Lister::read_message(KnownContainer& known) const {
  agent::ContainerInfo& info = known.info;
  std::string written = files_.termination_message(info.pod_uid, info.name, info.attempt);
  const bool from_log =
      written.empty() && info.exit_code != 0 && known.message_policy == "FallbackToLogsOnError";
  if (from_log) written = files_.log_tail(known.pod, info.name, info.attempt);
  if (!written.empty()) info.message = std::move(written);
}

void Lister::finish(const RunPtr& run) {
  if (!run->failed.ok()) return end(run, run->failed.error());
  watch_exits();
  on_listed_();
  end(run, inventory_.state());
}

void Lister::end(const RunPtr& run, const Result<agent::RuntimeState>& result) {
  listing_ = false;
  // Whoever is called may ask again, or be the end of all this.
  const std::weak_ptr<char> alive = alive_;
  for (Done<agent::RuntimeState>& done : run->asked_by) {
    if (alive.expired()) return;
    done(result);
  }
  if (!alive.expired() && !listing_ && !waiting_.empty()) begin();
}

void Lister::watch_exits() {
  std::set<std::string> running;
  for (const auto& [id, known] : inventory_.containers()) {
    if (known.info.state != agent::ContainerState::running) continue;
    running.insert(id);
    watch_.watch(id, known.pid);
    if (known.lost && !known.ending) end_lost(id);
    const std::optional<Instant> gone = watch_.gone_since(id);
    if (!gone || loop_.now() - *gone < kLostAfter) continue;
    // The runtime has missed the end (containerd#10390). How it ended nobody knows.
    KnownContainer& lost = *inventory_.container(id);
    lost.info.state = agent::ContainerState::exited;
    lost.info.exit_code = kUnknownExit;
    lost.info.reason = "ContainerStatusUnknown";
    lost.info.message = "The container's process has ended, but containerd does not know how";
    lost.info.finished_at = loop_.wall_now() + -(loop_.now() - *gone);
  }
  watch_.keep_only(running);
}

// A container that the runtime does not understand any more can only be stopped, and must be before
// another may take its place (GUARANTEES NA-1).
void Lister::end_lost(const std::string& id) {
  log_.warning("container unknown to the runtime", {{"node", options_.node}, {"container", id}});
  inventory_.container(id)->ending = true;
  wire::StopContainerRequest request;
  request.set_container_id(id);
  client_.change<wire::StopContainerResponse>(
      "StopContainer", request, [this, id](Result<wire::StopContainerResponse>) {
        if (KnownContainer* known = inventory_.container(id)) known->ending = false;
      });
}

}  // namespace keelson::cri
