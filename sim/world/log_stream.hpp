// Streams that show the log of a simulated container: logs, and attach to what reads no input.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/agent/container_streams.hpp"
#include "core/base/loop.hpp"
#include "sim/inside/container_log.hpp"

namespace keelson::sim {

class SimContainerStreams;

// A container of the pod as it is in truth, or, if the node has removed it, as the pod's status
// remembers it. Nothing: there is none.
std::optional<agent::ContainerInfo> find_now(const SimContainerStreams& streams,
                                             const agent::ContainerRef& container, bool previous);

class SimLogStream final : public agent::LogStream {
 public:
  SimLogStream(SimContainerStreams& streams, agent::ContainerRef container,
               agent::LogOptions options, agent::LogUser& user);
  void pause(bool paused) override;

 private:
  static constexpr uint64_t kLinesAtOnce = 256;
  static constexpr Duration kLookEvery = 1s;     // for the container's end
  static constexpr int kSilentLooksMax = 15;     // of a node that does not answer any more
  void wake();
  void open();
  void pump();

  SimContainerStreams& streams_;
  agent::ContainerRef container_;
  agent::LogOptions options_;
  agent::LogUser& user_;
  agent::ContainerInfo info_;
  uint64_t next_ = 0;
  std::optional<int64_t> bytes_left_;
  bool open_ = false, paused_ = false;
  int silent_looks_ = 0;
  std::shared_ptr<int> here_ = std::make_shared<int>(0);  // gone with the stream
  Timer timer_;
};

class SimAttachment final : public agent::CommandSession, public agent::LogUser {
 public:
  SimAttachment(SimContainerStreams& streams, agent::ContainerRef container,
                agent::CommandUser& user);
  void start() override;
  void write(std::string) override {}  // nobody reads it
  void end_input() override {}
  bool blocked() const override { return false; }
  void resize(uint16_t, uint16_t) override {}
  void pause(bool paused) override;

 private:
  void on_open() override {}
  void on_log(std::string_view text) override { user_.on_output(agent::Output::standard, text); }
  void on_log_end(Status why) override;

  SimContainerStreams& streams_;
  agent::ContainerRef container_;
  agent::CommandUser& user_;
  std::unique_ptr<SimLogStream> log_;
  Timer timer_;
};

}  // namespace keelson::sim
