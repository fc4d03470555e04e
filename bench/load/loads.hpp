// The loads themselves. Each prepares what it needs on the server, puts its load on it within its
// bounds, and says what came of it.
#pragma once

#include <string>
#include <vector>

#include "bench/load/latencies.hpp"
#include "bench/load/wire.hpp"
#include "runtime/http/client.hpp"

namespace keelson::bench {

struct Plan {
  Target target;
  http::ClientOptions client;  // the same server, for what is not measured
  std::string ns;              // namespaces are called this and a suffix
  int connections = 32;
  uint64_t requests = 0;  // of get and create; 0: as many as there is time for
  double seconds = 10;    // of each load
  int pods = 5000;        // in a list
  int lists = 20;         // of each form
  int watchers = 1000;
  int changes_per_second = 1000;
  bool watch_pods = false;  // else ConfigMaps, which are as small as objects get
};

struct Report {
  std::string name;
  std::string failure;  // why there are no figures, or why they are not to be trusted
  uint64_t done = 0;
  uint64_t failed = 0;   // answers with another status than expected
  uint64_t missing = 0;  // watch: events that did not arrive
  double seconds = 0;
  uint64_t bytes = 0;   // received
  double first_ms = 0;  // list: before anything was cached
  Latencies latencies;
};

Report load_get(const Plan& plan);
Report load_create(const Plan& plan);
Report load_list(const Plan& plan, bool table);
Report load_watch(const Plan& plan);

// One request after the other on each connection.
struct ClosedLoop {
  std::string name;
  int connections = 1;
  uint64_t requests_max = 0;  // 0: no bound
  double seconds_max = 0;     // 0: no bound
  int status = 200;           // expected
  int other_status = 200;     // as good
  std::function<std::string(uint64_t n)> request;
};
Report run_closed_loop(const Target& target, const ClosedLoop& loop);

// A namespace with the service account that pods need. Empty: done, else why not.
std::string make_namespace(const Plan& plan, const std::string& ns);
std::string pod_json(const std::string& name);
// Creates pods p-0 to p-(count-1), unless they are there.
std::string make_pods(const Plan& plan, const std::string& ns, int count);

}  // namespace keelson::bench
