// A directory of its own for a test of volumes, cleared of mounts and files at the end, and a loop that
// runs until an answer is there.
#pragma once

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <future>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include "runtime/volumes/disk_volumes.hpp"
#include "runtime/volumes/files.hpp"
#include "runtime/volumes/mounts.hpp"

namespace keelson::test {

class DiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "volumes need root";
    std::string path = "/tmp/keelson-volumes-XXXXXX";
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    directory = path;
    if (mount("tmpfs", path.c_str(), "tmpfs", 0, nullptr) != 0) {
      rmdir(path.c_str());
      directory.clear();
      GTEST_SKIP() << "this container may not mount";
    }
    root = directory + "/node";
  }
  // The end of the core thread, after which whoever uses the loop may be destroyed.
  void end_loop() {
    loop.stop();
    if (core_.joinable()) core_.join();
  }
  ~DiskTest() override { end_loop(); }
  void TearDown() override {
    if (directory.empty()) return;
    EXPECT_TRUE(volumes::unmount_below(directory).ok());
    rmdir(directory.c_str());
  }

  static std::string read(const std::string& path) {
    std::ifstream in(path);
    std::ostringstream out;
    out << in.rdbuf();
    return in ? out.str() : "(nothing)";
  }
  static void write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
  }
  static bool exists(const std::string& path) { return volumes::exists(path); }
  static struct stat look(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
    return info;
  }
  static unsigned mode(const std::string& path) { return look(path).st_mode & 07777; }

  // Lets `ask(done)` run to its answer.
  template <class T, class Ask>
  Result<T> wait(Ask ask) {
    auto promise = std::make_shared<std::promise<Result<T>>>();
    std::future<Result<T>> got = promise->get_future();
    loop.post_from_any_thread([ask = std::move(ask), promise] {
      ask([promise](Result<T> answer) { promise->set_value(std::move(answer)); });
    });
    if (got.wait_for(20s) != std::future_status::ready) return {Code::unknown, "no answer"};
    return got.get();
  }

  std::string directory, root;
  runtime::AsioLoop loop;

 private:
  std::thread core_{[this] { loop.run(); }};
};

}  // namespace keelson::test
