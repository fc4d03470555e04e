// Sends the writes of plans: stage by stage, with their live checks, and settles every outcome
// until it is known what happened. The manager decides when plans are made; this decides nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/loop.hpp"
#include "core/base/rng.hpp"
#include "core/client/api_client.hpp"
#include "core/controllers/controller.hpp"

namespace keelson::controllers {

// What the caches must show before the key may be reconciled again, so that the next decision is
// made on what this plan did or ran into.
struct PlanResult {
  struct Gone {
    api::ObjectKey key;
    api::ObjectPtr cached;  // what the cache said when the live store said "not found"
  };
  bool ok = true;
  Duration retry_after{};  // asked for by the server; zero: the key's own back-off
  std::vector<std::pair<api::Kind, api::Revision>> reached;
  std::vector<Gone> gone;
};

struct WriteMetrics {
  uint64_t writes = 0;     // that succeeded
  uint64_t conflicts = 0;  // refused because the view was stale
  uint64_t refused = 0;    // refused for any other reason
  uint64_t unknown = 0;    // answers lost; each was settled afterwards
  uint64_t checks_failed = 0;
};

class PlanRunner {
 public:
  struct Options {
    std::string user, actor;
    // A write was refused for what it says, not because of stale views or trouble on the way.
    std::function<void(const Controller&, const api::Request&, const api::ApiError&)> refused;
    api::Fence fence;
    std::function<bool()> leading;  // asked before each request
    // The role is lost: nothing more is sent, plans under way are dropped.
    std::function<void()> on_lost;
    std::function<void(Controller&, const Occurrence&)> occurred;
  };
  using Done = Callback<void(PlanResult)>;

  PlanRunner(Loop& loop, client::ApiClient& client, const client::Cache& cache, Rng rng,
             Options options);
  PlanRunner(const PlanRunner&) = delete;
  PlanRunner& operator=(const PlanRunner&) = delete;

  // `done` is called exactly once, never from inside run(), unless the role is lost or the runner
  // destroyed before. REQUIRES: the plan has writes; `controller` and `metrics` outlive the runner.
  void run(Controller& controller, WriteMetrics& metrics, const api::ObjectKey& key, Plan plan,
           api::BasisPtr basis, Done done);

 private:
  struct Job {
    Controller* controller = nullptr;
    WriteMetrics* metrics = nullptr;
    api::ObjectKey key;
    Plan plan;
    api::BasisPtr basis;
    std::size_t next = 0;         // the first write not yet begun
    std::size_t outstanding = 0;  // begun and not finished
    PlanResult result;
    Done done;
  };
  // One step of one write of one job; travels through the client and comes back.
  struct Step {
    enum class What : uint8_t { check, write, read_back };
    uint64_t job = 0;
    uint32_t write = 0;
    uint16_t check = 0;
    uint16_t attempt = 0;
    What what = What::write;
  };

  void begin_stage(uint64_t id);
  void perform(Step step);
  void send(Step step, api::Request request);
  void on_answer(Step step, api::Response response);
  void on_checked(Step step, const api::Response& response);
  void on_written(Step step, const api::Response& response);
  void on_read_back(Step step, const api::Response& response);
  void write_succeeded(Step step, const api::Response& response);
  void write_refused(Step step, const api::ApiError& error);
  void finish_write(uint64_t id);
  void later(Step step);
  void run_delayed();
  void lost();
  void note_gone(Job& job, const api::ObjectKey& key);
  void choose_name(api::Request& request);
  bool known_absent(const LiveCheck& check) const;
  void remember_absent(const LiveCheck& check);

  Loop& loop_;
  client::ApiClient& client_;
  const client::Cache& cache_;
  Rng rng_;
  Options options_;
  bool lost_ = false;
  uint64_t last_id_ = 0;
  std::map<uint64_t, Job> jobs_;
  std::multimap<Instant, Step> delayed_;
  Timer delay_timer_;
  // Incarnations that a live read found absent. A uid is never reused, so the answer stays true: a
  // thousand orphans of one owner cost one read. Bounded, oldest out first.
  std::set<std::string> absent_;
  std::deque<std::string> absent_order_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace keelson::controllers
