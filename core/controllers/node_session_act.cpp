// Conditions, taints and pods.
#include <algorithm>
#include <utility>

#include "core/controllers/node_session.hpp"

namespace keelson::controllers {
namespace {

// How long to leave a pod alone that a living agent of a not-ready node has called ready again.
constexpr Duration kMarkAgainAfter = 40s;
constexpr Duration kRetryAfter = 1s;

bool write_settled(const api::Response& response) {
  return response.ok() || response.error.reason == api::Reason::not_found;
}

}  // namespace

// Level-triggered: compares the node with what it should be and makes the first write that is
// missing. The write's answer, or the change that it brings, leads back here.
void NodeLifecycle::Session::evaluate(Record& record) {
  if (record.writing) return;
  const NodeVerdict verdict = this->verdict(record.name);
  if (write_unknown(record, verdict)) return;
  if (!write_taints(record, verdict)) mark_pods(record);
}

bool NodeLifecycle::Session::write_unknown(Record& record, NodeVerdict verdict) {
  if (verdict != NodeVerdict::unknown && verdict != NodeVerdict::dead) return false;
  std::string message(kStoppedPosting);
  if (verdict == NodeVerdict::dead) {
    message = "Kubelet stopped posting node status; " +
              std::to_string(record.inquiry->unreached()) + " of " +
              std::to_string(record.inquiry->witnesses.size()) +
              " witnesses could not reach the node.";
  }
  auto changed = with_conditions_unknown(record.node->as<api::Node>(), wall(), message);
  if (!changed) return false;
  record.writing = true;
  const bool was_ready = record.readiness == Readiness::yes;
  send_write(api::update_status(api::make_object(std::move(*changed), record.node->revision())),
             [this, name = record.name, uid = record.node->uid(),
              was_ready](api::Response response) {
               if (response.ok()) ++owner_.stats_.marked_unknown;
               if (response.ok() && was_ready && response.object) {
                 recorder_.record(*response.object, false, "NodeNotReady",
                                  "Node " + name + " status is now: NodeNotReady");
               }
               on_node_written(name, uid, std::move(response));
             });
  return true;
}

TaintGoal::Execute NodeLifecycle::Session::execute_goal(Record& record) {
  using Execute = TaintGoal::Execute;
  const auto& node = record.node->as<api::Node>();
  const Readiness ready = record.readiness;
  const bool wanted =
      !full_ && (ready == Readiness::no || (ready == Readiness::unknown && record.overdue));
  if (!wanted) {
    record.execute_granted = false;
    const bool clear = full_ || ready == Readiness::yes;
    return clear ? Execute::clear : Execute::keep;
  }
  // Swapping one of the two for the other drives nobody away who was not leaving already.
  if (has_taint(node, kTaintNotReady, "NoExecute") ||
      has_taint(node, kTaintUnreachable, "NoExecute")) {
    record.execute_granted = false;
    return Execute::set;
  }
  if (record.execute_granted) return Execute::set;
  if (!std::exchange(record.execute_waiting, true)) {
    zones_[record.zone].execute_queue.push_back(record.name);
    pace_timer_.arm_by(Duration::zero());
  }
  return Execute::keep;
}

TaintGoal::OutOfService NodeLifecycle::Session::out_of_service_goal(Record& record,
                                                                    NodeVerdict verdict) {
  using Goal = TaintGoal::OutOfService;
  if (full_) return record.declared_dead ? Goal::clear : Goal::keep;
  if (verdict == NodeVerdict::dead) {
    if (has_taint(record.node->as<api::Node>(), kTaintOutOfService, "NoExecute")) {
      record.dead_granted = false;
      return Goal::keep;
    }
    if (record.dead_granted) return Goal::set;
    if (!std::exchange(record.dead_waiting, true)) {
      zones_[record.zone].dead_queue.push_back(record.name);
      pace_timer_.arm_by(Duration::zero());
    }
    return Goal::keep;
  }
  record.dead_granted = false;
  return record.declared_dead && record.live_sign ? Goal::clear : Goal::keep;
}

bool NodeLifecycle::Session::write_taints(Record& record, NodeVerdict verdict) {
  TaintGoal goal;
  goal.execute = execute_goal(record);
  goal.out_of_service = out_of_service_goal(record, verdict);
  if (goal.out_of_service == TaintGoal::OutOfService::set) {
    goal.declared_dead = record.inquiry->question();
  }
  auto changed = with_taints(record.node->as<api::Node>(), goal, wall());
  if (!changed) return false;
  record.writing = true;
  const bool declares = goal.out_of_service == TaintGoal::OutOfService::set;
  send_write(api::update(api::make_object(std::move(*changed), record.node->revision())),
             [this, name = record.name, uid = record.node->uid(),
              declares](api::Response response) {
               if (response.ok() && declares && response.object) {
                 recorder_.record(
                     *response.object, true, "NodeDeclaredDead",
                     "Node " + name + " is silent and witnesses cannot reach it: evicting its pods");
               }
               on_node_written(name, uid, std::move(response));
             });
  return true;
}

void NodeLifecycle::Session::on_node_written(const std::string& name, const std::string& uid,
                                             api::Response response) {
  Record* record = find(name);
  if (!record || record->node->uid() != uid) return;
  record->writing = false;
  if (response.ok() && response.object) {
    adopt(*record, response.object);
    mark_dirty(*record);
    mark_pods(*record);
  } else if (response.error.reason == api::Reason::conflict) {
    read_node(name);  // the informer lags; do not wait for it
  } else if (response.error.reason != api::Reason::not_found) {
    retry_.insert(name);
  }
}

void NodeLifecycle::Session::read_node(const std::string& name) {
  send_write(api::get(api::Kind::nodes, {}, name), [this, name](api::Response response) {
    Record* record = find(name);
    if (!record) return;
    if (response.ok() && response.object && response.object->uid() == record->node->uid()) {
      adopt(*record, response.object);
      mark_dirty(*record);
    } else {
      retry_.insert(name);
    }
  });
}

// Pods on a node that is not ready must not be called ready: nobody checks them any more. What
// counts is the state, not that it just changed, so a crash between two of these writes heals
// (NL-7). Where the agent lives (Ready is False, not Unknown) it may know better and has the last
// word for a while.
void NodeLifecycle::Session::mark_pods(Record& record) {
  if (record.readiness != Readiness::no && record.readiness != Readiness::unknown) return;
  const auto pods = pods_.find(record.name);
  if (pods == pods_.end()) return;
  for (const auto& [uid, pod] : pods->second) {
    if (const auto mark = record.marks.find(uid); mark != record.marks.end()) {
      if (mark->second.from == pod->revision()) continue;
      if (record.readiness == Readiness::no && now() - mark->second.at < kMarkAgainAfter) continue;
    }
    auto changed = with_pod_not_ready(pod->as<api::Pod>(), wall());
    if (!changed) continue;
    record.marks[uid] = {pod->revision(), now()};
    pod_recorder_.record(*pod, true, "NodeNotReady", "Node is not ready");
    send_write(api::update_status(api::make_object(std::move(*changed), pod->revision())),
               [this, name = record.name, uid = uid](api::Response response) {
                 if (write_settled(response)) return;
                 if (Record* marked = find(name)) {
                   marked->marks.erase(uid);
                   retry_.insert(name);
                 }
               });
    if (lost_) return;
  }
}

// Hands tokens to the nodes that wait for one, zone by zone, first come first served.
void NodeLifecycle::Session::serve_queues() {
  if (lost_) return;
  Instant next = Instant::max();
  const auto serve = [&](EvictionLimiter& limiter, std::deque<std::string>& queue, bool dead) {
    while (!queue.empty()) {
      Record* record = find(queue.front());
      const bool stale = !record || !(dead ? record->dead_waiting : record->execute_waiting) ||
                         (dead ? verdict(record->name) != NodeVerdict::dead
                               : record->readiness == Readiness::yes) ||
                         full_;
      if (!stale && !limiter.try_take(now())) {
        next = std::min(next, limiter.next_token(now()));
        return;
      }
      queue.pop_front();
      if (!record) continue;
      (dead ? record->dead_waiting : record->execute_waiting) = false;
      if (!stale) (dead ? record->dead_granted : record->execute_granted) = true;
      mark_dirty(*record);
    }
  };
  for (auto& [name, zone] : zones_) {
    serve(zone.execute, zone.execute_queue, false);
    serve(zone.dead, zone.dead_queue, true);
  }
  if (next != Instant::max()) pace_timer_.arm(std::max(next - now(), Duration::zero()));
}

// --- Evictions -----------------------------------------------------------------------------------

void NodeLifecycle::Session::arm_evictions() {
  if (!synced_ || lost_) return;
  const Instant due = schedule_.next_due();
  if (due == Instant::max()) {
    evict_timer_.disarm();
  } else {
    evict_timer_.arm(std::max(due - now(), Duration::zero()));
  }
}

// Before anybody is driven away the node is read live, once for all of its pods that are due: a
// taint that a cache still shows may be gone (k8s#119862).
void NodeLifecycle::Session::evict_due() {
  if (!check()) return;
  std::map<std::string, std::vector<EvictionSchedule::Due>> by_node;
  for (EvictionSchedule::Due& due : schedule_.take_due(now())) {
    if (full_) {
      schedule_.retry(due.uid, now() + kRetryAfter);
    } else {
      by_node[due.node].push_back(std::move(due));
    }
  }
  for (auto& [node, due] : by_node) {
    send_write(api::get(api::Kind::nodes, {}, node),
               [this, node = node, due = std::move(due)](api::Response live) {
                 evict_from(node, due, live);
                 arm_evictions();
               });
  }
  arm_evictions();
}

void NodeLifecycle::Session::evict_from(const std::string& node,
                                        const std::vector<EvictionSchedule::Due>& due,
                                        const api::Response& live) {
  if (!live.ok() || !live.object) {
    if (live.error.reason == api::Reason::not_found) return;  // for the pod garbage collector
    for (const auto& pod : due) schedule_.retry(pod.uid, now() + kRetryAfter);
    return;
  }
  Record* record = find(node);
  if (!record || record->node->uid() != live.object->uid()) return;
  adopt(*record, live.object);
  const auto taints = no_execute_taints(live.object->as<api::Node>());
  for (const EvictionSchedule::Due& pod : due) {
    const auto known = pods_.find(node);
    if (known == pods_.end()) return;
    const auto it = known->second.find(pod.uid);
    if (it == known->second.end() || it->second->deleting()) continue;
    if (full_ || !schedule_.confirmed(pod.uid, taints, now())) {
      schedule_.retry(pod.uid, now() + kRetryAfter);
      continue;
    }
    evict({pod.uid, node, it->second});
  }
}

void NodeLifecycle::Session::evict(const EvictionSchedule::Due& due) {
  pod_recorder_.record(*due.pod, false, "TaintManagerEviction",
                       "Marking for deletion Pod " + due.pod->ns() + "/" + due.pod->name());
  send_write(api::remove(*due.pod), [this, uid = due.uid](api::Response response) {
    if (response.ok()) {
      ++owner_.stats_.pods_evicted;
    } else if (!write_settled(response) && response.error.reason != api::Reason::conflict) {
      schedule_.retry(uid, now() + kRetryAfter);
      arm_evictions();
    }
  });
}

}  // namespace keelson::controllers
