// What the agent knows about one pod: plain data, changed by observations and by the results of its
// own actions. decide.hpp turns it into actions, status.hpp into a PodStatus.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/agent/backoff.hpp"
#include "core/agent/container_runtime.hpp"
#include "core/api/object.hpp"
#include "core/base/time.hpp"

namespace keelson::agent {

enum class Phase : uint8_t { absent, created, running, exited };

// What is under way with a container. While the runtime has a call for it, lists do not touch it.
enum class Op : uint8_t {
  none,
  preparing,  // resolving references, pulling the image
  creating,
  starting,
  post_start,  // the hook runs; the container runs
  pre_stop,
  stopping,
  removing,
};
constexpr bool owns_runtime_object(Op op) {
  return op == Op::creating || op == Op::starting || op == Op::stopping || op == Op::removing;
}

// A former instance of a container, for lastState.
struct Exit {
  ContainerId id;
  int32_t code = 0;
  std::string reason, message;
  WallTime started_at, finished_at;
};

struct ContainerRecord {
  ContainerId id;        // of the newest instance; kept after its removal, for the status
  ContainerId previous;  // the dead instance before it, kept for its logs; empty: none
  std::string image_id;
  std::string reason, message;           // why the newest instance exited
  std::string waiting, waiting_message;  // why there is no newer one; empty: nothing special
  std::string kill_reason;  // not empty: the instance is to be stopped, and this is why
  std::unique_ptr<Exit> last;
  std::vector<api::ObjectPtr> referenced;  // by its environment: until it is created
  WallTime started_at, finished_at;
  Instant running_since;  // as far as this agent has seen
  Instant retry_at;       // no start before
  Instant op_retry_at;    // no other attempt at a failed stop or removal before
  Instant op_until;       // end of the time that a hook is given; zero: its answer ends it
  Instant stop_by;        // the end of the grace that its stop was given
  Duration kill_grace{};  // of a failed probe; zero: the pod's
  uint64_t changed = 0;   // Context::sequence at the end of the last action on it
  uint32_t attempt = 0;   // of the newest instance: the restart count
  uint32_t next_attempt = 0;
  uint32_t pull_failures = 0;
  uint32_t start_failures = 0;
  uint32_t token = 0;  // raised with each op, so that late answers to abandoned ones are known
  int32_t exit_code = 0;
  CrashBackOff crashes;
  Phase phase = Phase::absent;
  Op op = Op::none;
  bool exists = false;         // the newest instance is in the runtime
  bool in_sandbox = false;     // the newest instance belongs to the current sandbox
  bool uncertain = false;      // an answer was lost: nothing is done before a newer list
  bool prepared = false;       // references resolved, image there: may be created
  bool start_failed = false;   // created, but does not start: counts as exited
  bool outdated = false;       // the newest instance was made from a definition that has changed
  bool force_restart = false;  // therefore: restart whatever the policy says
  bool started = false;        // startup probe passed, or there is none
  bool ready = false;          // readiness probe passes, or there is none
  Instant ready_at;            // without a probe it counts as ready from then on; zero: settled
  bool backoff_told = false;   // an Event says that it waits to be restarted
  bool name_taken = false;     // the runtime says that this attempt's name is reserved
};

struct SandboxRecord {
  SandboxId id;  // empty: none
  std::string ip;
  Instant retry_at;
  uint64_t changed = 0;
  uint32_t next_attempt = 0;
  uint32_t failures = 0;
  Op op = Op::none;
  bool ready = false;
  bool stopped = false;
  bool uncertain = false;
};

struct VolumeRecord {
  Instant retry_at;
  uint32_t failures = 0;
  Op op = Op::none;      // preparing or removing
  bool on_disk = false;  // this node has a disk for them: something may be there
  bool ready = false;
};

// Something in the runtime that belongs to the pod but should not be there: a duplicate that a lost
// answer left, an older dead instance, or everything of a pod that the API does not know.
struct Stray {
  bool is_sandbox = false;
  bool running = false;  // sandbox: not stopped yet
  bool dead = false;     // has exited: cannot come to life any more
  bool uncertain = false;
  std::string id;
  Instant retry_at;
  uint64_t changed = 0;
  Op op = Op::none;
};

// Why the pod must not run (any more), in ascending strength.
enum class Ending : uint8_t {
  none,
  finished,  // by itself, or refused, or past its deadline: stays in the API, its logs stay here
  deleted,   // deletionTimestamp is set: everything goes, then the API object
  gone,      // the API object is gone already
};

// A terminal phase with its explanation; empty phase: none.
struct Verdict {
  std::string phase, reason, message;
  explicit operator bool() const { return !phase.empty(); }
};

struct PodState {
  api::Ref<api::Pod> pod;  // the newest seen; null for pods that the API does not know
  std::string uid;
  SandboxRecord sandbox;
  VolumeRecord volumes;
  // Init containers, then the main ones, in the spec's order; then the ephemeral ones.
  std::vector<ContainerRecord> containers;
  // In the order in which they were first seen: a patch may sort them differently, and records stay
  // where they are.
  std::vector<std::shared_ptr<const api::Container>> ephemeral;
  std::vector<Stray> strays;
  uint16_t init_count = 0;
  Verdict verdict;       // refused, or past its deadline: overrides what the containers say
  Instant deadline;      // ending: when the grace period ends
  // ending by deletion: containers are not told before this, so that nobody sends to them any more.
  Instant leave_at;
  Instant active_until;  // activeDeadlineSeconds; zero: none
  Instant delete_retry_at;
  uint32_t delete_failures = 0;
  Ending ending = Ending::none;
  bool rejected = false;       // by admission
  bool held = true;            // not admitted yet
  bool runtime_known = false;  // the runtime has been listed since the worker exists
  bool deleting_object = false;
  bool object_deleted = false;  // our final DELETE was confirmed
  bool mains_begun = false;     // init containers are done in this sandbox
};

// An empty state for a pod as the API has it. A null pod makes one where everything is a stray.
PodState make_pod_state(api::Ref<api::Pod> pod, std::string uid);

// Makes room for the ephemeral containers of state.pod that are new. REQUIRES: state.pod.
void add_ephemeral(PodState& state);

// The end of the main containers, which begin at init_count.
std::size_t main_end(const PodState& state);

// REQUIRES: state.pod.
const api::Container& spec_of(const PodState& state, std::size_t index);
bool is_init(const PodState& state, std::size_t index);
bool is_main(const PodState& state, std::size_t index);
bool is_ephemeral(const PodState& state, std::size_t index);
bool is_sidecar(const PodState& state, std::size_t index);  // an init container that keeps running
std::string_view restart_policy(const PodState& state);
Duration grace_of(const PodState& state);  // as the spec says
// "spec.containers{main}", as Events name a part of a pod.
std::string field_path_of(const PodState& state, std::size_t index);
// "web-1_default(uid)", as kubelet's messages name pods.
std::string describe(const PodState& state);

bool restarts(const PodState& state, std::size_t index);
// The phase that the containers have brought about for good; nullopt while more may come.
bool finished(const PodState& state, Verdict* verdict);
// Some answer about the pod was lost.
bool uncertain(const PodState& state);
// Processes of the pod may run now or start by a call that is under way.
bool processes_alive(const PodState& state);
// Nothing of the pod is left in the runtime.
bool runtime_clean(const PodState& state);

// What one runtime list says about one pod.
struct Sighting {
  std::vector<const SandboxInfo*> sandboxes;
  std::vector<const ContainerInfo*> containers;
};
// Takes over what a list that was asked for at `asked` says, except about what was acted on since.
// Answers whether anything changed. The first sighting adopts: containers that run go on running.
// `now` and `wall` are the same moment.
bool observe(PodState& state, const Sighting& seen, uint64_t asked, Instant now, WallTime wall);

// The newest instance has exited (its exit fields are set): works out when to restart it.
void note_exit(PodState& state, std::size_t index, Duration ran, Instant finished, Instant now);

}  // namespace keelson::agent
