#include "tools/cli/cluster/rollout_state.hpp"

#include <fmt/format.h>

namespace keelson::cli {

namespace {

Error bad_rollout(std::string message) {
  return {Code::invalid, "error: " + message};
}

bool observed(const Json& object) {
  return number_at(object, "metadata.generation") <= number_at(object, "status.observedGeneration");
}

Result<RolloutState> deployment(const Json& object) {
  const std::string name = text_at(object, "metadata.name");
  if (!observed(object))
    return RolloutState{"Waiting for deployment spec update to be observed...\n"};
  for (const Json& condition : list_at(object, "status.conditions")) {
    if (text_at(condition, "type") == "Progressing" &&
        text_at(condition, "reason") == "ProgressDeadlineExceeded") {
      return bad_rollout(fmt::format("deployment \"{}\" exceeded its progress deadline", name));
    }
  }
  const int64_t replicas = number_at(object, "spec.replicas", 1),
                total = number_at(object, "status.replicas"),
                updated = number_at(object, "status.updatedReplicas"),
                available = number_at(object, "status.availableReplicas");
  const std::string waiting =
      fmt::format("Waiting for deployment \"{}\" rollout to finish: ", name);
  if (find(object, "spec.replicas") && updated < replicas) {
    return RolloutState{fmt::format("{}{} out of {} new replicas have been updated...\n", waiting,
                                    updated, replicas)};
  }
  if (total > updated) {
    return RolloutState{
        fmt::format("{}{} old replicas are pending termination...\n", waiting, total - updated)};
  }
  if (available < updated) {
    return RolloutState{
        fmt::format("{}{} of {} updated replicas are available...\n", waiting, available, updated)};
  }
  return RolloutState{fmt::format("deployment \"{}\" successfully rolled out\n", name), true};
}

Result<RolloutState> daemon_set(const Json& object) {
  const std::string name = text_at(object, "metadata.name");
  if (text_at(object, "spec.updateStrategy.type", "RollingUpdate") != "RollingUpdate") {
    return bad_rollout("rollout status is only available for RollingUpdate strategy type");
  }
  if (!observed(object))
    return RolloutState{"Waiting for daemon set spec update to be observed...\n"};
  const int64_t desired = number_at(object, "status.desiredNumberScheduled"),
                updated = number_at(object, "status.updatedNumberScheduled"),
                available = number_at(object, "status.numberAvailable");
  const std::string waiting =
      fmt::format("Waiting for daemon set \"{}\" rollout to finish: ", name);
  if (updated < desired) {
    return RolloutState{
        fmt::format("{}{} out of {} new pods have been updated...\n", waiting, updated, desired)};
  }
  if (available < desired) {
    return RolloutState{
        fmt::format("{}{} of {} updated pods are available...\n", waiting, available, desired)};
  }
  return RolloutState{fmt::format("daemon set \"{}\" successfully rolled out\n", name), true};
}

Result<RolloutState> stateful_set(const Json& object) {
  if (text_at(object, "spec.updateStrategy.type", "RollingUpdate") != "RollingUpdate") {
    return bad_rollout("rollout status is only available for RollingUpdate strategy type");
  }
  if (!observed(object))
    return RolloutState{"Waiting for statefulset spec update to be observed...\n"};
  const int64_t replicas = number_at(object, "spec.replicas", 1),
                ready = number_at(object, "status.readyReplicas"),
                updated = number_at(object, "status.updatedReplicas"),
                partition = number_at(object, "spec.updateStrategy.rollingUpdate.partition");
  if (ready < replicas)
    return RolloutState{fmt::format("Waiting for {} pods to be ready...\n", replicas - ready)};
  if (partition > 0) {
    if (updated < replicas - partition) {
      return RolloutState{
          fmt::format("Waiting for partitioned roll out to finish: {} out of {} new pods have been "
                      "updated...\n",
                      updated, replicas - partition)};
    }
    return RolloutState{
        fmt::format("partitioned roll out complete: {} new pods have been updated...\n", updated),
        true};
  }
  const std::string revision = text_at(object, "status.updateRevision");
  if (revision != text_at(object, "status.currentRevision")) {
    return RolloutState{fmt::format(
        "waiting for statefulset rolling update to complete {} pods at revision {}...\n", updated,
        revision)};
  }
  return RolloutState{fmt::format("statefulset rolling update complete {} pods at revision {}...\n",
                                  number_at(object, "status.currentReplicas"), revision),
                      true};
}

}  // namespace

Result<RolloutState> rollout_state(const Json& object) {
  const std::string kind = text_at(object, "kind");
  if (kind == "Deployment") return deployment(object);
  if (kind == "DaemonSet") return daemon_set(object);
  if (kind == "StatefulSet") return stateful_set(object);
  return bad_rollout(fmt::format("no status viewer has been implemented for {}", kind));
}

}  // namespace keelson::cli
