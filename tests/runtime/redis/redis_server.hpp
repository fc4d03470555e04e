// A redis-server of the test's own, in a directory of its own: started, killed and started again at
// will, stopped by process id, and by the kernel should the test die first.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace keelson::test {

struct RedisServerOptions {
  // More of redis-server's options: {"--appendfsync", "always"}.
  std::vector<std::string> arguments = {};
  bool tcp = false;       // listens on a free port of 127.0.0.1 besides its socket
  bool sentinel = false;  // is a Sentinel; `arguments` then are lines of its configuration
  std::filesystem::path directory = {};  // somebody else's, for its data; empty: its own
  // If given: the text of its configuration, and nothing else, for its directory and its socket.
  std::function<std::string(const std::string& directory, const std::string& socket)> config = {};
};

class RedisServer {
 public:
  explicit RedisServer(std::vector<std::string> arguments = {});
  explicit RedisServer(RedisServerOptions options);
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  // False: there is no redis-server on this machine, and the test should be skipped.
  static bool installed();

  void start();           // returns when it answers, be it that it is loading
  void stop(int signal);  // and waits for its end
  bool running() const { return pid_ > 0; }
  bool wait_for_end();  // of its own accord; false: not within ten seconds
  pid_t pid() const { return pid_; }
  uint16_t port() const { return port_; }
  std::string socket() const { return (home_ / "socket").string(); }
  const std::filesystem::path& directory() const { return directory_; }
  std::string log() const;
  // By redis-cli; what it printed.
  std::string cli(const std::vector<std::string>& arguments) const;

 private:
  RedisServerOptions options_;
  std::filesystem::path home_;       // of the socket, the log and the configuration
  std::filesystem::path directory_;  // of the data
  pid_t pid_ = 0;
  uint16_t port_ = 0;
};

}  // namespace keelson::test
