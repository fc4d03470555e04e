// A command that runs in a simulated container: a program with its output spread over time, one that
// wants all of its input first, one that hands its input on, or a shell that is talked to.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/agent/container_streams.hpp"
#include "core/base/loop.hpp"
#include "sim/inside/shell.hpp"

namespace keelson::sim {

class SimContainerStreams;

class SimCommand final : public agent::CommandSession {
 public:
  // `own`: it is the container's own process, which ends with it.
  SimCommand(SimContainerStreams& streams, agent::ContainerRef container,
             agent::CommandOptions options, bool own, agent::CommandUser& user);

  void start() override;
  void write(std::string data) override;
  void end_input() override;
  // What is given to it is taken at once, up to a bound beyond which it is dropped.
  bool blocked() const override { return false; }
  void resize(uint16_t, uint16_t) override {}
  void pause(bool paused) override;

  static constexpr std::size_t kInputMax = 16 << 20;

 private:
  enum class Mode : uint8_t { opening, program, gathering, echoing, shell, done };
  void wake();
  void open();
  void begin();
  void run(Outcome outcome);
  void run_line(const std::string& line);
  void typed(std::string_view data);
  void prompt();
  // Output at once, and how it reaches the terminal.
  void put(bool error, std::string text);
  void flush();
  void finish(int32_t code);

  struct Piece {
    Instant at;
    bool error;
    std::string text;
  };

  SimContainerStreams& streams_;
  agent::ContainerRef container_;
  agent::CommandOptions options_;
  bool own_;
  agent::CommandUser& user_;
  std::string container_id_;
  Inside inside_;
  std::shared_ptr<ContainerFiles> files_;
  std::optional<Shell> shell_;
  Mode mode_ = Mode::opening;
  std::string input_;        // gathered, or the line being typed
  bool input_ended_ = false;
  bool busy_ = false;        // the shell runs a line
  bool leaves_ = false;      // and ends after it
  std::deque<Piece> output_;
  Instant ends_at_{};
  std::optional<int32_t> code_;  // when all has been put out
  bool opened_ = false, paused_ = false;
  std::shared_ptr<int> here_ = std::make_shared<int>(0);
  Timer timer_;
};

}  // namespace keelson::sim
