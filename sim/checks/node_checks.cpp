// NL-1, NL-2 and NL-5: what node health may conclude from silence, and when it must hold still. The
// silence of a node is measured in true time, from when the store accepted its last sign of life.
#include <algorithm>
#include <unordered_map>

#include "sim/checks/node_truth.hpp"
#include "sim/checks/suite.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kNodeInvariants[] = {
    {"NL-1", "A node is marked Unknown only after it was silent for long enough, or is unreachable.",
     fact::beats | fact::machines | fact::provenance},
    {"NL-2", "A node that was heard of lately is never taken for silent, whatever clocks say.",
     fact::beats | fact::machines | fact::provenance},
    {"NL-5", "While no node at all is ready, nothing is tainted for eviction and nothing is evicted.",
     fact::provenance | fact::whole},
};
enum : std::size_t { kSilent, kLately, kHoldStill };

// A write commits some time after the look on which it was decided: calls are tried again, an API
// server that is in doubt looks for what became of a commit. What was true this long ago excuses it.
constexpr Duration kHealthDecision = 30s;
constexpr Duration kNotice = 20s;

class NodeHealthCheck final : public Check {
 public:
  explicit NodeHealthCheck(const CheckContext& context)
      : Check(context), timing_(context.ground.node_timing()) {}
  std::span<const InvariantInfo> invariants() const override { return kNodeInvariants; }

  void on_beat(const api::Beat& beat) override {
    const auto it = nodes_.find(beat.node);
    if (it == nodes_.end()) return;
    Track& track = it->second;
    // The same number again is a copy that the network made.
    if (track.beaten && track.seq == beat.seq) return;
    track.beaten = true;
    track.seq = beat.seq;
    sign_of_life(track);
  }

  void on_commit(const store::StoreEvent& event) override {
    const api::Object& object = event.object ? *event.object : *event.previous;
    if (object.kind() == api::Kind::pods) {
      if (begins_deletion(event) && written_by(event, "node-lifecycle")) hold_still(event, "evicts");
      return;
    }
    if (object.kind() != api::Kind::nodes) return;
    Track& track = nodes_[object.name()];
    if (event.object && track.uid != object.uid()) {
      track = Track{};
      track.uid = object.uid();
      track.last = context().now;
    }
    if (event.object && event.provenance && event.provenance->actor == "agent/" + object.name() &&
        reported(event)) {
      sign_of_life(track);
    }
    if (event.previous && event.object && written_by(event, "node-lifecycle")) {
      if (readiness(*event.previous) != NodeReadiness::unknown &&
          readiness(object) == NodeReadiness::unknown) {
        marked_unknown(event, track);
      }
      tainted(event, track);
    }
    if (event.previous) count(*event.previous, -1);
    if (event.object) {
      count(object, +1);
    } else {
      nodes_.erase(object.name());
    }
    update_full();
  }

  void on_node_powered(const std::string& node, bool on) override {
    const auto it = nodes_.find(node);
    if (!on && it != nodes_.end()) it->second.unreachable = true;
  }

  void on_second() override {
    // Only of those that miss a heartbeat the truth matters.
    const Duration late = timing_.suspect_after / 3;
    for (auto& [name, track] : nodes_) {
      if (track.unreachable || context().now - track.last < late) continue;
      track.unreachable = ground().unreachable(name);
    }
  }

  void recheck() override {
    int64_t known = 0, ready = 0;
    for (const auto& [key, node] : state().all(api::Kind::nodes)) {
      const NodeReadiness r = readiness(*node);
      known += r != NodeReadiness::absent;
      ready += r == NodeReadiness::yes;
    }
    check(kHoldStill, known == known_ && ready == ready_, [] {
      return "CHECK: the number of ready nodes differs from the one computed anew";
    });
  }

 private:
  struct Track {
    std::string uid;
    bool beaten = false;
    uint64_t seq = 0;
    Instant last{};            // the last sign of life, or its creation
    bool unreachable = false;  // really was, at some time since
    // The longest silence that ended lately.
    Duration gap{};
    Instant gap_end{};
    bool gap_unreachable = false;
  };

  static bool reported(const store::StoreEvent& event) {
    const auto time = [](const api::ObjectPtr& node) {
      std::pair<int64_t, int32_t> at{};
      if (node == nullptr) return at;
      for (const auto& condition : node->as<api::Node>().status().conditions()) {
        if (condition.type() != "Ready" || condition.status() == "Unknown") continue;
        at = {condition.last_heartbeat_time().seconds(), condition.last_heartbeat_time().nanos()};
      }
      return at;
    };
    const auto now = time(event.object);
    return now != std::pair<int64_t, int32_t>{} && now != time(event.previous);
  }

  void sign_of_life(Track& track) {
    const Instant now = context().now;
    const Duration gap = now - track.last;
    if (gap >= timing_.suspect_after / 2 &&
        (gap >= track.gap || now - track.gap_end > kHealthDecision)) {
      track.gap = gap;
      track.gap_end = now;
      track.gap_unreachable = track.unreachable;
    }
    track.last = now;
    track.unreachable = false;
  }

  bool gap_counts(const Track& track) const {
    return track.gap_end != Instant{} && context().now - track.gap_end <= kHealthDecision;
  }

  // Generous by a quarter, for the distance between polls and for calls that take long. Where
  // witnesses may confirm a death, half of what makes a node suspect is the least.
  bool long_enough(Duration silence, bool really_unreachable) const {
    if (silence >= timing_.grace / 4 * 3) return true;
    return timing_.witnesses && really_unreachable && silence >= timing_.suspect_after / 2;
  }

  bool unreachable_lately(const std::string& name, const Track& track) const {
    return track.unreachable || (gap_counts(track) && track.gap_unreachable) ||
           ground().unreachable(name);
  }

  void marked_unknown(const store::StoreEvent& event, const Track& track) {
    const std::string& name = event.object->name();
    const Duration silence = context().now - track.last;
    const bool gone = track.unreachable || ground().unreachable(name);
    Duration longest = silence;
    bool held = long_enough(silence, gone);
    if (gap_counts(track)) {
      held = held || long_enough(track.gap, track.gap_unreachable);
      longest = std::max(longest, track.gap);
    }
    const auto text = [&] {
      return "node " + name + " was marked Unknown, but its last sign of life was accepted " +
             std::to_string(silence.count() / 1'000'000) + " ms ago" +
             (gone ? "" : ", and it can be reached");
    };
    const bool lately = longest < timing_.grace / 2;
    check(kLately, held || !lately, text, &event);
    check(kSilent, held || lately, text, &event);
  }

  static bool has_taint(const api::Object& node, const std::string& key) {
    for (const auto& taint : node.as<api::Node>().spec().taints()) {
      if (taint.key() == key && taint.effect() == "NoExecute") return true;
    }
    return false;
  }

  void tainted(const store::StoreEvent& event, const Track& track) {
    static const std::string kNotReady = "node.kubernetes.io/not-ready";
    static const std::string kUnreachable = "node.kubernetes.io/unreachable";
    static const std::string kOutOfService = "node.kubernetes.io/out-of-service";
    const auto added = [&](const std::string& key) {
      return has_taint(*event.object, key) && !has_taint(*event.previous, key);
    };
    const bool dead = added(kOutOfService);
    // One of the two in place of the other drives nobody away who was not leaving already.
    const bool swapped =
        has_taint(*event.previous, kNotReady) || has_taint(*event.previous, kUnreachable);
    if (dead || (!swapped && (added(kNotReady) || added(kUnreachable)))) {
      hold_still(event, "taints");
    }
    if (!dead) return;
    check(kSilent, unreachable_lately(event.object->name(), track),
          [&] {
            return "node " + event.object->name() +
                   " was declared dead, but it has power and others can reach it";
          },
          &event);
  }

  void hold_still(const store::StoreEvent& event, const char* what) {
    check(kHoldStill, full_since_ == Instant{} || context().now - full_since_ < kNotice,
          [&] {
            return std::string("node health ") + what + " although none of " +
                   std::to_string(known_) + " nodes has been ready for " +
                   std::to_string((context().now - full_since_) / 1s) + " s";
          },
          &event);
  }

  void count(const api::Object& node, int sign) {
    const NodeReadiness r = readiness(node);
    if (r != NodeReadiness::absent) known_ += sign;
    if (r == NodeReadiness::yes) ready_ += sign;
  }
  void update_full() {
    if (known_ == 0 || ready_ > 0) {
      full_since_ = {};
    } else if (full_since_ == Instant{}) {
      full_since_ = context().now;
    }
  }

  controllers::NodeTiming timing_;
  std::unordered_map<std::string, Track> nodes_;
  int64_t known_ = 0, ready_ = 0;  // nodes with a Ready condition, and those where it is True
  Instant full_since_{};           // since when no node is ready; zero: some are
};

}  // namespace

void add_node_checks(const CheckContext& context, Checks& checks) {
  checks.push_back(std::make_unique<NodeHealthCheck>(context));
  checks.push_back(make_eviction_check(context));
}

}  // namespace keelson::sim
