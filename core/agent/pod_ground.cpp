// What all containers of a pod share: its volumes, which are there before its sandbox is and gone
// after it, and the sandbox. On a node without a disk of its own (a simulated one) only what volumes
// refer to has to exist. The rule for lost answers is that of pod_actions.cpp.
#include "core/agent/pod_worker.hpp"
#include "core/agent/references.hpp"
#include "core/agent/volume_manager.hpp"

namespace keelson::agent {

namespace {

bool released(const Result<Unit>& answer) {
  return answer.ok() || answer.code() == Code::not_found;
}

}  // namespace

// --- Volumes ------------------------------------------------------------------------------------

void PodWorker::set_up_volumes() {
  state_.volumes.op = Op::preparing;
  if (context_.volumes) {
    context_.volumes->set_up(
        state_.pod, then([](PodWorker& w, Result<Unit> done) { w.on_volumes(std::move(done)); }));
    return;
  }
  std::vector<Reference> references = volume_references(state_.pod->spec());
  if (references.empty()) {
    state_.volumes.op = Op::none;
    state_.volumes.ready = true;
    again_ = true;
    return;
  }
  context_.references->resolve(
      state_.pod.ns(), std::move(references),
      then([](PodWorker& w, Result<std::vector<api::ObjectPtr>> found) {
        w.on_volumes(found.ok() ? Result<Unit>(Unit{}) : Result<Unit>(found.error()));
      }));
}

void PodWorker::on_volumes(Result<Unit> answer) {
  VolumeRecord& volumes = state_.volumes;
  volumes.op = Op::none;
  if (answer.ok()) {
    volumes.ready = true;
    volumes.failures = 0;
  } else {
    // Kubelet's back-off of volume operations: 0.5 s to about 2 min.
    volumes.retry_at = context_.loop.now() + backoff_after(++volumes.failures, 500ms, 122s);
    if (state_.pod) context_.warn(state_.pod.object(), "FailedMount", answer.error().message);
  }
  touch();
}

void PodWorker::remove_volumes() {
  VolumeRecord& volumes = state_.volumes;
  volumes.op = Op::removing;
  volumes.ready = false;
  // Of a pod that only ended, what its containers left behind stays as long as they do.
  const bool all = state_.ending >= Ending::deleted;
  context_.volumes->tear_down(state_.uid, all, then([](PodWorker& w, Result<Unit> answer) {
    VolumeRecord& own = w.state_.volumes;
    own.op = Op::none;
    if (answer.ok()) {
      own.on_disk = false;
      own.failures = 0;
    } else {
      w.context_.log.warning("volumes not removed", {{"pod", describe(w.state_)},
                                                     {"why", answer.error().message}});
      own.retry_at = w.context_.loop.now() + backoff_after(++own.failures, 500ms, 122s);
    }
    w.step();
  }));
}

// --- Sandbox ------------------------------------------------------------------------------------

void PodWorker::run_sandbox() {
  SandboxRecord& sandbox = state_.sandbox;
  sandbox.op = Op::creating;
  // Each try has a number of its own: the name of one whose answer was lost stays reserved.
  SandboxSpec spec{.pod_uid = state_.uid,
                   .pod_ns = state_.pod.ns(),
                   .pod_name = state_.pod.name(),
                   .attempt = sandbox.next_attempt++,
                   .host_network = state_.pod->spec().host_network(),
                   .pod = pod_message()};
  context_.runtime.run_sandbox(std::move(spec), then([](PodWorker& w, Result<SandboxInfo> answer) {
                                 w.on_sandbox(std::move(answer));
                               }));
}

void PodWorker::on_sandbox(Result<SandboxInfo> answer) {
  SandboxRecord& sandbox = state_.sandbox;
  sandbox.op = Op::none;
  sandbox.changed = ++context_.sequence;
  if (answer.ok()) {
    sandbox.id = answer->id;
    sandbox.ip = answer->ip;
    sandbox.ready = true;
    sandbox.stopped = false;
    sandbox.failures = 0;
    state_.mains_begun = false;
    for (R& record : state_.containers) record.in_sandbox = false;
  } else {
    sandbox.uncertain = answer.code() == Code::unknown || answer.code() == Code::exists;
    sandbox.retry_at = context_.loop.now() + backoff_after(++sandbox.failures, 1s, 60s);
    if (state_.pod) {
      context_.warn(state_.pod.object(), "FailedCreatePodSandBox",
                    "Failed to create pod sandbox: " + answer.error().message);
    }
  }
  touch();
}

void PodWorker::end_sandbox(bool remove) {
  SandboxRecord& sandbox = state_.sandbox;
  if (!remove && state_.ending == Ending::none) {
    context_.event(state_.pod.object(), "SandboxChanged",
                   "Pod sandbox changed, it will be killed and re-created.");
  }
  sandbox.op = remove ? Op::removing : Op::stopping;
  auto done = then([remove](PodWorker& w, Result<Unit> answer) {
    SandboxRecord& own = w.state_.sandbox;
    own.op = Op::none;
    own.changed = ++w.context_.sequence;
    if (!released(answer)) {
      own.uncertain = answer.code() == Code::unknown;
      own.retry_at = w.context_.loop.now() + backoff_after(++own.failures, 1s, 10s);
    } else {
      own.failures = 0;
      own.ready = false;
      own.stopped = true;
      if (remove) {
        own.id.clear();
        own.stopped = false;
        w.state_.mains_begun = false;
        for (R& record : w.state_.containers) record.in_sandbox = false;
      }
    }
    w.touch();
  });
  if (remove) {
    context_.runtime.remove_sandbox(sandbox.id, std::move(done));
  } else {
    context_.runtime.stop_sandbox(sandbox.id, std::move(done));
  }
}

}  // namespace keelson::agent
