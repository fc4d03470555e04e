// One term of the node lifecycle controller in its role. Internal to node_lifecycle; the parts are
// node_session.cpp (life, requests, caches), node_session_watch.cpp (heartbeats, silence,
// witnesses) and node_session_act.cpp (conditions, taints, pods).
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base/hash.hpp"
#include "core/client/event_recorder.hpp"
#include "core/client/informer.hpp"
#include "core/controllers/node_health.hpp"
#include "core/controllers/node_lifecycle.hpp"
#include "core/controllers/observed_clock.hpp"
#include "core/controllers/suspicion.hpp"
#include "core/controllers/taint_eviction.hpp"
#include "core/controllers/witness_board.hpp"
#include "core/controllers/zones.hpp"

namespace keelson::controllers {

class NodeLifecycle::Session {
 public:
  Session(NodeLifecycle& owner, Rng rng, api::Fence fence, std::function<bool()> leading);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start();
  bool lost() const { return lost_; }
  bool synced() const { return synced_ && beats_listed_; }
  bool full_disruption() const { return full_; }
  NodeVerdict verdict(const std::string& node) const;

 private:
  using Done = Callback<void(api::Response)>;

  // A pod's Ready condition that this session has set False.
  struct Mark {
    api::Revision from;  // the state of the pod that was judged
    Instant at;
  };
  struct Record {
    std::string name;
    std::string zone;
    api::ObjectPtr node;  // the newest known: from the informer, an own write or a live read
    // Read off the node once per change.
    Readiness readiness = Readiness::absent;
    bool declared_dead = false;

    LifeSigns signs;
    std::list<Record*>::iterator in_order;  // in silence_
    bool live_sign = false;  // it changed under our eyes since it was last declared dead
    bool silent = false;     // for suspect_after
    bool overdue = false;    // for the whole grace
    bool counted = false, counted_ready = false;  // in its zone
    std::unique_ptr<Inquiry> inquiry;

    bool dirty = false;
    bool writing = false;
    // Tokens taken for a taint that is not on the node yet, and places in the queue for one.
    bool execute_granted = false, execute_waiting = false;
    bool dead_granted = false, dead_waiting = false;
    std::map<std::string, Mark> marks;  // by pod uid
  };
  struct Zone {
    ZoneCount count;
    EvictionLimiter execute, dead;
    std::deque<std::string> execute_queue, dead_queue;  // nodes waiting for a token
  };
  struct NameHash {
    std::size_t operator()(const std::string& name) const { return hash_u64(hash_bytes(name)); }
  };
  using PodsByUid = std::map<std::string, api::ObjectPtr>;

  // --- node_session.cpp: life, requests, caches
  bool check();  // still in the role
  void halt();
  void stamp(api::Request& request);
  void send(api::Request request, Done done);       // at once
  void send_write(api::Request request, Done done);  // when its turn comes
  void pump_writes();
  void on_answer(const api::Response& response);
  void on_progress();
  void on_node(const api::ObjectPtr& before, const api::ObjectPtr& after);
  void on_pod(const api::ObjectPtr& before, const api::ObjectPtr& after);
  void add_record(const api::ObjectPtr& node);
  void remove_record(const std::string& name);
  void record_membership(const api::Object& node, const std::string& reason,
                         const std::string& what);
  void adopt(Record& record, const api::ObjectPtr& node);
  Record* find(const std::string& name);
  void count(Record& record);
  void uncount(Record& record);
  std::vector<api::ObjectPtr> pods_to_schedule(const std::string& node) const;
  void mark_dirty(Record& record);
  void flush();
  WallTime wall() const { return owner_.loop_.wall_now(); }
  Instant now() const { return owner_.loop_.now(); }
  const NodeTiming& timing() const { return owner_.options_.timing; }

  // --- node_session_watch.cpp: heartbeats, silence, witnesses
  void poll();
  void on_beats(uint64_t number, Instant sent, uint64_t cursor, api::Response response);
  bool unsettled() const;
  void sign_of_life(Record& record);
  void walk_silence();
  void fall_silent(Record& record);
  void speak_up(Record& record);
  void forgive_all();
  void update_mode();
  void step_inquiries();
  void weigh_answers(Record& record, bool storm);
  void ask(Record& record, bool storm, const WitnessPool& pool);
  void look(const std::string& node, uint64_t round);
  WitnessPool witness_pool() const;
  Duration late_after() const;
  // When the nodes that miss a heartbeat now were last heard of, in ascending order.
  struct Storm {
    std::vector<Duration> everywhere;
    std::map<std::string, std::vector<Duration>> by_zone;
  };
  Storm gather_storm() const;
  bool in_storm(const Record& record, const Storm& storm) const;

  // --- node_session_act.cpp: conditions, taints, pods
  void evaluate(Record& record);
  bool write_unknown(Record& record, NodeVerdict verdict);
  bool write_taints(Record& record, NodeVerdict verdict);
  TaintGoal::Execute execute_goal(Record& record);
  TaintGoal::OutOfService out_of_service_goal(Record& record, NodeVerdict verdict);
  void on_node_written(const std::string& name, const std::string& uid, api::Response response);
  void read_node(const std::string& name);
  void mark_pods(Record& record);
  void serve_queues();
  void arm_evictions();
  void evict_due();
  void evict_from(const std::string& node, const std::vector<EvictionSchedule::Due>& due,
                  const api::Response& live);
  void evict(const EvictionSchedule::Due& due);

  NodeLifecycle& owner_;
  api::Fence fence_;
  std::function<bool()> leading_;
  bool lost_ = false;
  bool synced_ = false;

  client::Informer nodes_informer_, pods_informer_;
  client::EventRecorder recorder_, pod_recorder_;
  ObservedClock clock_;
  WitnessBoard board_;

  std::map<std::string, Record> records_;
  boost::unordered_flat_map<std::string, Record*, NameHash> by_name_;  // for lookup only
  std::list<Record*> silence_;  // the longest silent first
  std::map<std::string, Zone> zones_;
  boost::unordered_flat_map<std::string, PodsByUid, NameHash> pods_;  // by node, for lookup only
  EvictionSchedule schedule_;
  bool full_ = false;  // all zones are fully disrupted

  uint64_t cursor_ = 0;
  uint64_t polls_sent_ = 0, poll_accepted_ = 0;
  uint32_t polls_outstanding_ = 0;
  bool beats_listed_ = false;
  std::set<std::string> inquiring_;
  bool board_stale_ = false;
  uint64_t rounds_ = 0;

  std::vector<std::string> dirty_;
  std::set<std::string> retry_;  // looked at again with the next poll
  std::deque<std::pair<api::Request, Done>> writes_;
  uint32_t writes_in_flight_ = 0;
  bool pumping_ = false;

  Timer poll_timer_, flush_timer_, evict_timer_, pace_timer_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace keelson::controllers
