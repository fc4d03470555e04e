#include "sim/checks/recorded.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "sim/checks/recorded_ground.hpp"

namespace keelson::sim {

namespace {

// Position among the commits: 2i is right before commit i, 2i + 1 right after it.
using Position = std::size_t;

struct Placed {
  Position position;
  WallTime at;
  std::size_t moment;
};

class Player {
 public:
  explicit Player(Record record)
      : record_(std::move(record)),
        ground_(record_.facts, controllers::node_timing(record_.kubernetes_profile ? "kubernetes" : "keelson")),
        suite_(record_.kubernetes_profile) {
    suite_.attach(ground_);
  }

  Judgement play() {
    order();
    begin();
    for (const Placed& placed : placed_) {
      pass_to(placed.at);
      std::visit([this](auto& what) { show(what); }, record_.moments[placed.moment].what);
    }
    suite_.second();
    if (result_.writes > 0) {
      if ((record_.facts & fact::whole) != 0) suite_.recheck();
      suite_.at_end();
    }
    return judged();
  }

 private:
  // --- Order ---------------------------------------------------------------------------------------

  void order() {
    tell_times();
    WallTime latest;
    std::vector<WallTime> commits;
    for (std::size_t i = 0; i < record_.moments.size(); ++i) {
      Moment& moment = record_.moments[i];
      const auto* transaction = std::get_if<RecordedTransaction>(&moment.what);
      if (transaction == nullptr) continue;
      moment.at = latest = std::max(latest, moment.at);
      note_causes(*transaction, commits.size());
      placed_.push_back({2 * commits.size(), moment.at, i});
      commits.push_back(moment.at);
    }
    for (std::size_t i = 0; i < record_.moments.size(); ++i) {
      Moment& moment = record_.moments[i];
      if (std::holds_alternative<RecordedTransaction>(moment.what)) continue;
      const auto before = std::lower_bound(commits.begin(), commits.end(), moment.at);
      Position position = 2 * static_cast<std::size_t>(before - commits.begin());
      // Whatever is noted at the time of a commit comes before it, and so does all from earlier.
      position = position == 0 ? 0 : position - 1;
      if (const auto* container = std::get_if<RecordedContainer>(&moment.what)) {
        position = by_cause(*container, position, moment.at, commits);
      }
      const std::size_t neighbour = position / 2;
      if (position % 2 == 1) moment.at = std::max(moment.at, commits[neighbour]);
      placed_.push_back({position, moment.at, i});
    }
    std::stable_sort(placed_.begin(), placed_.end(), [](const Placed& a, const Placed& b) {
      return std::tie(a.position, a.at) < std::tie(b.position, b.at);
    });
  }

  static bool untold(WallTime at) {
    constexpr int64_t kMost = 4'000'000'000'000'000'000;
    return at.unix_ns <= 0 || at.unix_ns > kMost;
  }
  // Of commits from the next one, since they are in order; all else is as old as the first commit.
  void tell_times() {
    WallTime next, last;
    for (auto it = record_.moments.rbegin(); it != record_.moments.rend(); ++it) {
      if (!std::holds_alternative<RecordedTransaction>(it->what)) continue;
      if (untold(it->at)) {
        it->at = next;
      } else {
        next = it->at;
        last = std::max(last, next);
      }
    }
    for (Moment& moment : record_.moments) {
      if (untold(moment.at)) {
        moment.at = std::holds_alternative<RecordedTransaction>(moment.what) ? last : next;
      }
    }
  }

  void note_causes(const RecordedTransaction& transaction, std::size_t commit) {
    for (const RecordedWrite& write : transaction.writes) {
      if (epochs_.empty() || epochs_.rbegin()->second != write.revision.epoch) {
        epochs_[write.revision.value] = write.revision.epoch;
      }
      if (write.key.kind != api::Kind::pods) continue;
      if (write.object) {
        names_[write.key] = write.object->uid();
        if (!write.object->as<api::Pod>().spec().node_name().empty()) {
          bound_.try_emplace(write.object->uid(), commit);
        }
      } else if (const auto known = names_.find(write.key); known != names_.end()) {
        removed_.try_emplace(known->second, commit);
      }
    }
  }

  Position by_cause(const RecordedContainer& container, Position position, WallTime at,
                    const std::vector<WallTime>& commits) const {
    if (record_.skew == Duration{}) return position;
    const auto& causes = container.started ? bound_ : removed_;
    const auto cause = causes.find(container.info.pod_uid);
    if (cause == causes.end()) return position;
    const std::size_t commit = cause->second;
    const int64_t off = container.started ? commits[commit].unix_ns - at.unix_ns
                                          : at.unix_ns - commits[commit].unix_ns;
    if (off > record_.skew.count()) return position;
    return container.started ? std::max(position, 2 * commit + 1)
                             : std::min(position, commit == 0 ? 0 : 2 * commit - 1);
  }

  // --- Show ----------------------------------------------------------------------------------------

  static Instant instant(WallTime at) { return Instant{Duration{at.unix_ns}}; }

  void begin() {
    if (!placed_.empty()) now_ = placed_.front().at;
    ground_.at(instant(now_));
    suite_.beginning(true);
    std::sort(record_.beginning.begin(), record_.beginning.end(),
              [](const auto& a, const auto& b) { return a->revision() < b->revision(); });
    for (const api::ObjectPtr& object : record_.beginning) {
      commit({{store::Write::Op::put, object->revision(), object, nullptr, nullptr}});
    }
    suite_.beginning(false);
  }

  // The checks look at the clock once a second.
  void pass_to(WallTime at) {
    constexpr int64_t kSecond = 1'000'000'000;
    constexpr int kLooks = 600;
    for (int looks = 0; at.unix_ns - now_.unix_ns >= kSecond; ++looks) {
      now_.unix_ns = looks < kLooks ? now_.unix_ns + kSecond : at.unix_ns;
      ground_.at(instant(now_));
      suite_.second();
    }
    now_ = std::max(now_, at);
    ground_.at(instant(now_));
  }

  void commit(const std::vector<store::StoreEvent>& events) { suite_.commits(events); }

  void show(const RecordedTransaction& transaction) {
    const bool whole = (record_.facts & fact::whole) != 0;
    std::vector<store::StoreEvent> events;
    for (const RecordedWrite& write : transaction.writes) {
      ++result_.writes;
      if (whole && write.op == store::Write::Op::remove) ++replayed_;
      store::StoreEvent event{write.op, write.revision, write.object, suite_.state().get(write.key),
                              transaction.by};
      if (!event.object && event.previous && write.key.kind == api::Kind::pods) may_have_ended(*event.previous);
      if (!event.object && !event.previous) {
        if (whole) {
          broken("ST-1", write.revision,
                 "revision " + api::to_string(write.revision) + " removes " + api::to_string(write.key) +
                     ", which was not there");
        }
        event.previous = nobody(write.key, write.revision);
      }
      // What the record has not seen before was there before it began, or so it must be assumed.
      const bool found = !whole && seen_.insert(write.key).second && !known_at_beginning(write.key);
      if (found || was_found_) follows(write);
      was_found_ = found;
      last_ = write.revision;
      if (found) {
        flush(events);
        suite_.beginning(true);
        commit({event});
        suite_.beginning(false);
        continue;
      }
      events.push_back(std::move(event));
    }
    flush(events);
  }
  // An agent writes its journal a few seconds after it has removed something.
  void may_have_ended(const api::Object& pod) {
    const std::string& node = pod.as<api::Pod>().spec().node_name();
    const auto until = record_.told_until.find(node);
    if (until == record_.told_until.end() || now_ <= until->second) return;
    auto& running = ground_.running_on(node);
    std::vector<std::string> ids;
    for (const auto& [id, uid] : running) {
      if (uid == pod.uid()) ids.push_back(id);
    }
    for (const std::string& id : ids) {
      running.erase(id);
      suite_.container_stopped(node, infos_[{node, id}]);
    }
  }
  // What is shown as found is judged by nobody, but its revision must be the next one all the same.
  void follows(const RecordedWrite& write) {
    const api::Revision now = write.revision;
    if (!last_ || (now.epoch == last_.epoch && now.value == last_.value + 1)) return;
    if (now.epoch > last_.epoch && now.value > last_.value) return;
    broken("ST-2", now, "revision " + api::to_string(now) + " follows " + api::to_string(last_));
  }
  void flush(std::vector<store::StoreEvent>& events) {
    if (!events.empty()) commit(events);
    events.clear();
  }
  bool known_at_beginning(const api::ObjectKey& key) const {
    return suite_.state().get(key) != nullptr;
  }
  static api::ObjectPtr nobody(const api::ObjectKey& key, api::Revision at) {
    auto message = api::new_message(key.kind);
    api::ObjectMeta& meta = api::mutable_meta_of(key.kind, *message);
    meta.set_namespace_(key.ns);
    meta.set_name(key.name);
    return std::make_shared<const api::Object>(key.kind, api::MessagePtr(std::move(message)), at);
  }

  void show(const RecordedContainer& container) {
    auto& running = ground_.running_on(container.node);
    if (container.started) {
      // Journals say again what runs when an agent begins.
      if (!started_.emplace(container.node, container.info.id).second) return;
      ++result_.containers;
      infos_[{container.node, container.info.id}] = container.info;
      suite_.container_started(container.node, container.info);
      running[container.info.id] = container.info.pod_uid;
    } else if (running.erase(container.info.id) > 0) {
      suite_.container_stopped(container.node, container.info);
    }
  }

  void show(const RecordedAgent& agent) { suite_.process_killed("agent/" + agent.node); }

  void show(const RecordedMachine& machine) {
    const bool before = ground_.powered(machine.node);
    ground_.machine(machine.node, machine.powered, machine.reachable);
    if (before == machine.powered) return;
    if (!machine.powered) lose_all(machine.node);
    suite_.node_powered(machine.node, machine.powered);
  }

  // Its containers are gone with the machine; nobody is left to note it.
  void lose_all(const std::string& node) {
    for (const auto& [id, pod_uid] : std::exchange(ground_.running_on(node), {})) {
      agent::ContainerInfo info = infos_[{node, id}];
      info.reason = "Lost";
      info.exit_code = 137;
      suite_.container_stopped(node, info);
    }
  }

  void show(const api::Beat& beat) { suite_.beat(beat); }
  void show(const RecordedPromise& promise) {
    api::Revision at = promise.revision;
    if (at.epoch == 0) {
      const auto next = epochs_.upper_bound(at.value);
      if (next != epochs_.begin()) at.epoch = std::prev(next)->second;
    }
    suite_.promised(promise.key, at);
  }
  void show(const RecordedRest&) {
    suite_.set_phase(Phase::converging);
    suite_.second();
    result_.pending = suite_.pending();
    suite_.set_phase(Phase::quiet);
  }

  // --- Result --------------------------------------------------------------------------------------

  void broken(std::string invariant, api::Revision revision, std::string what) {
    Violation violation;
    violation.invariant = std::move(invariant);
    violation.at = instant(now_);
    violation.revision = revision;
    violation.what = std::move(what);
    result_.violations.push_back(std::move(violation));
  }

  Judgement judged() {
    for (std::string& damage : record_.damage) broken("ST-1", {}, std::move(damage));
    for (const Violation& violation : suite_.violations()) result_.violations.push_back(violation);
    for (InvariantCount count : suite_.counts()) {
      // What stood before an event is told by the history itself here; hashes and removals can disagree.
      if (count.id == "ST-1") count.evaluations = record_.hashes + replayed_;
      if (count.lacks == 0) {
        result_.judged.push_back(count);
      } else {
        result_.not_applicable.push_back({count.id, count.statement, lack_of(count.lacks)});
      }
    }
    return std::move(result_);
  }

  Record record_;
  RecordedGround ground_;
  CheckSuite suite_;
  Judgement result_;
  WallTime now_;
  api::Revision last_;
  bool was_found_ = false;
  uint64_t replayed_ = 0;
  std::vector<Placed> placed_;
  std::map<api::ObjectKey, std::string> names_;          // pods: uid of the one of that name
  std::map<uint64_t, uint64_t> epochs_;                  // by its first revision
  std::unordered_map<std::string, std::size_t> bound_;   // pod uid -> commit
  std::unordered_map<std::string, std::size_t> removed_;
  std::set<api::ObjectKey> seen_;
  using Name = std::pair<std::string, std::string>;       // of a container: node and id
  std::set<Name> started_;
  std::map<Name, agent::ContainerInfo> infos_;
};

}  // namespace

Judgement judge(Record record) { return Player(std::move(record)).play(); }

}  // namespace keelson::sim
