#include "core/controllers/node_session.hpp"

#include <algorithm>
#include <utility>

namespace keelson::controllers {
namespace {

client::InformerOptions informer_options(api::Kind kind, const NodeLifecycleOptions& options) {
  client::InformerOptions informer;
  informer.kind = kind;
  informer.user = options.user;
  informer.actor = options.actor;
  return informer;
}

client::EventRecorder::Options recorder_options(std::string component,
                                                const NodeLifecycleOptions& options) {
  client::EventRecorder::Options recorder;
  recorder.component = std::move(component);
  recorder.user = options.user;
  recorder.actor = options.actor;
  recorder.warnings_only = options.warnings_only;
  return recorder;
}

}  // namespace

// --- NodeLifecycle -------------------------------------------------------------------------------

NodeLifecycle::NodeLifecycle(Loop& loop, client::ApiClient& client, Rng rng, Log& log,
                             NodeLifecycleOptions options)
    : loop_(loop), client_(client), rng_(rng), log_(log), options_(std::move(options)) {}

NodeLifecycle::~NodeLifecycle() = default;

void NodeLifecycle::start(api::Fence fence, std::function<bool()> leading) {
  stop();
  session_ = std::make_unique<Session>(*this, rng_.fork(++sessions_), std::move(fence),
                                       std::move(leading));
  session_->start();
}

void NodeLifecycle::stop() { session_.reset(); }
bool NodeLifecycle::running() const { return session_ && !session_->lost(); }
bool NodeLifecycle::synced() const { return session_ && session_->synced(); }
bool NodeLifecycle::full_disruption() const { return session_ && session_->full_disruption(); }
NodeVerdict NodeLifecycle::verdict(const std::string& node) const {
  return session_ ? session_->verdict(node) : NodeVerdict::alive;
}

// --- Session: life -------------------------------------------------------------------------------

NodeLifecycle::Session::Session(NodeLifecycle& owner, Rng rng, api::Fence fence,
                                std::function<bool()> leading)
    : owner_(owner),
      fence_(std::move(fence)),
      leading_(std::move(leading)),
      nodes_informer_(owner.loop_, owner.client_, rng.fork("nodes"),
                      informer_options(api::Kind::nodes, owner.options_)),
      pods_informer_(owner.loop_, owner.client_, rng.fork("pods"),
                     informer_options(api::Kind::pods, owner.options_)),
      recorder_(owner.loop_, owner.client_, rng.fork("node-events"),
                recorder_options("node-controller", owner.options_)),
      pod_recorder_(owner.loop_, owner.client_, rng.fork("pod-events"),
                    recorder_options("taint-eviction-controller", owner.options_)),
      clock_(owner.options_.timing.observation_gap, owner.options_.timing.blackout),
      board_([this](api::Request request, Done done) {
        send_write(std::move(request), std::move(done));
      }),
      poll_timer_(owner.loop_, [this] { poll(); }),
      flush_timer_(owner.loop_, [this] { flush(); }),
      evict_timer_(owner.loop_, [this] { evict_due(); }),
      pace_timer_(owner.loop_, [this] { serve_queues(); }) {}

NodeLifecycle::Session::~Session() = default;

void NodeLifecycle::Session::start() {
  nodes_informer_.on_change([this](const api::ObjectPtr& before, const api::ObjectPtr& after) {
    on_node(before, after);
  });
  pods_informer_.on_change([this](const api::ObjectPtr& before, const api::ObjectPtr& after) {
    on_pod(before, after);
  });
  nodes_informer_.on_progress([this] { on_progress(); });
  pods_informer_.on_progress([this] { on_progress(); });
  nodes_informer_.start();
  pods_informer_.start();
}

bool NodeLifecycle::Session::check() {
  if (!lost_ && leading_ && !leading_()) halt();
  return !lost_;
}

void NodeLifecycle::Session::halt() {
  if (std::exchange(lost_, true)) return;
  owner_.log_.warning("node_lifecycle_role_lost", {{"actor", owner_.options_.actor}});
  poll_timer_.disarm();
  flush_timer_.disarm();
  evict_timer_.disarm();
  pace_timer_.disarm();
  writes_.clear();
}

// No decision before the caches contain everything up to the moment at which the role was won
// (LE-5).
void NodeLifecycle::Session::on_progress() {
  if (synced_ || lost_) return;
  const auto caught_up = [&](const client::Informer& informer) {
    return informer.synced() && informer.revision().value >= fence_.token;
  };
  if (!caught_up(nodes_informer_) || !caught_up(pods_informer_)) return;
  synced_ = true;
  if (timing().witnesses) board_.sync();
  poll();
  update_mode();
  for (auto& [name, record] : records_) mark_dirty(record);
  flush_timer_.arm(Duration::zero());
  arm_evictions();
}

NodeVerdict NodeLifecycle::Session::verdict(const std::string& node) const {
  const auto it = records_.find(node);
  if (it == records_.end()) return NodeVerdict::alive;
  const Record& record = it->second;
  const bool dead = !full_ && record.inquiry && record.inquiry->phase == Inquiry::Phase::dead;
  return judge(record.signs, dead, timing(), clock_.now(), wall());
}

// --- Session: requests ---------------------------------------------------------------------------

void NodeLifecycle::Session::stamp(api::Request& request) {
  request.user = owner_.options_.user;
  request.actor = owner_.options_.actor;
  request.fence = fence_;
  auto basis = std::make_shared<api::Basis>();
  basis->read(api::Kind::nodes, nodes_informer_.revision());
  basis->read(api::Kind::pods, pods_informer_.revision());
  request.basis = std::move(basis);
}

void NodeLifecycle::Session::send(api::Request request, Done done) {
  if (!check()) return;
  stamp(request);
  owner_.client_.call(std::move(request), [this, alive = std::weak_ptr<char>(alive_),
                                           done = std::move(done)](api::Response response) mutable {
    if (alive.expired()) return;
    on_answer(response);
    if (!lost_) done(std::move(response));
  });
}

void NodeLifecycle::Session::on_answer(const api::Response& response) {
  if (response.error.fenced) halt();
}

void NodeLifecycle::Session::send_write(api::Request request, Done done) {
  if (lost_) return;
  writes_.emplace_back(std::move(request), std::move(done));
  pump_writes();
}

void NodeLifecycle::Session::pump_writes() {
  if (std::exchange(pumping_, true)) return;
  while (!lost_ && !writes_.empty() && writes_in_flight_ < owner_.options_.writes_in_flight) {
    auto [request, done] = std::move(writes_.front());
    writes_.pop_front();
    ++writes_in_flight_;
    send(std::move(request), [this, done = std::move(done)](api::Response response) mutable {
      --writes_in_flight_;
      done(std::move(response));
      pump_writes();
    });
  }
  pumping_ = false;
}

// --- Session: caches -----------------------------------------------------------------------------

NodeLifecycle::Session::Record* NodeLifecycle::Session::find(const std::string& name) {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

void NodeLifecycle::Session::on_node(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  if (lost_) return;
  if (!after) {
    record_membership(*before, "RemovingNode",
                      "Removing Node " + before->name() + " from Controller");
    remove_record(before->name());
    return;
  }
  Record* record = find(after->name());
  // A node that was deleted and made again is another node: nothing known about the old one holds.
  if (record && record->node->uid() != after->uid()) {
    remove_record(after->name());
    record = nullptr;
  }
  if (record) {
    adopt(*record, after);
  } else {
    record_membership(*after, "RegisteredNode",
                      "Registered Node " + after->name() + " in Controller");
    add_record(after);
  }
}

// Kubernetes' wording. Only what happens under our eyes is told: the nodes that were there when the
// role was taken are no news, and with thousands of them the Events would be a storm.
void NodeLifecycle::Session::record_membership(const api::Object& node, const std::string& reason,
                                               const std::string& what) {
  if (!synced_) return;
  recorder_.record(node, false, reason, "Node " + node.name() + " event: " + what);
}

void NodeLifecycle::Session::add_record(const api::ObjectPtr& node) {
  Record& record = records_[node->name()];
  record.name = node->name();
  record.zone = zone_of(node->as<api::Node>());
  record.signs.first_seen = record.signs.changed_at = clock_.now();
  record.in_order = silence_.insert(silence_.end(), &record);
  by_name_.emplace(record.name, &record);
  adopt(record, node);
}

void NodeLifecycle::Session::remove_record(const std::string& name) {
  Record* record = find(name);
  if (!record) return;
  uncount(*record);
  if (inquiring_.erase(name) > 0) board_stale_ = true;
  schedule_.set_taints(name, {}, pods_to_schedule(name), now());
  silence_.erase(record->in_order);
  by_name_.erase(name);
  records_.erase(name);
}

// Takes a newer state of the node in, wherever it was learnt.
void NodeLifecycle::Session::adopt(Record& record, const api::ObjectPtr& node) {
  if (record.node && node->revision() < record.node->revision()) return;
  record.node = node;
  const auto& message = node->as<api::Node>();
  uncount(record);
  record.zone = zone_of(message);
  record.readiness = readiness_of(message);
  record.declared_dead = declared_dead(message);
  const bool first = !record.signs.has_status;
  if (record.signs.status(message, clock_.now())) {
    if (!first) record.live_sign = true;
    sign_of_life(record);
  }
  count(record);
  if (record.readiness == Readiness::yes) record.marks.clear();

  const auto taints = no_execute_taints(message);
  if (!taints.empty() || schedule_.tainted(record.name)) {
    for (const api::ObjectPtr& pod : schedule_.set_taints(
             record.name, taints, pods_to_schedule(record.name), now())) {
      pod_recorder_.record(*pod, false, "TaintManagerEviction",
                           "Cancelling deletion of Pod " + pod->ns() + "/" + pod->name());
    }
    arm_evictions();
  }
  mark_dirty(record);
}

void NodeLifecycle::Session::uncount(Record& record) {
  if (!record.counted) return;
  ZoneCount& count = zones_[record.zone].count;
  --(record.counted_ready ? count.ready : count.not_ready);
  record.counted = false;
}

// Nodes that have never posted a status are neither ready nor broken.
void NodeLifecycle::Session::count(Record& record) {
  uncount(record);
  if (record.readiness == Readiness::absent) return;
  const auto [it, added] = zones_.try_emplace(record.zone);
  if (added) {
    it->second.execute = EvictionLimiter(timing().normal);
    it->second.dead = EvictionLimiter(timing().dead);
  }
  record.counted = true;
  record.counted_ready = record.readiness == Readiness::yes && !record.silent;
  ++(record.counted_ready ? it->second.count.ready : it->second.count.not_ready);
}

void NodeLifecycle::Session::on_pod(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  if (lost_) return;
  if (before && (!after || after->uid() != before->uid())) {
    const std::string& node = before->as<api::Pod>().spec().node_name();
    if (!node.empty()) {
      schedule_.remove_pod(before->uid());
      if (Record* record = find(node)) record->marks.erase(before->uid());
      if (auto it = pods_.find(node); it != pods_.end()) {
        it->second.erase(before->uid());
        if (it->second.empty()) pods_.erase(it);
      }
    }
  }
  if (!after) return;
  const auto& pod = after->as<api::Pod>();
  const std::string& node = pod.spec().node_name();
  if (node.empty()) return;
  pods_[node][after->uid()] = after;
  if (after->deleting()) {
    schedule_.remove_pod(after->uid());
  } else if (schedule_.tainted(node)) {
    schedule_.set_pod(node, after, now());
    arm_evictions();
  }
  if (!pod_ready(pod)) return;
  Record* record = find(node);
  if (record && (record->readiness == Readiness::no || record->readiness == Readiness::unknown)) {
    mark_dirty(*record);
  }
}

std::vector<api::ObjectPtr> NodeLifecycle::Session::pods_to_schedule(
    const std::string& node) const {
  std::vector<api::ObjectPtr> pods;
  if (const auto it = pods_.find(node); it != pods_.end()) {
    for (const auto& [uid, pod] : it->second) {
      if (!pod->deleting()) pods.push_back(pod);
    }
  }
  return pods;
}

void NodeLifecycle::Session::mark_dirty(Record& record) {
  if (std::exchange(record.dirty, true)) return;
  dirty_.push_back(record.name);
  if (dirty_.size() == 1) flush_timer_.arm(Duration::zero());
}

void NodeLifecycle::Session::flush() {
  if (!synced_ || !check()) return;
  update_mode();
  const std::vector<std::string> names = std::exchange(dirty_, {});
  for (const std::string& name : names) {
    Record* record = find(name);
    if (!record) continue;
    record->dirty = false;
    evaluate(*record);
    if (lost_) return;
  }
}

}  // namespace keelson::controllers
