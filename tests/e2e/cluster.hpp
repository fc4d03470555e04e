// A live cluster for real clients: `keelson up` on a free port, with its own directory.
#pragma once

#include <memory>
#include <string>

#include "tests/e2e/process.hpp"

namespace keelson::e2e {

class Cluster {
 public:
  // `flags` are added to `keelson up`. Failing to get ready is a test failure; see ok().
  explicit Cluster(std::vector<std::string> flags = {"--nodes", "3"});

  bool ok() const { return ok_; }
  std::string kubeconfig() const { return dir_.path() + "/kubeconfig"; }
  const std::string& dir() const { return dir_.path(); }
  // Environment for clients: KUBECONFIG, a HOME of their own, and `kubectl` on the PATH if given.
  std::map<std::string, std::string> environment(const std::string& kubectl = {});
  Daemon& daemon() { return *daemon_; }

 private:
  TemporaryDir dir_;
  std::unique_ptr<Daemon> daemon_;
  bool ok_ = false;
};

std::string keelson_binary();

}  // namespace keelson::e2e
