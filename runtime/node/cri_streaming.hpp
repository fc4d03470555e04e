// What this folder asks of the container runtime, answered by containerd. Threading: the thread of
// the loop.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "runtime/cri/cri_runtime.hpp"
#include "runtime/node/stats.hpp"
#include "runtime/node/streaming_runtime.hpp"

namespace keelson::node {

class CriStreaming final : public StreamingRuntime, public ContainerStatsSource {
 public:
  // `runtime` must outlive it.
  explicit CriStreaming(cri::CriRuntime& runtime) : runtime_(runtime) {}

  void list(Done<agent::RuntimeState> done) override { runtime_.list(std::move(done)); }
  void exec_url(agent::ContainerId id, const agent::CommandOptions& options,
                Done<std::string> done) override;
  void attach_url(agent::ContainerId id, const agent::CommandOptions& options,
                  Done<std::string> done) override;
  void network_namespace(agent::SandboxId id, Done<std::string> done) override;
  void container_stats(Done<std::vector<ContainerReading>> done) override;

 private:
  using Readings = std::vector<ContainerReading>;
  bool fill_starts(Readings& readings) const;

  cri::CriRuntime& runtime_;
  std::map<agent::ContainerId, WallTime> started_;  // figures come without
  std::shared_ptr<int> here_ = std::make_shared<int>(0);
};

}  // namespace keelson::node
