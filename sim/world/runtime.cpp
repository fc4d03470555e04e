#include "sim/world/runtime.hpp"

#include <algorithm>

#include "sim/inside/program.hpp"

namespace keelson::sim {

using agent::ContainerInfo;
using agent::ContainerState;
using agent::RuntimeState;
using agent::SandboxInfo;

SimRuntime::SimRuntime(Engine& engine, Process& host, Process& agent, Rng rng, RuntimeModel& model,
                       std::string node, uint32_t number, GroundTruthObserver* observer)
    : engine_(engine),
      host_(host),
      agent_(agent),
      rng_(rng),
      model_(model),
      node_(std::move(node)),
      number_(number),
      observer_(observer) {}

void SimRuntime::later(Duration after, Callback<void()> then) {
  host_.deliver(after, std::move(then));
}

template <class T>
void SimRuntime::answer(Duration after, Done<T> done, Result<T> result) {
  later(after, [this, life = agent_.incarnation(),
                held = std::make_unique<std::pair<Done<T>, Result<T>>>(std::move(done),
                                                                       std::move(result))]() mutable {
    if (agent_.incarnation() != life) return;
    agent_.deliver(Duration::zero(), [held = std::move(held)]() mutable {
      held->first(std::move(held->second));
    });
  });
}

SimRuntime::Container* SimRuntime::find(const agent::ContainerId& id) {
  for (auto& container : containers_) {
    if (container->info.id == id) return container.get();
  }
  return nullptr;
}

void SimRuntime::hint() {
  if (!hint_ || !agent_.alive()) return;
  agent_.deliver(1ms, [this] {
    if (hint_) hint_();
  });
}

void SimRuntime::list(Done<RuntimeState> done) {
  // The state is read when the answer leaves, not when the question came.
  later(call_time(), [this, life = agent_.incarnation(), done = std::move(done)]() mutable {
    if (agent_.incarnation() != life) return;
    auto state = std::make_unique<RuntimeState>();
    state->sandboxes = sandboxes_;
    for (const auto& container : containers_) state->containers.push_back(container->info);
    std::sort(state->sandboxes.begin(), state->sandboxes.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    std::sort(state->containers.begin(), state->containers.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    agent_.deliver(Duration::zero(),
                   [done = std::make_unique<Done<RuntimeState>>(std::move(done)),
                    state = std::move(state)]() mutable { (*done)(std::move(*state)); });
  });
}

void SimRuntime::list_images(Done<std::vector<api::ContainerImage>> done) {
  std::vector<api::ContainerImage> images;
  for (const std::string& name : images_) {
    api::ContainerImage& image = images.emplace_back();
    image.add_names(name);
    image.set_size_bytes(static_cast<int64_t>(20 + hash_bytes(name) % 200) * 1024 * 1024);
  }
  answer<std::vector<api::ContainerImage>>(call_time(), std::move(done), std::move(images));
}

void SimRuntime::pull_image(agent::ImagePull pull, Done<std::string> done) {
  const std::string image = std::move(pull.image);
  const ImageBehaviour& behaviour = model_.behaviour(image);
  if (behaviour.missing) {
    answer<std::string>(call_time() * 10, std::move(done),
                        Error{Code::not_found, "failed to resolve reference \"" + image +
                                                   "\": not found"});
    return;
  }
  if (model_.pull_failure_ppm != 0 && rng_.chance(model_.pull_failure_ppm, 1'000'000)) {
    ++model_.fired.pull_failures;
    answer<std::string>(call_time() * 10, std::move(done),
                        Error{Code::unavailable, "failed to pull \"" + image +
                                                     "\": the registry does not answer"});
    return;
  }
  const auto at = std::lower_bound(images_.begin(), images_.end(), image);
  const bool present = at != images_.end() && *at == image;
  const std::string id = "sha256:" + image;
  if (present) {
    answer<std::string>(call_time(), std::move(done), id);
    return;
  }
  // Between half and one and a half times the usual: registries and disks vary.
  const Duration takes = rng_.between(behaviour.pull / 2, behaviour.pull * 3 / 2);
  later(takes, [this, image, done = std::move(done)]() mutable {
    const auto at = std::lower_bound(images_.begin(), images_.end(), image);
    if (at == images_.end() || *at != image) images_.insert(at, image);
    answer<std::string>(Duration::zero(), std::move(done), "sha256:" + image);
  });
}

void SimRuntime::remove_image(std::string image, Done<Unit> done) {
  std::erase(images_, image);
  answer<Unit>(call_time(), std::move(done), Unit{});
}

void SimRuntime::run_sandbox(agent::SandboxSpec spec, Done<SandboxInfo> done) {
  later(rng_.between(model_.sandbox_min, model_.sandbox_max),
        [this, spec = std::make_unique<agent::SandboxSpec>(std::move(spec)),
         done = std::move(done)]() mutable {
          SandboxInfo& sandbox = sandboxes_.emplace_back();
          sandbox.id = "sb-" + std::to_string(next_id_++);
          sandbox.pod_uid = spec->pod_uid;
          sandbox.pod_ns = spec->pod_ns;
          sandbox.pod_name = spec->pod_name;
          sandbox.attempt = spec->attempt;
          sandbox.ready = true;
          sandbox.created_at = agent_.wall_now();
          const std::string subnet =
              std::to_string(number_ / 256) + "." + std::to_string(number_ % 256) + ".";
          if (spec->host_network) {
            sandbox.ip = "172." + std::to_string(16 + number_ / 65536) + "." + subnet;
            sandbox.ip.pop_back();
          } else {
            // Addresses are used again soon, as a small subnet's are.
            for (;;) {
              sandbox.ip = "10." + subnet + std::to_string(next_address_);
              if (++next_address_ > 254) next_address_ = 2;
              const auto same = [&](const SandboxInfo& s) { return &s != &sandbox && s.ip == sandbox.ip; };
              if (sandboxes_.size() > 250 ||
                  std::none_of(sandboxes_.begin(), sandboxes_.end(), same)) {
                break;
              }
            }
          }
          answer<SandboxInfo>(Duration::zero(), std::move(done), sandbox);
        });
}

void SimRuntime::stop_sandbox(agent::SandboxId id, Done<Unit> done) {
  later(call_time(), [this, id = std::move(id), done = std::move(done)]() mutable {
    for (SandboxInfo& sandbox : sandboxes_) {
      if (sandbox.id == id) sandbox.ready = false;
    }
    answer<Unit>(Duration::zero(), std::move(done), Unit{});
  });
}

void SimRuntime::remove_sandbox(agent::SandboxId id, Done<Unit> done) {
  later(call_time(), [this, id = std::move(id), done = std::move(done)]() mutable {
    // As CRI has it: whatever still runs in the sandbox is ended with it.
    std::vector<agent::ContainerId> inside;
    for (auto& container : containers_) {
      if (container->info.sandbox == id) inside.push_back(container->info.id);
    }
    for (const auto& container : inside) exited(container, 137, "Error");
    std::erase_if(containers_, [&](const auto& c) { return c->info.sandbox == id; });
    std::erase_if(sandboxes_, [&](const SandboxInfo& s) { return s.id == id; });
    answer<Unit>(Duration::zero(), std::move(done), Unit{});
  });
}

void SimRuntime::create_container(agent::SandboxId sandbox, agent::ContainerSpec spec,
                                  Done<agent::ContainerId> done) {
  later(call_time(), [this, sandbox = std::move(sandbox),
                      spec = std::make_unique<agent::ContainerSpec>(std::move(spec)),
                      done = std::move(done)]() mutable {
    const bool known = std::any_of(sandboxes_.begin(), sandboxes_.end(),
                                   [&](const SandboxInfo& s) { return s.id == sandbox; });
    if (!known) {
      answer<agent::ContainerId>(Duration::zero(), std::move(done),
                                 Error{Code::not_found, "sandbox " + sandbox + " does not exist"});
      return;
    }
    auto container = std::make_unique<Container>();
    ContainerInfo& info = container->info;
    info.id = "c-" + std::to_string(next_id_++);
    info.sandbox = sandbox;
    info.pod_uid = spec->pod_uid;
    info.name = spec->name;
    info.image = spec->container != nullptr ? spec->container->image() : spec->image;
    info.image_id = spec->image;
    info.attempt = spec->attempt;
    info.init = spec->init;
    info.state = ContainerState::created;
    info.created_at = agent_.wall_now();
    const std::string id = info.id;
    if (model_.runs_commands && spec->container != nullptr &&
        !(spec->command.empty() && spec->args.empty() && spec->environment.empty())) {
      container->spec = std::move(spec);
    }
    containers_.push_back(std::move(container));
    answer<agent::ContainerId>(Duration::zero(), std::move(done), id);
  });
}

void SimRuntime::start_container(agent::ContainerId id, Done<Unit> done) {
  Container* container = find(id);
  if (container == nullptr) {
    answer<Unit>(call_time(), std::move(done),
                 Error{Code::not_found, "container " + id + " does not exist"});
    return;
  }
  const ImageBehaviour& behaviour = model_.behaviour(container->info.image);
  Duration takes = rng_.between(behaviour.start / 2, behaviour.start * 3 / 2);
  if (model_.slow_start_ppm != 0 && rng_.chance(model_.slow_start_ppm, 1'000'000)) {
    ++model_.fired.slow_starts;
    takes += model_.slow_start_by;
  }
  later(takes, [this, id = std::move(id), done = std::move(done)]() mutable {
    Container* container = find(id);
    if (container == nullptr || container->info.state != ContainerState::created) {
      answer<Unit>(Duration::zero(), std::move(done),
                   Error{Code::conflict, "container " + id + " cannot be started"});
      return;
    }
    const ImageBehaviour& behaviour = model_.behaviour(container->info.image);
    container->info.state = ContainerState::running;
    container->info.started_at = agent_.wall_now();
    container->serves_from = engine_.now() + behaviour.serves_after;
    if (observer_ != nullptr) observer_->container_started(node_, container->info);
    schedule_exit(*container, behaviour);
    if (container->spec) begin_program(*container);
    answer<Unit>(Duration::zero(), std::move(done), Unit{});
  });
}

void SimRuntime::schedule_exit(Container& container, const ImageBehaviour& behaviour) {
  const std::string id = container.info.id;
  if (behaviour.runs_for > Duration::zero()) {
    const int32_t code = behaviour.exit_code;
    later(behaviour.runs_for, [this, id, code] {
      Container* c = find(id);
      if (c == nullptr || c->info.state != ContainerState::running) return;
      exited(id, code, code == 0 ? "Completed" : "Error");
      hint();
    });
  }
  if (behaviour.crash_mean > Duration::zero()) {
    later(rng_.exponential(behaviour.crash_mean), [this, id] {
      Container* c = find(id);
      if (c == nullptr || c->info.state != ContainerState::running) return;
      exited(id, 1, "Error");
      hint();
    });
  }
}

void SimRuntime::stop_container(agent::ContainerId id, Duration grace, Done<Unit> done) {
  Container* container = find(id);
  if (container == nullptr || container->info.state != ContainerState::running) {
    if (container != nullptr && container->info.state == ContainerState::created) {
      exited(id, 137, "Error");
    }
    answer<Unit>(call_time(), std::move(done), Unit{});
    return;
  }
  const ImageBehaviour& behaviour = model_.behaviour(container->info.image);
  const uint32_t life = agent_.incarnation();
  if (container->waiters_life != life) container->stop_waiters.clear();
  container->waiters_life = life;
  container->stop_waiters.push_back(std::move(done));
  const bool polite = behaviour.drains_for <= grace;
  const Duration takes = polite ? behaviour.drains_for : std::max(grace, Duration::zero());
  container->stopping = true;
  later(takes + 1ms, [this, id = std::move(id), polite] {
    Container* c = find(id);
    if (c == nullptr || c->info.state != ContainerState::running) return;
    exited(id, polite ? 0 : 137, polite ? "Completed" : "Error");
    hint();
  });
}

void SimRuntime::exited(const agent::ContainerId& id, int32_t code, std::string reason) {
  Container* container = find(id);
  KEELSON_ASSERT(container != nullptr);
  if (container->info.state == ContainerState::exited) return;
  const bool ran = container->info.state == ContainerState::running;
  container->info.state = ContainerState::exited;
  container->info.exit_code = code;
  container->info.reason = std::move(reason);
  container->info.finished_at = agent_.wall_now();
  if (container->program) {
    container->info.message =
        termination_message(*container->spec->container, *container->program, files_of(*container),
                            engine_.now() - container->program_from, code);
  }
  if (ran && observer_ != nullptr) observer_->container_stopped(node_, container->info);
  auto waiters = std::move(container->stop_waiters);
  container->stop_waiters.clear();
  if (container->waiters_life != agent_.incarnation()) return;
  for (auto& waiter : waiters) answer<Unit>(Duration::zero(), std::move(waiter), Unit{});
}

void SimRuntime::remove_container(agent::ContainerId id, Done<Unit> done) {
  later(call_time(), [this, id = std::move(id), done = std::move(done)]() mutable {
    if (find(id) != nullptr) exited(id, 137, "Error");
    std::erase_if(containers_, [&](const auto& c) { return c->info.id == id; });
    answer<Unit>(Duration::zero(), std::move(done), Unit{});
  });
}

void SimRuntime::probe(agent::ContainerId id, const api::Probe& probe,
                       Done<agent::ProbeAnswer> done) {
  Container* container = find(id);
  const bool runs = container != nullptr && container->info.state == ContainerState::running;
  if (runs && runs_probe(*container, probe)) return run_probe(*container, probe, std::move(done));
  agent::ProbeAnswer said;
  if (!runs || container->serves_from > engine_.now()) {
    said.result = agent::ProbeResult::failure;
    said.output = why_it_failed(probe, container, runs);
  } else if (std::string illness = illness_of(*container, probe); !illness.empty()) {
    said.result = agent::ProbeResult::failure;
    said.output = std::move(illness);
  }
  answer<agent::ProbeAnswer>(rng_.between(1ms, 5ms), std::move(done), std::move(said));
}

// As kubelet words it. What runs but does not serve yet says so over HTTP and gRPC and refuses bare
// connections.
std::string SimRuntime::why_it_failed(const api::Probe& probe, const Container* container,
                                      bool runs) const {
  const api::ProbeHandler& handler = probe.handler();
  if (handler.has_exec()) return runs ? "not serving yet" : "container is not running";
  if (handler.has_http_get() && runs) return "HTTP probe failed with statuscode: 503";
  if (handler.has_grpc() && runs) return "service unhealthy (responded with \"NOT_SERVING\")";
  std::string to = ":";
  for (const SandboxInfo& sandbox : sandboxes_) {
    if (container != nullptr && sandbox.id == container->info.sandbox) to = sandbox.ip + ":";
  }
  if (handler.has_grpc()) {
    to += std::to_string(handler.grpc().port());
  } else {
    const auto& port =
        handler.has_http_get() ? handler.http_get().port() : handler.tcp_socket().port();
    to += port.str_val().empty() ? std::to_string(port.int_val()) : port.str_val();
  }
  return "dial tcp " + to + ": connect: connection refused";
}

void SimRuntime::run_hook(agent::ContainerId, const api::LifecycleHandler& hook,
                          Done<Unit> done) {
  // A sleep takes its time, whether written as the sleep action or as a command.
  Duration takes = 10ms;
  if (hook.has_sleep()) {
    takes = std::chrono::seconds(hook.sleep().seconds());
  } else if (hook.exec().command_size() > 0) {
    const auto& command = hook.exec().command();
    const std::string& last = command[command.size() - 1];
    const auto digits = last.find_last_not_of("0123456789");
    const std::string number = digits == std::string::npos ? last : last.substr(digits + 1);
    if (last.find("sleep") != std::string::npos || (command.size() > 1 && command[0] == "sleep")) {
      if (!number.empty() && number.size() < 6) takes = std::chrono::seconds(std::stoi(number));
    }
  }
  answer<Unit>(takes, std::move(done), Unit{});
}

void SimRuntime::power_off() {
  for (auto& container : containers_) {
    if (container->info.state == ContainerState::running) {
      exited(container->info.id, 137, "Error");
    } else if (container->info.state == ContainerState::created) {
      container->info.state = ContainerState::exited;
      container->info.exit_code = 137;
      container->info.reason = "Error";
    }
  }
  for (SandboxInfo& sandbox : sandboxes_) sandbox.ready = false;
  hint_.reset();
}

bool SimRuntime::crash_one(Rng& rng, int32_t exit_code) {
  std::vector<std::string> running;
  for (const auto& container : containers_) {
    if (container->info.state == ContainerState::running) running.push_back(container->info.id);
  }
  if (running.empty()) return false;
  exited(running[rng.below(running.size())], exit_code, exit_code == 137 ? "OOMKilled" : "Error");
  hint();
  return true;
}

std::size_t SimRuntime::running() const {
  return static_cast<std::size_t>(
      std::count_if(containers_.begin(), containers_.end(), [](const auto& c) {
        return c->info.state == ContainerState::running;
      }));
}

bool SimRuntime::serves(const std::string& ip) const {
  // A process that has been told to stop finishes what is open and accepts nothing new.
  for (const SandboxInfo& sandbox : sandboxes_) {
    if (!sandbox.ready || sandbox.ip != ip) continue;
    for (const auto& container : containers_) {
      if (container->info.sandbox == sandbox.id && !container->info.init &&
          container->info.state == ContainerState::running && !container->stopping &&
          container->serves_from <= engine_.now()) {
        return true;
      }
    }
  }
  return false;
}

const ContainerInfo* SimRuntime::container(const agent::ContainerId& id) const {
  for (const auto& container : containers_) {
    if (container->info.id == id) return &container->info;
  }
  return nullptr;
}

const ContainerInfo* SimRuntime::container_of(const std::string& pod_uid, const std::string& name,
                                              uint32_t before) const {
  // They stand in the order in which they were created.
  for (auto it = containers_.rbegin(); it != containers_.rend(); ++it) {
    const ContainerInfo& info = (*it)->info;
    if (info.pod_uid == pod_uid && info.name == name && before-- == 0) return &info;
  }
  return nullptr;
}

std::optional<std::string> SimRuntime::address_of(const std::string& pod_uid) const {
  for (const SandboxInfo& sandbox : sandboxes_) {
    if (sandbox.pod_uid == pod_uid && sandbox.ready) return sandbox.ip;
  }
  return std::nullopt;
}

void SimRuntime::end_process(const agent::ContainerId& id, int32_t exit_code) {
  const Container* container = find(id);
  if (container == nullptr || container->info.state != ContainerState::running) return;
  exited(id, exit_code, exit_code == 0 ? "Completed" : "Error");
  hint();
}

void SimRuntime::each_running(const std::function<void(const ContainerInfo&)>& visit) const {
  for (const auto& container : containers_) {
    if (container->info.state == ContainerState::running) visit(container->info);
  }
}

}  // namespace keelson::sim
