// The lives of the pods and nodes of a history: when each of them reached what.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli/real/history.hpp"

namespace keelson::real {

using When = std::optional<Duration>;

struct PodLife {
  std::string ns, name, node;
  std::string owner;  // "ns/name" of the deployment or of whatever else controls it; empty: nothing
  bool daemon = false;
  Duration created{};
  When scheduled, running, ready, serving;  // for the first time; serving: a ready endpoint of a service
  When marked;       // its deletion began
  When unserving;    // no ready endpoint any more
  When gone;         // deleted, or it failed
  std::vector<Duration> restarts, lost_ready, ready_again;
};

struct NodeLife {
  std::vector<std::pair<Duration, bool>> ready;  // each change
};

struct DeploymentLife {
  std::vector<std::pair<Duration, bool>> complete;  // each change: as it was asked for, and only that
};

struct Lives {
  std::vector<PodLife> pods;  // by creation
  std::map<std::string, NodeLife> nodes;
  std::map<std::string, DeploymentLife> deployments;  // "ns/name"
  std::map<std::string, Duration> services;           // "ns/name" -> its first ready endpoint

  explicit Lives(const std::vector<Change>& changes);

 private:
  void pod(const Change& change);
  void node(const Change& change);
  void deployment(const Change& change);
  void slice(const Change& change);

  std::map<std::string, std::size_t> by_uid_;
  std::map<std::string, std::map<std::string, bool>> serving_;  // pod's uid -> slices
};

}  // namespace keelson::real
