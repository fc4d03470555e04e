// A container runtime for tests: containers that run until they are told to exit, with programmable
// times and failures. It outlives agents, and it keeps the ground truth: at no time may two
// instances of one container of one pod run.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/agent/container_runtime.hpp"
#include "tests/support/manual_loop.hpp"

namespace keelson::test {

class FakeRuntime final : public agent::ContainerRuntime {
 public:
  explicit FakeRuntime(ManualLoop& loop) : loop_(loop) {}

  // --- What the test sets
  // ---------------------------------------------------------------------------
  Duration latency = 1ms;
  Duration pull_time = 200ms;
  Duration term_time = 10ms;                   // from SIGTERM to exit
  std::map<std::string, Duration> term_times;  // by container name; longer than the grace: killed
  bool hints = true;
  std::map<std::string, agent::ProbeResult> probes;  // by the first word of exec; absent: success
  std::string probe_output;                          // of those in `probes`
  std::map<std::string, Duration> hook_times;        // likewise
  std::vector<std::string> present;                  // images

  // The next call of this name answers with the error; `happens`: it takes effect all the same, at
  // once or after `late`.
  struct Failure {
    Code code;
    bool happens = false;
    Duration late{};
  };
  void fail(const std::string& call, Failure failure, int times = 1) {
    for (int i = 0; i < times; ++i) failures_[call].push_back(failure);
  }

  // --- What the test sees
  // ---------------------------------------------------------------------------
  struct Call {
    Instant at;
    std::string name;
    std::string what;  // container name, image or pod name
    Duration grace{};
  };
  std::vector<Call> calls;
  std::vector<std::string> violations;
  std::vector<agent::ImagePull> pulls;
  std::map<std::string, agent::Environment> environments;  // by container name: asked for last
  std::map<std::string, std::vector<agent::Mount>> mounts;  // likewise

  int count(const std::string& name) const {
    int n = 0;
    for (const Call& call : calls) n += call.name == name;
    return n;
  }
  std::vector<std::string> order(const std::string& name) const {
    std::vector<std::string> out;
    for (const Call& call : calls) {
      if (call.name == name) out.push_back(call.what);
    }
    return out;
  }
  const Call* last(const std::string& name) const {
    const Call* found = nullptr;
    for (const Call& call : calls) {
      if (call.name == name) found = &call;
    }
    return found;
  }
  int running(const std::string& name = {}) const {
    int n = 0;
    for (const auto& [id, c] : containers_) {
      n += c.state == agent::ContainerState::running && (name.empty() || c.name == name);
    }
    return n;
  }
  std::string image_of_running(const std::string& name) const {
    for (const auto& [id, c] : containers_) {
      if (c.state == agent::ContainerState::running && c.name == name) return c.image;
    }
    return {};
  }
  std::size_t container_count() const { return containers_.size(); }
  std::size_t sandbox_count() const { return sandboxes_.size(); }

  // The running container of this name exits.
  void exit(const std::string& name, int32_t code, const std::string& reason = {}) {
    for (auto& [id, c] : containers_) {
      if (c.name == name && c.state == agent::ContainerState::running) {
        end(c, code, reason);
        return;
      }
    }
    KEELSON_ASSERT_WHY(false, "no such container runs");
  }
  // The host was rebooted: nothing runs, sandboxes are dead, files are there.
  void reboot() {
    for (auto& [id, c] : containers_) {
      if (c.state == agent::ContainerState::running) end(c, 255, "Unknown");
    }
    for (auto& [id, s] : sandboxes_) s.ready = false;
    hint();
  }
  // Somebody else puts something there.
  std::string plant(const std::string& uid, const std::string& name, bool start) {
    agent::SandboxInfo sandbox{.id = next("sb"),
                               .pod_uid = uid,
                               .pod_ns = "default",
                               .pod_name = "planted",
                               .ready = true,
                               .ip = "10.9.9.9",
                               .created_at = loop_.wall_now()};
    agent::ContainerInfo c{.id = next("c"),
                           .sandbox = sandbox.id,
                           .pod_uid = uid,
                           .name = name,
                           .created_at = loop_.wall_now()};
    if (start) run(c);
    sandboxes_[sandbox.id] = sandbox;
    containers_[c.id] = c;
    return c.id;
  }

  // --- ContainerRuntime
  // -----------------------------------------------------------------------------
  void list(Done<agent::RuntimeState> done) override {
    // Answers what is true when the question arrives, a little later.
    answer<agent::RuntimeState>("list", "", {}, std::move(done), latency, [this] {
      agent::RuntimeState state;
      for (const auto& [id, s] : sandboxes_) state.sandboxes.push_back(s);
      for (const auto& [id, c] : containers_) state.containers.push_back(c);
      return Result<agent::RuntimeState>(std::move(state));
    });
  }
  void list_images(Done<std::vector<api::ContainerImage>> done) override {
    answer<std::vector<api::ContainerImage>>(
        "list_images", "", {}, std::move(done), latency, [this] {
          std::vector<api::ContainerImage> images;
          for (const std::string& name : present) {
            images.emplace_back().add_names(name);
            images.back().set_size_bytes(1000);
          }
          return Result<std::vector<api::ContainerImage>>(std::move(images));
        });
  }
  void pull_image(agent::ImagePull pull, Done<std::string> done) override {
    const std::string image = pull.image;
    pulls.push_back(std::move(pull));
    answer<std::string>("pull", image, {}, std::move(done), pull_time, [this, image] {
      present.push_back(image);
      return Result<std::string>("sha256:" + image);
    });
  }
  void remove_image(std::string image, Done<Unit> done) override {
    answer<Unit>("remove_image", image, {}, std::move(done), latency, [this, image] {
      std::erase(present, image);
      return Result<Unit>(Unit{});
    });
  }
  void image_filesystem(Done<agent::ImageFilesystem> done) override {
    answer<agent::ImageFilesystem>("image_filesystem", "", {}, std::move(done), latency, [] {
      return Result<agent::ImageFilesystem>(agent::ImageFilesystem{"/images", 0});
    });
  }
  void run_sandbox(agent::SandboxSpec spec, Done<agent::SandboxInfo> done) override {
    answer<agent::SandboxInfo>("run_sandbox", spec.pod_name, {}, std::move(done), latency,
                               [this, spec]() -> Result<agent::SandboxInfo> {
                                 for (const auto& [id, s] : sandboxes_) {
                                   if (s.pod_uid == spec.pod_uid && s.attempt == spec.attempt) {
                                     return {Code::exists, "name is reserved"};
                                   }
                                 }
                                 agent::SandboxInfo s{.id = next("sb"),
                                                      .pod_uid = spec.pod_uid,
                                                      .pod_ns = spec.pod_ns,
                                                      .pod_name = spec.pod_name,
                                                      .attempt = spec.attempt,
                                                      .ready = true,
                                                      .ip = "10.1.0." + std::to_string(++last_ip_),
                                                      .created_at = loop_.wall_now()};
                                 sandboxes_[s.id] = s;
                                 return s;
                               });
  }
  void stop_sandbox(agent::SandboxId id, Done<Unit> done) override {
    answer<Unit>("stop_sandbox", id, {}, std::move(done), latency, [this, id]() -> Result<Unit> {
      if (!sandboxes_.contains(id)) return {Code::not_found, "no such sandbox"};
      for (const auto& [cid, c] : containers_) {
        if (c.sandbox == id && c.state == agent::ContainerState::running) {
          violations.push_back("sandbox stopped under " + c.name);
        }
      }
      sandboxes_[id].ready = false;
      return Unit{};
    });
  }
  void remove_sandbox(agent::SandboxId id, Done<Unit> done) override {
    answer<Unit>("remove_sandbox", id, {}, std::move(done), latency, [this, id]() -> Result<Unit> {
      return sandboxes_.erase(id) ? Result<Unit>(Unit{}) : Result<Unit>(Code::not_found, "none");
    });
  }
  void create_container(agent::SandboxId sandbox, agent::ContainerSpec spec,
                        Done<agent::ContainerId> done) override {
    spec.container = nullptr;
    environments[spec.name] = std::move(spec.environment);
    mounts[spec.name] = std::move(spec.mounts);
    answer<agent::ContainerId>(
        "create", spec.name, {}, std::move(done), latency,
        [this, sandbox, spec]() -> Result<agent::ContainerId> {
          if (!sandboxes_.contains(sandbox)) return {Code::not_found, "no such sandbox"};
          for (const auto& [id, c] : containers_) {
            if (c.pod_uid == spec.pod_uid && c.name == spec.name && c.attempt == spec.attempt) {
              return {Code::exists, "name is reserved"};
            }
          }
          agent::ContainerInfo c{.id = next("c"),
                                 .sandbox = sandbox,
                                 .pod_uid = spec.pod_uid,
                                 .name = spec.name,
                                 .image = spec.image,
                                 .image_id = spec.image,
                                 .attempt = spec.attempt,
                                 .init = spec.init,
                                 .created_at = loop_.wall_now()};
          containers_[c.id] = c;
          return c.id;
        });
  }
  void start_container(agent::ContainerId id, Done<Unit> done) override {
    const auto at = containers_.find(id);
    answer<Unit>("start", at == containers_.end() ? id : at->second.name, {}, std::move(done),
                 latency, [this, id]() -> Result<Unit> {
                   const auto found = containers_.find(id);
                   if (found == containers_.end()) return {Code::not_found, "no such container"};
                   run(found->second);
                   hint();
                   return Unit{};
                 });
  }
  void stop_container(agent::ContainerId id, Duration grace, Done<Unit> done) override {
    const auto at = containers_.find(id);
    const std::string name = at == containers_.end() ? id : at->second.name;
    const auto own = term_times.find(name);
    const Duration term = own == term_times.end() ? term_time : own->second;
    const bool killed = term > grace;
    answer<Unit>("stop", name, grace, std::move(done), std::min(term, grace),
                 [this, id, killed]() -> Result<Unit> {
                   const auto found = containers_.find(id);
                   if (found == containers_.end()) return {Code::not_found, "no such container"};
                   if (found->second.state == agent::ContainerState::running) {
                     end(found->second, killed ? 137 : 143, "Error");
                   }
                   return Unit{};
                 });
  }
  void remove_container(agent::ContainerId id, Done<Unit> done) override {
    answer<Unit>("remove", id, {}, std::move(done), latency, [this, id]() -> Result<Unit> {
      const auto found = containers_.find(id);
      if (found == containers_.end()) return {Code::not_found, "no such container"};
      if (found->second.state == agent::ContainerState::running) {
        violations.push_back("removed while running: " + found->second.name);
      }
      containers_.erase(found);
      return Unit{};
    });
  }
  void probe(agent::ContainerId id, const api::Probe& probe,
             Done<agent::ProbeAnswer> done) override {
    const std::string word = probe.handler().exec().command(0);
    answer<agent::ProbeAnswer>("probe", word, {}, std::move(done), latency,
                               [this, id, word]() -> Result<agent::ProbeAnswer> {
                                 if (!containers_.contains(id))
                                   return {Code::not_found, "no such container"};
                                 const auto result = probes.find(word);
                                 if (result == probes.end()) return agent::ProbeAnswer{};
                                 return agent::ProbeAnswer{result->second, probe_output};
                               });
  }
  void run_hook(agent::ContainerId, const api::LifecycleHandler& hook, Done<Unit> done) override {
    const std::string word = hook.exec().command(0);
    const auto time = hook_times.find(word);
    answer<Unit>("hook", word, {}, std::move(done),
                 time == hook_times.end() ? latency : time->second,
                 []() -> Result<Unit> { return Unit{}; });
  }
  void on_hint(Callback<void()> hint) override { hint_ = std::move(hint); }

 private:
  std::string next(const std::string& prefix) { return prefix + std::to_string(++last_id_); }

  void later(Duration after, Callback<void()> work) {
    loop_.timer_arm(loop_.timer_create(std::move(work)), after);
  }
  void hint() {
    if (hints && hint_) {
      loop_.post([this] {
        if (hint_) hint_();
      });
    }
  }
  void run(agent::ContainerInfo& c) {
    for (const auto& [id, other] : containers_) {
      if (other.id != c.id && other.pod_uid == c.pod_uid && other.name == c.name &&
          other.state == agent::ContainerState::running) {
        violations.push_back("two instances of " + c.name);
      }
    }
    if (c.state == agent::ContainerState::running) return;
    c.state = agent::ContainerState::running;
    c.started_at = loop_.wall_now();
  }
  void end(agent::ContainerInfo& c, int32_t code, const std::string& reason) {
    c.state = agent::ContainerState::exited;
    c.exit_code = code;
    c.reason = reason.empty() ? (code == 0 ? "Completed" : "Error") : reason;
    c.finished_at = loop_.wall_now();
    hint();
  }

  template <class T, class F>
  void answer(const std::string& name, const std::string& what, Duration grace, Done<T> done,
              Duration takes, F effect) {
    calls.push_back({loop_.now(), name, what, grace});
    auto& planned = failures_[name];
    if (planned.empty()) {
      later(takes, [done = std::move(done), effect]() mutable { done(effect()); });
      return;
    }
    const Failure failure = planned.front();
    planned.pop_front();
    if (failure.happens) later(takes + failure.late, [effect]() mutable { (void)effect(); });
    later(takes, [done = std::move(done), failure]() mutable {
      done(Result<T>(failure.code, "planned failure"));
    });
  }

  ManualLoop& loop_;
  std::map<std::string, agent::SandboxInfo> sandboxes_;
  std::map<std::string, agent::ContainerInfo> containers_;
  std::map<std::string, std::deque<Failure>> failures_;
  Callback<void()> hint_;
  int last_id_ = 100, last_ip_ = 0;
};

}  // namespace keelson::test
