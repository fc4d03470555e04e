#include "tests/runtime/redis/redis_server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

namespace keelson::test {

namespace {

constexpr const char* kProgram = "/usr/bin/redis-server";

bool answers(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  bool ok = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
            write(fd, "PING\r\n", 6) == 6;
  char byte = 0;
  ok = ok && read(fd, &byte, 1) == 1;
  close(fd);
  return ok;
}

// Free at the moment; the server binds it a moment later.
uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0) {
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  }
  close(fd);
  return ntohs(address.sin_port);
}

std::string quoted(const std::string& word) {
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

bool RedisServer::installed() {
  return access(kProgram, X_OK) == 0;
}

RedisServer::RedisServer(std::vector<std::string> arguments)
    : RedisServer(RedisServerOptions{.arguments = std::move(arguments)}) {}

RedisServer::RedisServer(RedisServerOptions options) : options_(std::move(options)) {
  std::string name = (std::filesystem::temp_directory_path() / "keelson-redis-XXXXXX").string();
  if (mkdtemp(name.data())) home_ = name;
  directory_ = options_.directory.empty() ? home_ : options_.directory;
  if (options_.tcp || options_.sentinel) port_ = free_port();
  if (options_.sentinel) {  // its own to rewrite
    std::ofstream file(home_ / "sentinel.conf");
    for (const std::string& line : options_.arguments) file << line << '\n';
  }
  start();
}

RedisServer::~RedisServer() {
  if (running()) stop(SIGKILL);
  std::error_code ignored;
  std::filesystem::remove_all(home_, ignored);
}

void RedisServer::start() {
  std::vector<std::string> words{"redis-server"};
  const auto add = [&](std::initializer_list<std::string> more) {
    words.insert(words.end(), more);
  };
  if (options_.config) {
    std::ofstream(home_ / "redis.conf") << options_.config(directory_.string(), socket());
    add({(home_ / "redis.conf").string()});
  } else {
    if (options_.sentinel) add({(home_ / "sentinel.conf").string()});
    add({"--port", std::to_string(port_), "--bind", "127.0.0.1", "--unixsocket", socket(), "--dir",
         directory_.string()});
    if (options_.sentinel) {
      add({"--sentinel"});
    } else {
      add({"--save", "", "--appendonly", "yes"});
      words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
    }
  }
  add({"--logfile", (home_ / "log").string()});
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::filesystem::remove(socket());
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(kProgram, argv.data());
    _exit(127);
  }
  for (int i = 0; i < 500; ++i) {
    if (answers(socket())) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ADD_FAILURE() << "redis-server does not answer: " << log();
}

void RedisServer::stop(int signal) {
  kill(pid_, signal);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

bool RedisServer::wait_for_end() {
  for (int i = 0; i < 500; ++i) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = 0;
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

std::string RedisServer::log() const {
  std::ostringstream text;
  text << std::ifstream(home_ / "log").rdbuf();
  return text.str();
}

std::string RedisServer::cli(const std::vector<std::string>& arguments) const {
  std::string command = "redis-cli -s " + quoted(socket());
  for (const std::string& argument : arguments) command += ' ' + quoted(argument);
  std::string out;
  if (FILE* pipe = popen((command + " 2>&1").c_str(), "r")) {
    char buffer[4096];
    for (std::size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
    pclose(pipe);
  }
  return out;
}

}  // namespace keelson::test
