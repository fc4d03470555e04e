// What of a scenario can be played on real hosts, and what is different there.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/scenario/scenario.hpp"

namespace keelson::real {

inline constexpr int kNodesMax = 8;

// A node of the scenario and the host that plays it; host 1 is the control plane's.
struct Place {
  std::string node, zone;
  int host = 0;
  const sim::NodePool* pool = nullptr;
  bool powered = true;
};

// In the order of the pools. The scenario must outlive them.
std::vector<Place> places(const sim::Scenario& scenario);

// What it asks for that hosts on one machine cannot do, a line each, named as in the file. Empty: all of
// it can be played.
std::vector<std::string> impossible(const sim::Scenario& scenario);

// Where the real cluster is another one than the scenario describes, a line each.
std::vector<std::string> differences(const sim::Scenario& scenario);

// All images that the scenario's pods may ask for and that are to be there.
std::vector<std::string> images_of(const sim::Scenario& scenario);
// What containerd calls it: "docker.io/library/nginx:1.8".
std::string full_reference(const std::string& image);
// Whether tests/images/build makes it.
bool made_here(const std::string& image);

// The same scenario for the simulator, told what real hosts cannot be made to have otherwise: images are
// there from the beginning.
sim::Scenario twin_of(sim::Scenario scenario);

}  // namespace keelson::real
