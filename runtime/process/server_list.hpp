// The API servers of the cluster as a node knows them: those of its configuration at first, then what the
// ConfigMap kube-system/keelson-config lists, also after a restart while the first one is down.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/log.hpp"
#include "core/client/informer.hpp"

namespace keelson::runtime {

class ServerList {
 public:
  // `path`: the file that keeps the list. `node`: its name decides with which server it begins, so that
  // the nodes spread over all.
  ServerList(std::string path, std::vector<std::string> configured, std::string node);

  // URLs, in the order in which to try them.
  std::vector<std::string> servers() const;
  // Calls `on_change` each time that the list has changed. `client` as a node.
  void follow(Loop& loop, client::ApiClient& client, Rng rng, Log& log,
              std::function<void(const std::vector<std::string>&)> on_change);

 private:
  void take(const api::ConfigMap& map, Log& log);

  const std::string path_, node_;
  std::vector<std::string> known_;  // sorted
  std::function<void(const std::vector<std::string>&)> on_change_;
  std::unique_ptr<client::Informer> informer_;
};

}  // namespace keelson::runtime
