// The actions that bring a pod up, each with what its answer means. The rule for every answer:
// `unknown` leaves the record uncertain, and nothing more is done to it before a runtime list that
// was asked for afterwards has said what is true. See the pitfalls of containerd: a call that timed
// out may still happen (containerd#9947).
#include <fmt/format.h>

#include "core/agent/environment.hpp"
#include "core/agent/images.hpp"
#include "core/agent/pod_worker.hpp"
#include "core/agent/references.hpp"
#include "core/agent/registry_credentials.hpp"
#include "core/agent/runtime_cache.hpp"
#include "core/agent/volume_manager.hpp"

namespace keelson::agent {

namespace {

// How often a missing ConfigMap or Secret is looked for: kubelet's sync period of failed pods.
constexpr Duration kConfigRetry = 10s;

std::string seconds_text(Duration d) {
  return fmt::format("{}.{:03}s", d / 1s, d % std::chrono::seconds(1) / 1ms);
}

}  // namespace

void PodWorker::prepare(std::size_t i) {
  R& record = state_.containers[i];
  record.op = Op::preparing;
  std::vector<Reference> references = environment_references(spec_of(state_, i));
  if (references.empty()) {
    fetch_image(i);
    return;
  }
  context_.references->resolve(
      state_.pod.ns(), std::move(references),
      then([i](PodWorker& w, Result<std::vector<api::ObjectPtr>> found) {
        R& r = w.state_.containers[i];
        if (found.ok()) {
          r.referenced = std::move(*found);
          w.fetch_image(i);
          return;
        }
        r.op = Op::none;
        if (found.code() == Code::invalid) {
          w.hold_back(i, "CreateContainerConfigError", found.error().message, kConfigRetry);
          return;
        }
        r.retry_at = w.context_.loop.now() + 1s;
        w.touch();
      }));
}

void PodWorker::fetch_image(std::size_t i) {
  if (pull_policy(spec_of(state_, i)) == "Always") {
    ask_for_image(i);
  } else if (!use_present_image(i)) {
    context_.images->look_again(then([i](PodWorker& w) {
      if (w.state_.containers[i].op == Op::preparing && !w.use_present_image(i)) w.ask_for_image(i);
    }));
  }
}

// False: the image is not known to be there.
bool PodWorker::use_present_image(std::size_t i) {
  R& record = state_.containers[i];
  const std::string& image = spec_of(state_, i).image();
  const std::optional<std::string> id = context_.images->find(image);
  if (!id) return false;
  record.op = Op::none;
  record.image_id = *id;
  record.prepared = true;
  if (context_.wants_events()) {
    event(i, "Pulled", fmt::format("Container image \"{}\" already present on machine", image));
  }
  touch();
  return true;
}

void PodWorker::ask_for_image(std::size_t i) {
  R& record = state_.containers[i];
  const api::Container& spec = spec_of(state_, i);
  const std::string& image = spec.image();
  const std::string_view policy = pull_policy(spec);
  if (policy == "Never") {
    record.op = Op::none;
    record.waiting = "ErrImageNeverPull";
    record.waiting_message =
        fmt::format("Container image \"{}\" is not present with pull policy of Never", image);
    record.retry_at = context_.loop.now() + backoff_after(++record.pull_failures);
    warn(i, "ErrImageNeverPull", record.waiting_message);
    touch();
    return;
  }
  event(i, "Pulling", fmt::format("Pulling image \"{}\"", image));
  std::vector<Reference> secrets = pull_secret_references(state_.pod->spec());
  if (secrets.empty()) {
    pull(i, {});
    return;
  }
  context_.references->resolve(
      state_.pod.ns(), std::move(secrets),
      then([i](PodWorker& w, Result<std::vector<api::ObjectPtr>> found) {
        // As kubelet: without the secrets the registry may still say yes.
        w.pull(i, found.ok() ? std::move(*found) : std::vector<api::ObjectPtr>());
      }));
}

void PodWorker::pull(std::size_t i, const std::vector<api::ObjectPtr>& secrets) {
  const std::string& image = spec_of(state_, i).image();
  ImagePull wanted{image, credentials_for(normalize_image(image), secrets)};
  context_.images->pull(std::move(wanted), then([i, now = context_.loop.now(), image](
                                                    PodWorker& w, Result<std::string> id) {
                          w.on_image(i, now, image, std::move(id));
                        }));
}

void PodWorker::on_image(std::size_t i, Instant asked, const std::string& image,
                         Result<std::string> id) {
  R& record = state_.containers[i];
  if (record.op != Op::preparing) return;
  record.op = Op::none;
  if (image != spec_of(state_, i).image()) {  // wanted no more: the definition has changed
    touch();
    return;
  }
  const Instant now = context_.loop.now();
  if (id.ok()) {
    record.image_id = *id;
    record.prepared = true;
    record.pull_failures = 0;
    if (context_.wants_events()) {
      event(
          i, "Pulled",
          fmt::format("Successfully pulled image \"{}\" in {}", image, seconds_text(now - asked)));
    }
    touch();
    return;
  }
  // Kubelet alternates between the two reasons; here the first failure says what went wrong and the
  // later ones that it goes on, which spares the API the writes in between.
  const bool first = record.pull_failures++ == 0;
  record.retry_at = now + backoff_after(record.pull_failures);
  record.waiting = first ? "ErrImagePull" : "ImagePullBackOff";
  record.waiting_message =
      first ? id.error().message : fmt::format("Back-off pulling image \"{}\"", image);
  warn(i, "Failed", fmt::format("Failed to pull image \"{}\": {}", image, id.error().message));
  warn(i, "Failed", "Error: ErrImagePull");
  event(i, "BackOff", fmt::format("Back-off pulling image \"{}\"", image));
  touch();
}

void PodWorker::create(std::size_t i) {
  R& record = state_.containers[i];
  record.op = Op::creating;
  record.outdated = false;
  if (record.waiting == "CrashLoopBackOff") {
    record.waiting.clear();
    record.waiting_message.clear();
  }
  ContainerSpec spec{.pod_uid = state_.uid,
                     .name = spec_of(state_, i).name(),
                     .attempt = record.next_attempt,
                     .image = record.image_id,
                     .init = is_init(state_, i),
                     .container = container_message(i),
                     .pod = pod_message()};
  const AgentOptions& own = context_.options;
  const std::string& pod_ip =
      state_.pod->spec().host_network() ? own.address : state_.sandbox.ip;
  const auto& allocatable = own.allocatable.empty() ? own.capacity : own.allocatable;
  Result<Launch> launch =
      launch_of(*spec.pod, *spec.container, {own.node_name, own.address, pod_ip, &allocatable},
                record.referenced);
  if (!launch.ok()) {
    record.op = Op::none;
    const bool config = launch.code() == Code::invalid;
    hold_back(i, config ? "CreateContainerConfigError" : "CreateContainerError",
              launch.error().message,
              config ? kConfigRetry : backoff_after(++record.start_failures));
    return;
  }
  for (std::string& skipped : launch->skipped) {
    context_.warn(state_.pod.object(), "InvalidEnvironmentVariableNames", std::move(skipped));
  }
  spec.environment = std::move(launch->environment);
  spec.command = std::move(launch->command);
  spec.args = std::move(launch->args);
  if (!context_.volumes) {
    create_from(i, std::move(spec));
    return;
  }
  const api::Pod& pod = *spec.pod;
  const api::Container& container = *spec.container;
  const Environment environment = spec.environment;
  context_.volumes->mount(
      pod, container, environment,
      then([i, spec = std::move(spec)](PodWorker& w, Result<std::vector<Mount>> mounts) mutable {
        w.state_.containers[i].op = Op::none;
        if (w.state_.ending != Ending::none) {
          w.touch();
        } else if (mounts.ok()) {
          spec.mounts = std::move(*mounts);
          w.create_from(i, std::move(spec));
        } else {
          w.hold_back(i, "CreateContainerConfigError", mounts.error().message, kConfigRetry);
        }
      }));
}

void PodWorker::create_from(std::size_t i, ContainerSpec spec) {
  state_.containers[i].op = Op::creating;
  context_.runtime.create_container(
      state_.sandbox.id, std::move(spec),
      then([i](PodWorker& w, Result<ContainerId> id) { w.on_created(i, std::move(id)); }));
}

void PodWorker::on_created(std::size_t i, Result<ContainerId> id) {
  R& record = state_.containers[i];
  const Instant now = context_.loop.now();
  record.op = Op::none;
  record.changed = ++context_.sequence;
  if (id.ok()) {
    if (record.phase == Phase::exited) {
      record.last = std::make_unique<Exit>(Exit{.id = record.id,
                                                .code = record.exit_code,
                                                .reason = record.reason,
                                                .message = record.message,
                                                .started_at = record.started_at,
                                                .finished_at = record.finished_at});
    }
    // One dead instance is kept for its logs; the one before it goes.
    if (!record.previous.empty()) {
      state_.strays.push_back({.dead = true, .id = std::move(record.previous)});
    }
    record.previous = record.exists ? record.id : ContainerId();
    record.id = std::move(*id);
    record.attempt = record.next_attempt++;
    record.phase = Phase::created;
    record.exists = record.in_sandbox = true;
    record.prepared = record.start_failed = record.force_restart = record.name_taken = false;
    record.kill_reason.clear();
    record.referenced.clear();
    record.waiting.clear();
    record.waiting_message.clear();
    if (is_main(state_, i)) state_.mains_begun = true;
    if (context_.wants_events()) {
      event(i, "Created", fmt::format("Created container {}", spec_of(state_, i).name()));
    }
    touch();
    return;
  }
  record.retry_at = now + backoff_after(++record.start_failures, 1s);
  switch (id.code()) {
    case Code::unknown: record.uncertain = true; break;
    case Code::exists:
      // The name is reserved: by an instance that the next list shows, or by a ghost, which only a
      // new number gets around (containerd#12438).
      record.uncertain = true;
      if (record.name_taken) ++record.next_attempt;
      record.name_taken = true;
      break;
    case Code::not_found:
      // The image or the sandbox is not there after all.
      context_.images->forget(spec_of(state_, i).image());
      record.prepared = false;
      record.uncertain = true;
      break;
    case Code::invalid:
      hold_back(i, "CreateContainerConfigError", id.error().message, kConfigRetry);
      return;
    default:
      hold_back(i, "CreateContainerError", id.error().message,
                backoff_after(record.start_failures));
      return;
  }
  touch();
}

void PodWorker::start(std::size_t i) {
  R& record = state_.containers[i];
  record.op = Op::starting;
  context_.runtime.start_container(record.id, then([i](PodWorker& w, Result<Unit> answer) {
                                     w.on_started(i, std::move(answer));
                                   }));
}

void PodWorker::on_started(std::size_t i, Result<Unit> answer) {
  R& record = state_.containers[i];
  const api::Container& spec = spec_of(state_, i);
  const Instant now = context_.loop.now();
  record.op = Op::none;
  record.changed = ++context_.sequence;
  if (answer.ok()) {
    record.phase = Phase::running;
    record.running_since = now;
    record.started_at = context_.loop.wall_now();
    record.start_failures = 0;
    record.started = !spec.has_startup_probe();
    record.ready = record.started && !spec.has_readiness_probe();
    if (record.ready && context_.options.ready_delay > Duration::zero()) {
      record.ready = false;
      record.ready_at = now + context_.options.ready_delay;
    }
    if (context_.wants_events()) {
      event(i, "Started", fmt::format("Started container {}", spec.name()));
    }
    if (spec.lifecycle().has_post_start() && state_.ending == Ending::none) post_start(i);
  } else if (answer.code() == Code::unknown || answer.code() == Code::not_found ||
             answer.code() == Code::conflict) {
    // A conflict: it cannot be started as it is. A start that this agent's predecessor asked for
    // may have come late, and it runs: another instance beside it would be one too many.
    record.uncertain = true;
  } else {
    record.start_failed = true;
    record.exit_code = 128;  // as container runtimes report what could not be executed
    record.reason = "StartError";
    record.message = answer.error().message;
    record.started_at = {};
    record.finished_at = context_.loop.wall_now();
    warn(i, "Failed", "Error: " + answer.error().message);
    note_exit(state_, i, Duration::zero(), now, now);
  }
  touch();
}

void PodWorker::post_start(std::size_t i) {
  R& record = state_.containers[i];
  const api::LifecycleHandler& hook = spec_of(state_, i).lifecycle().post_start();
  record.op = Op::post_start;
  record.op_until = {};
  const uint32_t token = ++record.token;
  if (hook.has_sleep()) {
    record.op_until = context_.loop.now() +
                      std::chrono::seconds(std::clamp<int64_t>(hook.sleep().seconds(), 0, 86'400));
    return;
  }
  context_.runtime.run_hook(record.id, hook, then([i, token](PodWorker& w, Result<Unit> answer) {
                              R& r = w.state_.containers[i];
                              if (r.token != token || r.op != Op::post_start) return;
                              r.op = Op::none;
                              if (!answer.ok()) {
                                w.warn(i, "FailedPostStartHook", "PostStartHook failed");
                                r.kill_reason = "FailedPostStartHook";
                              }
                              w.touch();
                            }));
}

}  // namespace keelson::agent
