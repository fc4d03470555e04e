// ContainerStreams that echo: what a node's endpoint carries in tests of the way to it.
#pragma once

#include <deque>

#include "core/agent/container_streams.hpp"
#include "core/base/loop.hpp"

namespace keelson::node::test {

// A command that writes its name to the error stream and its input to the output, and exits with 7.
class EchoCommand final : public agent::CommandSession {
 public:
  EchoCommand(Loop& loop, agent::CommandOptions options, agent::CommandUser& user)
      : loop_(loop), options_(std::move(options)), user_(user), timer_(loop, [this] { turn(); }) {
    timer_.arm(Duration::zero());
  }
  void start() override {
    started_ = true;
    timer_.arm(Duration::zero());
  }
  void write(std::string data) override {
    pending_ += data;
    timer_.arm(Duration::zero());
  }
  void end_input() override {
    ended_ = true;
    timer_.arm(Duration::zero());
  }
  bool blocked() const override { return pending_.size() > 1024 * 1024; }
  void resize(uint16_t columns, uint16_t rows) override {
    size_ = std::to_string(columns) + "x" + std::to_string(rows);
  }
  void pause(bool paused) override {
    paused_ = paused;
    if (!paused) timer_.arm(Duration::zero());
  }

 private:
  void turn() {
    if (!opened_) {
      opened_ = true;
      if (options_.command[0] == "missing") {
        return user_.on_exit(Error{Code::not_found, "container not found (\"c\")"});
      }
      return user_.on_open();
    }
    if (!started_ || paused_) return;
    if (!greeted_) {
      greeted_ = true;
      user_.on_output(agent::Output::error, options_.command[0] + (options_.tty ? " tty" : ""));
    }
    const bool was = blocked();
    if (!pending_.empty()) user_.on_output(agent::Output::standard, std::exchange(pending_, {}));
    if (was) user_.on_writable();
    if (ended_) {
      if (!size_.empty()) user_.on_output(agent::Output::standard, size_);
      user_.on_exit(7);
    }
  }

  Loop& loop_;
  agent::CommandOptions options_;
  agent::CommandUser& user_;
  std::string pending_, size_;
  bool opened_ = false, started_ = false, ended_ = false, paused_ = false, greeted_ = false;
  Timer timer_;
};

// A connection that sends back what it gets, and ends when the client has.
class EchoConnection final : public agent::ByteStream {
 public:
  EchoConnection(Loop& loop, uint16_t port, agent::ByteStreamUser& user)
      : port_(port), user_(user), timer_(loop, [this] { turn(); }) {
    timer_.arm(Duration::zero());
  }
  void send(std::string data) override {
    pending_ += data;
    timer_.arm(Duration::zero());
  }
  void end() override {
    ended_ = true;
    timer_.arm(Duration::zero());
  }
  bool blocked() const override { return false; }
  void pause(bool) override {}

 private:
  void turn() {
    if (!opened_) {
      opened_ = true;
      if (port_ == 1) return user_.on_end({Code::invalid, "connection refused"});
      user_.on_open();
    }
    if (!pending_.empty()) user_.on_bytes(std::exchange(pending_, {}));
    if (ended_) user_.on_end({});
  }
  const uint16_t port_;
  agent::ByteStreamUser& user_;
  std::string pending_;
  bool opened_ = false, ended_ = false;
  Timer timer_;
};

// Writes numbered lines for as long as it is not paused.
class EndlessLog final : public agent::LogStream {
 public:
  EndlessLog(Loop& loop, agent::LogUser& user, uint64_t& written)
      : user_(user), written_(written), timer_(loop, [this] { turn(); }) {
    timer_.arm(Duration::zero());
  }
  void pause(bool paused) override {
    paused_ = paused;
    if (!paused) timer_.arm(Duration::zero());
  }

 private:
  void turn() {
    if (!opened_) {
      opened_ = true;
      user_.on_open();
    }
    if (paused_) return;
    const std::string text(16 * 1024, 'x');
    written_ += text.size();
    user_.on_log(text);
    if (!paused_) timer_.arm(Duration::zero());
  }
  agent::LogUser& user_;
  uint64_t& written_;
  bool opened_ = false, paused_ = false;
  Timer timer_;
};

class FakeStreams final : public agent::ContainerStreams {
 public:
  explicit FakeStreams(Loop& loop) : loop_(loop) {}

  std::unique_ptr<agent::LogStream> logs(agent::ContainerRef container, agent::LogOptions options,
                                         agent::LogUser& user) override {
    asked = std::move(container);
    log = options;
    return std::make_unique<EndlessLog>(loop_, user, written);
  }
  std::unique_ptr<agent::CommandSession> exec(agent::ContainerRef container,
                                              agent::CommandOptions options,
                                              agent::CommandUser& user) override {
    asked = std::move(container);
    return std::make_unique<EchoCommand>(loop_, std::move(options), user);
  }
  std::unique_ptr<agent::CommandSession> attach(agent::ContainerRef container,
                                                agent::CommandOptions options,
                                                agent::CommandUser& user) override {
    asked = std::move(container);
    options.command = {"attached"};
    return std::make_unique<EchoCommand>(loop_, std::move(options), user);
  }
  void find_pod(api::Ref<api::Pod> pod, Done<Unit> done) override {
    loop_.post([pod = std::move(pod), done = std::move(done)]() mutable {
      if (pod.name() == "web") return done(Unit{});
      done(Error{Code::not_found, "pod not found (\"" + pod.name() + "\")"});
    });
  }
  std::unique_ptr<agent::ByteStream> connect(api::Ref<api::Pod>, uint16_t port,
                                             agent::ByteStreamUser& user) override {
    return std::make_unique<EchoConnection>(loop_, port, user);
  }
  std::unique_ptr<agent::ByteStream> connect_agent(agent::ByteStreamUser&) override {
    return nullptr;
  }

  agent::ContainerRef asked;
  agent::LogOptions log;
  uint64_t written = 0;

 private:
  Loop& loop_;
};

}  // namespace keelson::node::test
