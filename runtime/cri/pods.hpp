// Making and ending sandboxes and containers, with the files that belong to them.
#pragma once

#include <functional>
#include <map>

#include "runtime/cri/client.hpp"
#include "runtime/cri/images.hpp"
#include "runtime/cri/inventory.hpp"
#include "runtime/cri/pod_files.hpp"

namespace keelson::cri {

class Pods {
 public:
  // `on_started`: a container was started.
  Pods(Client& client, const CriOptions& options, Images& images, Inventory& inventory,
       PodFiles& files, std::function<void(const std::string& id)> on_started)
      : client_(client),
        options_(options),
        images_(images),
        inventory_(inventory),
        files_(files),
        on_started_(std::move(on_started)) {}

  void run(agent::SandboxSpec spec, Done<agent::SandboxInfo> done);
  void stop(const std::string& sandbox, Done<Unit> done);
  void remove(const std::string& sandbox, Done<Unit> done);
  void create(const std::string& sandbox, agent::ContainerSpec spec, Done<std::string> done);
  void start_container(const std::string& id, Done<Unit> done);
  void stop_container(const std::string& id, Duration grace, Done<Unit> done);
  void remove_container(const std::string& id, Done<Unit> done);

  // After a list: files of pods whose last sandbox was removed and of which nothing is listed go.
  void sweep();

 private:
  struct Creation;
  void on_run(const std::string& id, const agent::SandboxSpec& spec, Done<agent::SandboxInfo> done);
  void create_with(std::shared_ptr<Creation> creation, const ImageUser* user);
  Result<std::string> hosts_file(const agent::ContainerSpec& spec, const std::string& sandbox);
  std::string find_running(const std::string& pod_uid, const std::string& name) const;

  Client& client_;
  const CriOptions& options_;
  Images& images_;
  Inventory& inventory_;
  PodFiles& files_;
  std::function<void(const std::string&)> on_started_;
  std::map<std::string, PodName> removed_;  // by uid: to be swept
};

}  // namespace keelson::cri
