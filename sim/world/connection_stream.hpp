// A connection to a simulated pod or node agent: whatever listens answers HTTP/1.1.
#pragma once

#include <memory>
#include <string>

#include "core/agent/container_streams.hpp"
#include "core/base/loop.hpp"
#include "sim/inside/inside.hpp"

namespace keelson::sim {

class SimContainerStreams;

class SimConnection final : public agent::ByteStream {
 public:
  // `pod` null: to the agent.
  SimConnection(SimContainerStreams& streams, api::Ref<api::Pod> pod, uint16_t port,
                agent::ByteStreamUser& user);

  void send(std::string data) override;
  void end() override;
  bool blocked() const override { return false; }
  void pause(bool paused) override;

  static constexpr std::size_t kHeadMax = 32 * 1024;

 private:
  enum class State : uint8_t { opening, open, closing, done };
  void wake();
  bool serves() const;
  // Answers one request, if a whole one is there.
  bool answer_one();
  std::string answer_of_agent(const PageRequest& request) const;

  SimContainerStreams& streams_;
  api::Ref<api::Pod> pod_;
  uint16_t port_;
  agent::ByteStreamUser& user_;
  State state_ = State::opening;
  std::string received_;
  std::size_t body_left_ = 0;
  std::string to_send_;
  bool paused_ = false, client_ended_ = false;
  std::shared_ptr<int> here_ = std::make_shared<int>(0);
  Timer timer_;
};

}  // namespace keelson::sim
