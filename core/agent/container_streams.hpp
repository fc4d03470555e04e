// The ContainerStreams port: what the API server asks of a node beyond its objects. Logs, commands
// inside containers, connections to pods. The simulated node implements it, and so does whatever
// carries it to a real one (CRI's streaming calls).
//
// All of it works alike. Opening a stream gives a handle at once and answers later, through the user
// that was passed in: on_open(), or an end with the error. Nothing is called from inside a call of the
// handle, and nothing after the handle is gone; destroying it cancels, and may happen in a callback.
// Everything runs on the thread of the loop. Where data flows faster than the reader can take it,
// pause(true) stops it; a writer stops while blocked() until on_writable().
//
// Errors: not_found: no such pod, container, or log; invalid: it cannot be done in this state;
// unavailable: the node does not answer (the message is what a dialler says: "dial tcp
// 172.16.0.3:10250: connect: connection refused"). Messages are meant for people.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/object.hpp"
#include "core/base/callback.hpp"
#include "core/base/time.hpp"

namespace keelson::agent {

struct ContainerRef {
  // As the API server has it. A node that knows its pods goes by namespace, name and uid.
  api::Ref<api::Pod> pod;
  std::string container;
};

// --- Logs -----------------------------------------------------------------------------------------
enum class LogSource : uint8_t { all, standard_output, standard_error };

struct LogOptions {
  bool follow = false;    // as long as the container runs
  bool previous = false;  // of the container before the last restart
  bool timestamps = false;
  std::optional<int64_t> tail_lines;   // the last lines only
  std::optional<int64_t> limit_bytes;  // ends after so many, within a line if need be
  std::optional<Duration> since_ago;   // by the node's clock
  std::optional<WallTime> since;
  LogSource source{};
};

class LogUser {
 public:
  virtual void on_open() = 0;
  virtual void on_log(std::string_view text) = 0;
  virtual void on_log_end(Status why) = 0;

 protected:
  ~LogUser() = default;
};

class LogStream {
 public:
  virtual ~LogStream() = default;
  virtual void pause(bool paused) = 0;
};

// --- Commands -------------------------------------------------------------------------------------
enum class Output : uint8_t { standard, error };

struct CommandOptions {
  std::vector<std::string> command;  // exec only
  bool input = false, output = false, errors = false;
  bool tty = false;  // then there are no errors apart from the output
};

class CommandUser {
 public:
  virtual void on_open() = 0;
  virtual void on_output(Output which, std::string_view data) = 0;
  virtual void on_writable() = 0;
  // How it ended: the exit code (128 + signal), or why it could not be run. An attached session that
  // ends without its process having ended says 0.
  virtual void on_exit(Result<int32_t> code) = 0;

 protected:
  ~CommandUser() = default;
};

class CommandSession {
 public:
  virtual ~CommandSession() = default;
  // Called once after on_open(), when the reader's streams are there: nothing runs before.
  virtual void start() = 0;
  virtual void write(std::string data) = 0;  // standard input
  virtual void end_input() = 0;
  virtual bool blocked() const = 0;
  virtual void resize(uint16_t columns, uint16_t rows) = 0;
  virtual void pause(bool paused) = 0;
};

// --- Connections ----------------------------------------------------------------------------------
class ByteStreamUser {
 public:
  virtual void on_open() = 0;
  virtual void on_bytes(std::string_view data) = 0;
  virtual void on_writable() = 0;
  // The other side sends no more; with an error, it also reads no more.
  virtual void on_end(Status why) = 0;

 protected:
  ~ByteStreamUser() = default;
};

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  virtual void send(std::string data) = 0;
  virtual void end() = 0;  // no more will be sent
  virtual bool blocked() const = 0;
  virtual void pause(bool paused) = 0;
};

// --- The port -------------------------------------------------------------------------------------
class ContainerStreams {
 public:
  virtual ~ContainerStreams() = default;

  virtual std::unique_ptr<LogStream> logs(ContainerRef container, LogOptions options,
                                          LogUser& user) = 0;
  virtual std::unique_ptr<CommandSession> exec(ContainerRef container, CommandOptions options,
                                               CommandUser& user) = 0;
  // To the container's own process: what it writes from now on, and its input if it reads one.
  virtual std::unique_ptr<CommandSession> attach(ContainerRef container, CommandOptions options,
                                                 CommandUser& user) = 0;
  // Whether connections into the pod can be made at all.
  virtual void find_pod(api::Ref<api::Pod> pod, Done<Unit> done) = 0;
  // A connection to a port inside the pod's network.
  virtual std::unique_ptr<ByteStream> connect(api::Ref<api::Pod> pod, uint16_t port,
                                              ByteStreamUser& user) = 0;
  // A connection to the node agent's own HTTP endpoint (/healthz and the like).
  virtual std::unique_ptr<ByteStream> connect_agent(ByteStreamUser& user) = 0;
};

}  // namespace keelson::agent
