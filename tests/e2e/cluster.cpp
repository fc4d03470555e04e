#include "tests/e2e/cluster.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

namespace keelson::e2e {

namespace fs = std::filesystem;

std::string keelson_binary() { return std::string(KEELSON_BINARY_DIR) + "/keelson"; }

Cluster::Cluster(std::vector<std::string> flags) {
  std::vector<std::string> command = {keelson_binary(), "up",    "--port",       "0",
                                      "--dir",          dir_.path() + "/state",
                                      "--kubeconfig",   kubeconfig()};
  command.insert(command.end(), flags.begin(), flags.end());
  daemon_ = std::make_unique<Daemon>(std::move(command), dir_.path() + "/up.log");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!ok_ && daemon_->running() && std::chrono::steady_clock::now() < deadline) {
    ok_ = fs::exists(kubeconfig()) &&
          run(keelson_binary() + " get nodes", environment()).exit_code == 0;
    if (!ok_) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_TRUE(ok_) << "keelson up did not get ready:\n" << daemon_->log();
}

std::map<std::string, std::string> Cluster::environment(const std::string& kubectl) {
  const std::string home = dir_.path() + "/home", bin = dir_.path() + "/bin";
  fs::create_directories(home);
  fs::create_directories(bin);
  if (!kubectl.empty()) {
    std::error_code ignored;
    fs::remove(bin + "/kubectl", ignored);
    fs::create_symlink(kubectl, bin + "/kubectl");
  }
  std::error_code ignored;
  fs::create_symlink(keelson_binary(), bin + "/keelson", ignored);
  const char* path = getenv("PATH");
  return {{"KUBECONFIG", kubeconfig()}, {"HOME", home}, {"PATH", bin + ":" + (path ? path : "")}};
}

}  // namespace keelson::e2e
