#include "sim/world/command_stream.hpp"

#include <algorithm>

#include "sim/world/container_streams.hpp"
#include "sim/world/log_stream.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

namespace {

constexpr std::size_t kPieceMax = 32 * 1024;
constexpr std::size_t kLineMax = 64 * 1024;

}  // namespace

SimCommand::SimCommand(SimContainerStreams& streams, agent::ContainerRef container,
                       agent::CommandOptions options, bool own, agent::CommandUser& user)
    : streams_(streams),
      container_(std::move(container)),
      options_(std::move(options)),
      own_(own),
      user_(user),
      timer_(streams.loop(), [this] { wake(); }) {
  timer_.arm(streams_.time_to_hear());
}

void SimCommand::pause(bool paused) {
  paused_ = paused;
  if (!paused && opened_) timer_.arm(Duration::zero());
}

void SimCommand::wake() {
  if (!opened_) return open();
  if (streams_.answers() != Answers::yes || streams_.node().runtime().container(container_id_) == nullptr ||
      streams_.node().runtime().container(container_id_)->state != agent::ContainerState::running) {
    // The container has ended, or its node has: what ran in it was killed.
    mode_ = Mode::done;
    return user_.on_exit(int32_t{137});
  }
  flush();
}

void SimCommand::open() {
  if (streams_.answers() != Answers::yes) return user_.on_exit(streams_.dial_error());
  const agent::ContainerInfo* found = streams_.node().runtime().container_of(
      container_.pod.uid(), container_.container, 0);
  if (found == nullptr || found->state != agent::ContainerState::running) {
    return user_.on_exit(Error{Code::not_found, "container not found (\"" + container_.container + "\")"});
  }
  container_id_ = found->id;
  inside_ = streams_.node().runtime().inside(*found, *container_.pod);
  files_ = streams_.node().runtime().files(found->id);
  opened_ = true;
  user_.on_open();
}

void SimCommand::start() {
  const std::vector<std::string>& command = options_.command;
  shell_.emplace(inside_, *files_, streams_.wall_now());
  if (!Shell::knows(command[0])) {
    Outcome outcome;
    const char* const why = command[0].find('/') == std::string::npos
                                ? "executable file not found in $PATH"
                                : "no such file or directory";
    outcome.complain("OCI runtime exec failed: exec failed: unable to start container process: exec: \"" +
                     command[0] + "\": " +
                     (command[0].find('/') == std::string::npos ? "" : "stat " + command[0] + ": ") + why +
                     ": unknown\n");
    outcome.code = 126;
    mode_ = Mode::program;
    return run(std::move(outcome));
  }
  if (Shell::is_interactive(command)) {
    mode_ = Mode::shell;
    if (!options_.input) return finish(0);
    prompt();
  } else if (options_.input && command.size() == 1 && Shell::reads_input(command) && command[0].ends_with("cat")) {
    mode_ = Mode::echoing;
  } else if (options_.input && Shell::reads_input(command)) {
    mode_ = Mode::gathering;
  } else {
    mode_ = Mode::program;
    run(shell_->run(command, {}));
  }
  timer_.arm(Duration::zero());
}

void SimCommand::write(std::string data) {
  if (input_ended_) return;
  switch (mode_) {
    case Mode::gathering:
      if (options_.tty) {
        // A terminal has no end of input but Ctrl-D.
        const std::size_t end = data.find('\x04');
        if (end != std::string::npos) {
          input_ += data.substr(0, end);
          return end_input();
        }
      }
      if (input_.size() + data.size() <= kInputMax) input_ += data;
      return;
    case Mode::echoing:
      if (options_.tty && data.find('\x04') != std::string::npos) return end_input();
      if (options_.tty) std::replace(data.begin(), data.end(), '\r', '\n');
      put(false, options_.tty ? data + data : data);
      return;
    case Mode::shell:
      return typed(data);
    default:
      return;
  }
}

void SimCommand::end_input() {
  if (input_ended_) return;
  input_ended_ = true;
  if (mode_ == Mode::gathering) {
    mode_ = Mode::program;
    run(shell_->run(options_.command, std::exchange(input_, {})));
  } else if (mode_ == Mode::echoing) {
    finish(0);
  } else if (mode_ == Mode::shell && !busy_) {
    if (!input_.empty()) run_line(std::exchange(input_, {}));
    else finish(shell_->last_code());
  }
}

// The line discipline of a terminal, or of none.
void SimCommand::typed(std::string_view data) {
  for (const char c : data) {
    if (c == '\r' || c == '\n') {
      if (options_.tty) put(false, "\n");
      run_line(std::exchange(input_, {}));
    } else if (options_.tty && c == '\x03') {
      input_.clear();
      if (busy_) {
        output_.clear();
        busy_ = false;
        code_.reset();
      }
      put(false, "^C\n");
      prompt();
    } else if (options_.tty && c == '\x04') {
      if (input_.empty()) return finish(shell_->last_code());
    } else if (options_.tty && (c == '\x7f' || c == '\b')) {
      if (input_.empty()) continue;
      input_.pop_back();
      put(false, "\b \b");
    } else if (input_.size() < kLineMax) {
      input_ += c;
      if (options_.tty) put(false, std::string(1, c));
    }
  }
}

void SimCommand::run_line(const std::string& line) {
  if (leaves_) return;
  if (!busy_) shell_->set_time(streams_.wall_now());
  Outcome outcome = shell_->run_line(line, {});
  leaves_ = outcome.exits;
  const int32_t code = outcome.code;
  run(std::move(outcome));
  busy_ = true;
  code_.reset();
  if (leaves_) code_ = code;
}

void SimCommand::prompt() {
  if (options_.tty) put(false, shell_->directory() + " # ");
}

void SimCommand::run(Outcome outcome) {
  const Instant now = streams_.loop().now();
  const Instant from = std::clamp(ends_at_, now, now + Outcome::kLengthMax);
  for (Outcome::Piece& piece : outcome.pieces) {
    for (std::size_t at = 0; at < piece.text.size(); at += kPieceMax) {
      output_.push_back({from + piece.at, piece.error, piece.text.substr(at, kPieceMax)});
    }
  }
  ends_at_ = from + outcome.length;
  code_ = outcome.code;
  timer_.arm(Duration::zero());
}

void SimCommand::put(bool error, std::string text) {
  output_.push_back({output_.empty() ? streams_.loop().now() : output_.back().at, error, std::move(text)});
  timer_.arm(Duration::zero());
}

void SimCommand::finish(int32_t code) {
  ends_at_ = std::max(ends_at_, streams_.loop().now());
  leaves_ = true;
  busy_ = false;
  code_ = code;
  timer_.arm(Duration::zero());
}

void SimCommand::flush() {
  const std::weak_ptr<int> here = here_;
  while (!output_.empty() && output_.front().at <= streams_.loop().now()) {
    if (paused_) return;
    Piece piece = std::move(output_.front());
    output_.pop_front();
    if (options_.tty) {
      std::string text;
      for (const char c : piece.text) {
        if (c == '\n') text += '\r';
        text += c;
      }
      piece.text = std::move(text);
      piece.error = false;
    }
    user_.on_output(piece.error ? agent::Output::error : agent::Output::standard, piece.text);
    if (here.expired()) return;
  }
  const Instant now = streams_.loop().now();
  if (!output_.empty()) return timer_.arm(std::min<Duration>(output_.front().at - now, 1s));
  if (ends_at_ > now) return timer_.arm(std::min<Duration>(ends_at_ - now, 1s));
  if (mode_ == Mode::shell && busy_) {
    busy_ = false;
    if (!leaves_ && !input_ended_) {
      prompt();
      return;
    }
    if (!code_) code_ = shell_->last_code();
  }
  if (code_ && (mode_ != Mode::shell || leaves_ || input_ended_)) {
    mode_ = Mode::done;
    const int32_t code = *code_;
    if (own_) streams_.node().runtime().end_process(container_id_, code);
    return user_.on_exit(code);
  }
  timer_.arm(1s);  // whether the container still runs
}

}  // namespace keelson::sim
