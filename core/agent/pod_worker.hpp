// Runs one pod: keeps its PodState up to date, lets decide() say what to do, does it, and keeps the
// status in the API equal to what is known. Level-triggered: every event only changes the state and
// asks for a new decision.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/agent/admission.hpp"
#include "core/agent/context.hpp"
#include "core/agent/decide.hpp"
#include "core/agent/pod_state.hpp"
#include "core/agent/probes.hpp"

namespace keelson::agent {

class PodWorker : public std::enable_shared_from_this<PodWorker> {
 public:
  // A null pod: the runtime has something of a pod that the API does not know.
  PodWorker(Context& context, api::Ref<api::Pod> pod, std::string uid);

  // The API has this now. Older than what is known: ignored.
  void on_object(const api::ObjectPtr& newest);
  void on_gone();
  // What its volumes lacked may be there now.
  void on_hope();
  void on_sighting(const Sighting& seen, uint64_t asked);
  // The runtime has been listed and has nothing of this pod, which is new.
  void assume_absent();
  void admit();
  void reject(Verdict verdict);
  // The node is short of something: ends the pod without grace. Ended or ending: nothing happens.
  void evict(Verdict verdict);
  // Removes dead instances of containers that run again.
  void drop_dead_containers();

  const PodState& state() const { return state_; }
  // Parsed when first asked for.
  const PodDemand& demand();
  // Runs, or may still run, on this node: what it asked for is taken. NA-5.
  bool occupies() const;
  // Neither the runtime nor the API has anything of it.
  bool done() const;
  void step();

 private:
  using R = ContainerRecord;

  // Marks the status as worth comparing, and steps.
  void touch();
  void refresh_ending();
  void replace_outdated();
  void set_active_deadline();
  void end(Ending ending, Duration grace);
  void shorten(Instant deadline);
  void perform(const Action& action);
  void tell_of_backoff();
  // Events about one container; kubectl shows which in its column SUBOBJECT.
  void event(std::size_t i, std::string_view reason, std::string message);
  void warn(std::size_t i, std::string_view reason, std::string message);
  void sync_probes();
  void arm(Instant wake);
  std::shared_ptr<const api::Pod> pod_message() const;
  std::shared_ptr<const api::Container> container_message(std::size_t i) const;

  // pod_actions.cpp
  void set_up_volumes();
  void on_volumes(Result<Unit> answer);
  void remove_volumes();
  void run_sandbox();
  void on_sandbox(Result<SandboxInfo> answer);
  void end_sandbox(bool remove);
  void prepare(std::size_t i);
  void hold_back(std::size_t i, std::string_view reason, const std::string& why, Duration wait);
  void fetch_image(std::size_t i);
  Instant settle(Instant now);
  bool use_present_image(std::size_t i);
  void ask_for_image(std::size_t i);
  void pull(std::size_t i, const std::vector<api::ObjectPtr>& secrets);
  void on_image(std::size_t i, Instant asked, const std::string& image, Result<std::string> id);
  void create(std::size_t i);
  void create_from(std::size_t i, ContainerSpec spec);
  void on_created(std::size_t i, Result<ContainerId> id);
  void start(std::size_t i);
  void on_started(std::size_t i, Result<Unit> answer);
  void post_start(std::size_t i);
  void stop(std::size_t i);
  void stop_now(std::size_t i);
  void on_stopped(std::size_t i, Result<Unit> answer);
  void remove(std::size_t i);
  void stray_action(std::size_t i, bool remove);
  void on_stray(const std::string& id, bool removed, Result<Unit> answer);
  void on_probe(std::size_t i, ProbeKind kind, bool healthy);

  // pod_sync.cpp
  Instant sync_status(Instant now);
  void send_status(api::PodStatus status);
  void on_status_answer(api::Response response);
  void read_back();
  void delete_object();
  void on_delete_answer(const api::Response& response);
  void pace_status(Instant now, const api::PodStatus& status);
  void retry_status_after(const api::ApiError& error);

  // Wraps a continuation: nothing happens if the worker is gone by then.
  template <class F>
  auto then(F f) {
    return [weak = weak_from_this(), f = std::move(f)](auto&&... args) mutable {
      if (const std::shared_ptr<PodWorker> self = weak.lock()) {
        f(*self, std::forward<decltype(args)>(args)...);
      }
    };
  }

  Context& context_;
  PodState state_;
  std::unique_ptr<PodDemand> demand_;
  std::vector<std::unique_ptr<ContainerProbes>> probes_;  // by container; empty without probes
  Timer timer_;
  Instant armed_for_;
  Instant dirty_since_;
  Instant status_retry_at_;
  uint32_t status_failures_ = 0;
  // What the last write said of phase and readiness, and how often the same was said in a row.
  Instant claimed_at_;
  std::string claimed_phase_;
  bool claimed_ready_ = false;
  uint32_t repeats_ = 0;
  bool dirty_ = false;
  bool writing_status_ = false;
  bool stepping_ = false;
  bool again_ = false;
  bool freed_reported_ = false;
};

}  // namespace keelson::agent
