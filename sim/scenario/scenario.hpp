// A scenario: one YAML file that says what the cluster is, what runs on it, what users do and what
// goes wrong. scenarios/README.md describes the format; load() refuses what it does not know.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/api/object.hpp"
#include "core/api/request.hpp"
#include "core/base/result.hpp"
#include "sim/faults/fault.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

// Something that a user does, as they would with kubectl.
struct UserAction {
  enum class Verb : uint8_t {
    apply, run, expose, scale, set_image, undo, pause, resume, restart, remove, cordon, uncordon, drain,
  } verb{};
  std::string ns = "default";
  std::string name;      // of the deployment, node, ... ; remove: "deployment/web"
  std::string image;     // run, set_image
  int64_t replicas = 1;  // run, scale
  int64_t port = 0;      // run, expose
  std::string type;      // expose: "NodePort"
  int64_t revision = 0;  // undo: 0 is the one before
  api::Propagation cascade = api::Propagation::background;  // remove: what becomes of dependents
  std::vector<api::ObjectPtr> objects;  // apply
  std::string text;      // the command as one would type it
};

struct TimedAction {
  Duration at{};
  std::optional<UserAction> action;
  std::optional<FaultSpec> fault;
};

struct FaultRate {
  FaultSpec fault;
  Duration mean{};
  Duration from{};
  std::optional<Duration> until;  // absent: the end of the fault phase
};

struct Range {
  int64_t low = 0, high = 0;
};

// Deployments of the same making, with a service each if wanted.
struct DeploymentGenerator {
  std::string prefix = "app-";
  std::string ns = "default";
  int64_t count = 0;
  Range replicas{1, 1};
  std::vector<std::string> images{"app:v1"};
  Range cpu_milli{100, 100};
  Range memory_mib{64, 64};
  std::string max_surge = "25%", max_unavailable = "25%";
  int64_t min_ready_seconds = 0;
  bool services = false;
  bool readiness_probe = false;
  int64_t probe_period = 5;
  int64_t pre_stop_sleep = 0;
  int64_t grace = 30;
  Duration over{};  // they are created spread over this time
};

// Users who never rest: every `every` on average one of these operations on a generated deployment.
struct Churn {
  Duration every{};  // zero: none
  Duration from{};
  uint32_t create = 0, scale = 0, roll = 0, remove = 0, undo = 0;  // weights
  Range replicas{1, 1};
};

// Clients that send requests to a service from each node that runs a proxy.
struct TrafficSpec {
  std::string ns = "default", service;  // "*": every service of the namespace
  Duration every = 1s;                  // between the requests of one node to one service
  int64_t port = 80;
  Duration from{};
  bool must_not_fail = false;  // ZD-1: any lost request is a violation
};

struct TraceSpec {
  std::string format;     // "openb"; empty: none
  std::string directory;
  std::string pods = "default";
  std::string nodes = "all_node";
  int64_t speed = 1;      // virtual time is compressed by this factor
  int64_t limit = 0;      // only the first so many pods; 0: all
};

// What a scenario of scenarios/bugs is there to show: with the seeded bug this guarantee (or one of
// these, where it is a matter of chance which one sees it first) is the first to be broken, without it
// everything holds.
struct Expectation {
  std::string bug;                    // a name of core/base/seeded_bug.hpp; empty: nothing is expected
  std::vector<std::string> violates;  // {"LE-1"}
};

// The scenario once more, with other values of its parameters.
struct Variant {
  std::string name;
  std::map<std::string, std::string> settings;
};

struct Scenario {
  std::string name, description, file;
  uint64_t seed = 1;
  Duration duration = 10min;  // the phase in which faults happen
  Duration converge = 10min;  // the bound on the time to settle afterwards
  Duration quiet = 2min;      // then nothing may be written for this long
  WorldOptions world;
  std::vector<DeploymentGenerator> generators;
  std::vector<api::ObjectPtr> manifests;  // applied at the beginning
  std::vector<TimedAction> timeline;
  std::vector<FaultRate> fault_rates;
  Churn churn;
  std::vector<TrafficSpec> traffic;
  TraceSpec trace;
  // A full recomputation by all checks every so often.
  Duration recheck_every = 1min;
  std::vector<std::string> follow;  // deployments whose availability the report shows; empty: all
  bool quiet_timeline = false;      // big runs print only faults and verdicts
  Expectation expect;
  std::vector<Variant> variants;  // empty: it is run once, as it stands
};

// The content of a file. Error: Code::invalid, naming it.
Result<std::string> read_text(const std::string& file);
// One fault, as it stands in a timeline: "{fault: node-crash, node: node-3, for: 30s}", also as JSON.
// `source` is what complaints call the text.
Result<FaultSpec> parse_fault(const std::string& text, const std::string& source);
// `settings` are the `--set key=value` pairs: values for the file's `parameters`.
Result<Scenario> load_scenario(const std::string& file,
                               const std::map<std::string, std::string>& settings);
Result<Scenario> parse_scenario(const std::string& text, const std::string& file,
                                const std::map<std::string, std::string>& settings);

}  // namespace keelson::sim
