// Services without systemd: who is whose process, how they end, and what becomes of their output.
#include "tools/cli/host/services.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "tools/cli/host/pid_file.hpp"
#include "tools/cli/host/service_log.hpp"
#include "tools/hosts/process.hpp"

namespace keelson::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// A process of ours that has nothing to do with any service.
class Stranger {
 public:
  Stranger() : pid_(::fork()) {
    if (pid_ != 0) return;
    for (;;) ::pause();
  }
  ~Stranger() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  bool lives() const { return ::waitpid(pid_, nullptr, WNOHANG) == 0; }

 private:
  pid_t pid_;
};

class ServicesTest : public testing::Test {
 protected:
  ServicesTest() {
    fs::create_directories(layout_.run());
    fs::create_directories(layout_.log());
  }
  ~ServicesTest() override { static_cast<void>(services_.stop("s")); }

  static ServiceSpec service(const std::string& script) {
    return {.name = "s", .description = "a service", .command = {"/bin/sh", "-c", script}};
  }
  std::string pid_file() const { return layout_.run() + "/s.pid"; }
  std::string main_pid_file() const { return layout_.run() + "/s.main.pid"; }
  std::string log() const { return layout_.log() + "/s.log"; }
  static void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
  static bool until(const std::function<bool()>& holds) {
    for (int i = 0; i < 1000; ++i, std::this_thread::sleep_for(10ms)) {
      if (holds()) return true;
    }
    return false;
  }

  hosts::TemporaryDir dir_;
  Layout layout_{dir_.path()};
  Services services_{layout_, Services::Kind::plain};
};

TEST_F(ServicesTest, StartsAndEnds) {
  ASSERT_TRUE(services_.start(service("echo here; exec sleep 1000")).ok());
  EXPECT_TRUE(services_.running("s"));
  EXPECT_EQ(services_.start(service("exec sleep 1000")).code(), Code::exists);
  ASSERT_TRUE(until([&] { return read_pid(main_pid_file()) > 0; }));
  EXPECT_TRUE(until([&] { return services_.last_words("s") == "here\n"; }));
  const pid_t main = read_pid(main_pid_file());
  ASSERT_TRUE(services_.halt("s").ok());
  EXPECT_FALSE(services_.running("s"));
  EXPECT_NE(::kill(main, 0), 0);
  EXPECT_TRUE(fs::is_empty(layout_.run()));
}

// After a boot the number in the file may be anybody's.
TEST_F(ServicesTest, AStrangerWithItsNumberIsLeftAlone) {
  const Stranger stranger;
  for (const std::string start : {"", "another-boot 17\n"}) {
    write(pid_file(), std::to_string(stranger.pid()) + "\n");
    if (!start.empty()) write(pid_file() + ".start", start);
    EXPECT_FALSE(services_.running("s"));
    EXPECT_TRUE(services_.halt("s").ok());
    EXPECT_TRUE(stranger.lives());
    EXPECT_FALSE(fs::exists(pid_file()));
  }
  // And it does not keep the service from starting.
  write(pid_file(), std::to_string(stranger.pid()) + "\n");
  ASSERT_TRUE(services_.start(service("exec sleep 1000")).ok());
  EXPECT_TRUE(services_.running("s"));
  EXPECT_NE(read_pid(pid_file()), stranger.pid());
}

TEST_F(ServicesTest, ItsOwnIsKnownAgain) {
  const Stranger process;
  write_pid(pid_file(), process.pid());
  EXPECT_EQ(read_pid(pid_file()), process.pid());
  ::kill(process.pid(), SIGKILL);
  EXPECT_TRUE(until([&] { return read_pid(pid_file()) == 0; })) << "one that nobody has waited for";
}

// Whenever it is asked to end it does: while it starts, while the service runs, while it rests.
TEST_F(ServicesTest, EndsWhenever) {
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(services_.start(service(i % 2 == 0 ? "exec sleep 1000" : "exit 1")).ok());
    std::this_thread::sleep_for(std::chrono::microseconds(150 * i));
    const pid_t overseer = read_pid(pid_file());
    ASSERT_GT(overseer, 0) << i;
    ASSERT_TRUE(services_.halt("s").ok());
    EXPECT_FALSE(fs::exists(main_pid_file())) << i;
  }
  // One that does not hear is killed after 30 s.
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 25s);
}

TEST_F(ServicesTest, IsStartedAgain) {
  ASSERT_TRUE(services_.start(service("echo once; exit 3")).ok());
  EXPECT_TRUE(until([&] {
    const std::string words = services_.last_words("s");
    return words.find("once", words.find("is started again")) != words.npos;
  }));
}

TEST_F(ServicesTest, LongLogsAreCutWhenItStarts) {
  write(log(), "older\n");
  fs::resize_file(log(), kLogBytesMax + 1);
  ASSERT_TRUE(services_.start(service("echo new; exec sleep 1000")).ok());
  EXPECT_TRUE(until([&] { return services_.last_words("s") == "new\n"; }));
  EXPECT_EQ(fs::file_size(log() + ".1"), kLogBytesMax + 1);
}

TEST_F(ServicesTest, NoMoreThanThreeOldLogs) {
  const int out = open_log(log());
  ASSERT_GE(out, 0);
  for (const char mark : {'a', 'b', 'c', 'd', 'e'}) {
    ASSERT_EQ(::write(out, &mark, 1), 1);
    shorten_log(log());
    EXPECT_EQ(fs::file_size(log()), 1u) << "it is short";
    fs::resize_file(log(), kLogBytesMax + 1);
    shorten_log(log());
    EXPECT_EQ(fs::file_size(log()), 0u);
  }
  ::close(out);
  const auto first = [&](int i) { return char(std::ifstream(log() + '.' + std::to_string(i)).get()); };
  EXPECT_EQ(first(1), 'e');
  EXPECT_EQ(first(2), 'd');
  EXPECT_EQ(first(3), 'c');
  EXPECT_FALSE(fs::exists(log() + ".4"));
}

}  // namespace
}  // namespace keelson::cli
