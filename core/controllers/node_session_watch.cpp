// Heartbeats, silence and witnesses.
#include <algorithm>
#include <utility>

#include "core/base/seeded_bug.hpp"
#include "core/controllers/node_session.hpp"

namespace keelson::controllers {
namespace {

// A witness that is no node: none can be called this.
constexpr const char* kOwnEyes = "(controller)";
// Polls that may be on their way at a time: a lost one must not stop the next.
constexpr uint32_t kPollsOutstanding = 4;
// Nodes that fell silent within this time of each other count as having failed together.
constexpr Duration kSameCause = 60s;

}  // namespace

void NodeLifecycle::Session::poll() {
  if (!check()) return;
  const bool settling = unsettled();
  poll_timer_.arm(settling ? timing().fast_poll_period : timing().poll_period);
  for (const std::string& name : std::exchange(retry_, {})) {
    if (Record* record = find(name)) mark_dirty(*record);
  }
  if (timing().witnesses) board_.sync();
  serve_queues();
  if (polls_outstanding_ >= kPollsOutstanding) return;
  ++polls_outstanding_;
  api::Request request;
  request.verb = api::Verb::list_beats;
  request.kind = api::Kind::leases;
  request.ns = "kube-node-lease";
  request.beat_cursor = cursor_;
  send(std::move(request), [this, number = ++polls_sent_, sent = now(),
                            cursor = cursor_](api::Response response) {
    on_beats(number, sent, cursor, std::move(response));
  });
}

// Whether the next poll may bring a decision: a question is open, or a node is late that was not.
bool NodeLifecycle::Session::unsettled() const {
  for (const Record* record : silence_) {
    if (clock_.now() - record->signs.changed_at < late_after()) return false;
    if (!record->silent) return true;
    if (record->inquiry && record->inquiry->phase == Inquiry::Phase::asking) return true;
  }
  return false;
}

void NodeLifecycle::Session::on_beats(uint64_t number, Instant sent, uint64_t cursor,
                                      api::Response response) {
  --polls_outstanding_;
  if (!response.ok() || number <= poll_accepted_) return;
  poll_accepted_ = number;
  if (clock_.look(sent)) {
    ++owner_.stats_.blackouts;
    owner_.log_.info("node_lifecycle_blackout", {{"actor", owner_.options_.actor}});
    forgive_all();
  }
  const bool first = !std::exchange(beats_listed_, true);
  // A cursor that went back is that of a server that started anew: ask it for everything.
  cursor_ = response.beat_cursor < cursor ? 0 : response.beat_cursor;
  for (const api::Beat& beat : response.beats) {
    if (Record* record = find(beat.node)) {
      // What is seen for the first time may be old; only a change is a proof of life.
      const bool fresh = record->signs.has_beat || (!first && cursor != 0);
      if (record->signs.beat(beat, clock_.now())) {
        if (fresh) record->live_sign = true;
        sign_of_life(*record);
      }
    }
    for (const api::PeerReport& report : beat.reports) {
      Record* suspect = find(report.node);
      if (suspect && suspect->inquiry) suspect->inquiry->answer(beat.node, report);
    }
  }
  walk_silence();
  step_inquiries();
  update_mode();
}

void NodeLifecycle::Session::sign_of_life(Record& record) {
  silence_.splice(silence_.end(), silence_, record.in_order);
  const bool was_overdue = std::exchange(record.overdue, false);
  if (record.silent) speak_up(record);
  if (was_overdue || record.declared_dead || record.readiness != Readiness::yes) {
    mark_dirty(record);
  }
}

void NodeLifecycle::Session::fall_silent(Record& record) {
  record.silent = true;
  count(record);
  mark_dirty(record);
  if (!timing().witnesses || !record.signs.has_status) return;
  ++owner_.stats_.suspicions;
  owner_.log_.info("node_suspect", {{"node", record.name}});
  record.inquiry = std::make_unique<Inquiry>();
  record.inquiry->next_at = clock_.now();
  inquiring_.insert(record.name);
}

void NodeLifecycle::Session::speak_up(Record& record) {
  record.silent = false;
  count(record);
  mark_dirty(record);
  if (!record.inquiry) return;
  if (record.inquiry->phase != Inquiry::Phase::dead) ++owner_.stats_.hiccups;
  record.inquiry.reset();
  inquiring_.erase(record.name);
  board_stale_ = true;
}

// The longest silent stand first, so a look costs as much as there are silent nodes.
void NodeLifecycle::Session::walk_silence() {
  for (Record* record : silence_) {
    const Duration silence = silence_of(record->signs, clock_.now(), wall());
    const Duration grace = grace_of(record->signs, timing());
    if (!record->silent && silence >= std::min(timing().suspect_after, grace) &&
        (record->signs.has_status || silence >= grace)) {
      fall_silent(*record);
    }
    if (!record->overdue && silence >= grace) {
      record->overdue = true;
      mark_dirty(*record);
    }
    if (silence < timing().suspect_after && !seeded(SeededBug::lease_wallclock)) break;
  }
}

// Nothing that was known about silence holds any more: every node gets its full time again.
void NodeLifecycle::Session::forgive_all() {
  for (Record* record : silence_) {
    record->signs.changed_at = clock_.now();
    record->overdue = false;
    if (record->silent) speak_up(*record);
  }
}

// Source: Kubernetes' handleDisruption. A zone without a single ready node is evicted from at the
// normal pace; but if every zone is like that, it is the view that is broken, not the nodes.
void NodeLifecycle::Session::update_mode() {
  if (!synced_) return;
  bool any = false, all_full = true;
  for (auto& [name, zone] : zones_) {
    const ZoneState state = zone_state(zone.count);
    zone.execute.set_pace(pace_for(state, zone.count.size(), timing()), now());
    if (zone.count.size() == 0) continue;
    any = true;
    all_full &= state == ZoneState::full;
  }
  const bool full = any && all_full && !seeded(SeededBug::mass_evict);
  if (full == full_) return;
  full_ = full;
  owner_.log_.info(full ? "full_disruption_begins" : "full_disruption_ends");
  if (full) {
    ++owner_.stats_.full_disruptions;
  } else {
    forgive_all();
  }
  for (auto& [name, record] : records_) mark_dirty(record);
}

// A healthy node is never silent for longer than this.
Duration NodeLifecycle::Session::late_after() const {
  return timing().heartbeat_period + timing().poll_period + 500ms;
}

NodeLifecycle::Session::Storm NodeLifecycle::Session::gather_storm() const {
  Storm storm;
  for (const Record* record : silence_) {
    if (clock_.now() - record->signs.changed_at < late_after()) break;
    if (!record->counted) continue;
    storm.everywhere.push_back(record->signs.changed_at);
    storm.by_zone[record->zone].push_back(record->signs.changed_at);
  }
  return storm;
}

// Whether so many others of its zone, or of the cluster, fell silent together with this node that
// it is likelier that they were cut off. Those who are merely late count too: when the first of
// many is asked about, the heartbeats of the rest are only just overdue.
bool NodeLifecycle::Session::in_storm(const Record& record, const Storm& storm) const {
  const auto together = [&](const std::vector<Duration>& heard) {
    const auto from = std::lower_bound(heard.begin(), heard.end(),
                                       record.signs.changed_at - kSameCause);
    const auto to = std::upper_bound(heard.begin(), heard.end(),
                                     record.signs.changed_at + kSameCause);
    return static_cast<uint32_t>(to - from);
  };
  uint32_t all = 0;
  for (const auto& [name, zone] : zones_) all += zone.count.size();
  if (too_many(together(storm.everywhere), all)) return true;
  const auto zone = zones_.find(record.zone);
  const auto heard = storm.by_zone.find(record.zone);
  return zone != zones_.end() && heard != storm.by_zone.end() &&
         too_many(together(heard->second), zone->second.count.size());
}

WitnessPool NodeLifecycle::Session::witness_pool() const {
  // Whoever missed a heartbeat may be in the same trouble as the suspect.
  WitnessPool pool;
  for (const auto& [name, record] : records_) {
    if (record.readiness == Readiness::yes && !record.silent && !record.node->deleting() &&
        record.signs.has_beat && clock_.now() - record.signs.changed_at < late_after()) {
      pool.add(record.zone, name);
    }
  }
  return pool;
}

void NodeLifecycle::Session::step_inquiries() {
  if (inquiring_.empty() && !board_stale_) return;
  const Storm storm = gather_storm();
  std::vector<Record*> to_ask;
  for (const std::string& name : inquiring_) {
    Record& record = *find(name);
    Inquiry& inquiry = *record.inquiry;
    if (inquiry.phase == Inquiry::Phase::asking) weigh_answers(record, in_storm(record, storm));
    if (inquiry.phase == Inquiry::Phase::resting && clock_.now() >= inquiry.next_at && !full_) {
      to_ask.push_back(&record);
    }
  }
  if (!to_ask.empty()) {
    const WitnessPool pool = witness_pool();
    for (Record* record : to_ask) ask(*record, in_storm(*record, storm), pool);
  }
  if (!std::exchange(board_stale_, false)) return;
  WitnessBoard::Questions questions;
  for (const std::string& name : inquiring_) {
    const Inquiry& inquiry = *find(name)->inquiry;
    if (inquiry.phase == Inquiry::Phase::asking) questions.emplace(name, inquiry.question());
  }
  if (!questions.empty()) poll_timer_.arm_by(timing().fast_poll_period);
  board_.set(std::move(questions));
}

void NodeLifecycle::Session::weigh_answers(Record& record, bool storm) {
  Inquiry& inquiry = *record.inquiry;
  for (Witness& witness : inquiry.witnesses) {
    if (witness.node == kOwnEyes) continue;
    const Record* other = find(witness.node);
    witness.lost = !other || clock_.now() - other->signs.changed_at >= late_after();
  }
  const Finding finding = weigh(inquiry, storm, timing(), clock_.now());
  if (finding == Finding::wait) return;
  board_stale_ = true;
  if (finding == Finding::dead) {
    inquiry.phase = Inquiry::Phase::dead;
    record.live_sign = false;
    ++owner_.stats_.declared_dead;
    owner_.log_.info("node_dead", {{"node", record.name}, {"witnesses", inquiry.question()}});
    mark_dirty(record);
    return;
  }
  if (finding == Finding::reached) {
    ++inquiry.reached;
    inquiry.fruitless = 0;
    owner_.log_.info("node_hiccup", {{"node", record.name}});
  } else {
    ++inquiry.fruitless;
    inquiry.reached = 0;
  }
  inquiry.phase = Inquiry::Phase::resting;
  inquiry.next_at = clock_.now() + rest_after(inquiry, timing());
}

void NodeLifecycle::Session::ask(Record& record, bool storm, const WitnessPool& pool) {
  Inquiry& inquiry = *record.inquiry;
  // The role's token makes rounds unique across leaders, so that no answer to an earlier one's
  // question is taken for an answer to ours.
  const uint64_t round = (fence_.token << 20) + ++rounds_;
  std::vector<Witness> witnesses =
      pool.choose(record.name, record.zone, round, timing().witness_count, storm);
  client::PeerProber* const prober = owner_.options_.prober;
  // In a storm it may well be this process that is cut off.
  if (prober && !storm) witnesses.push_back({kOwnEyes});
  if (witnesses.size() < timing().witness_quorum) {
    // Nobody could be believed: wait for the grace period, or for others to come back.
    inquiry.next_at = clock_.now() + timing().answer_timeout;
    return;
  }
  inquiry.phase = Inquiry::Phase::asking;
  inquiry.round = round;
  inquiry.witnesses = std::move(witnesses);
  inquiry.asked_at = clock_.now();
  board_stale_ = true;
  if (prober && !storm) look(record.name, round);
}

// Asks this process's own prober, as witnesses ask theirs.
void NodeLifecycle::Session::look(const std::string& node, uint64_t round) {
  owner_.options_.prober->probe(
      node, [this, alive = std::weak_ptr<char>(alive_), node, round](bool reachable) {
        if (alive.expired()) return;
        Record* record = find(node);
        if (record && record->inquiry) record->inquiry->answer(kOwnEyes, {node, round, reachable});
      });
}

}  // namespace keelson::controllers
