// The log of a container of this node, as a stream.
#pragma once

#include <memory>
#include <string>

#include "core/agent/container_streams.hpp"
#include "runtime/node/directory_watch.hpp"
#include "runtime/node/log_reader.hpp"
#include "runtime/node/run_watch.hpp"

namespace keelson::node {

// Which attempt's log is meant, of the attempts that have a file (ascending). Nothing: there is
// none. Source: kubelet's validateContainerLogStatus.
struct LogChoice {
  uint32_t attempt = 0;
  agent::ContainerId running;  // empty: it has ended
};
std::optional<LogChoice> choose_log(const agent::RuntimeState& state,
                                    const agent::ContainerRef& container, bool previous,
                                    const std::vector<uint32_t>& attempts);

struct LogPlaces {
  runtime::AsioLoop& loop;
  StreamingRuntime& runtime;
  DirectoryWatch& directories;
  RunWatch& runs;
  std::string directory;  // of all pods' logs
};

class LocalLog final : public agent::LogStream {
 public:
  LocalLog(LogPlaces& places, agent::ContainerRef container, agent::LogOptions options,
           agent::LogUser& user);
  ~LocalLog() override;
  void pause(bool paused) override;

 private:
  // A change that nobody tells of (no inotify to be had) is seen after this.
  static constexpr Duration kLookEvery = 1s;

  void open(const agent::RuntimeState& state);
  void follow(const std::string& directory);
  void pump();
  void end(Status why);
  void stop_waiting();

  LogPlaces& places_;
  agent::ContainerRef container_;
  agent::LogOptions options_;
  agent::LogUser& user_;
  LogReader reader_;
  agent::ContainerId running_;  // followed until it ends
  DirectoryWatch::Id changes_ = 0;
  RunWatch::Id run_ = 0;
  bool open_ = false, paused_ = false, over_ = false;
  std::shared_ptr<int> here_ = std::make_shared<int>(0);
  Timer timer_;
};

}  // namespace keelson::node
