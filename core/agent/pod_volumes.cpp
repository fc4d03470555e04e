// A pod worker's volumes: that they are there before its sandbox is, and gone after it. On a node
// without a disk of its own (a simulated one) only what they refer to has to exist.
#include "core/agent/pod_worker.hpp"
#include "core/agent/references.hpp"
#include "core/agent/volume_manager.hpp"

namespace keelson::agent {

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

}  // namespace keelson::agent
