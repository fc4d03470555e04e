// NL-3, NL-4 and NL-7: what becomes of the pods of nodes that are tainted, dead or gone.
#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "sim/checks/node_truth.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kEvictionInvariants[] = {
    {"NL-3", "A dead node becomes Unknown and tainted and loses its pods; one that returns is Ready.",
     fact::machines | fact::rest},
    {"NL-4", "A pod is evicted only by a taint on its own node that it does not tolerate any longer.",
     fact::provenance | fact::whole},
    {"NL-7", "Pods on a node that is not ready are not Ready; pods of a node that is gone are removed.",
     fact::rest | fact::whole},
};
enum : std::size_t { kDead, kTaint, kNotReady };

constexpr const char* kTaintNotReady = "node.kubernetes.io/not-ready";
constexpr const char* kTaintUnreachable = "node.kubernetes.io/unreachable";
constexpr const char* kTaintOutOfService = "node.kubernetes.io/out-of-service";
constexpr const char* kDeclaredDead = "keelson.dev/declared-dead";

// A deletion may commit so long after the live read that allowed it.
constexpr Duration kDecision = 30s;
// Quarantine, period and some: until then pods of a node that was deleted may be removed even if a new
// node has its name.
constexpr Duration kQuarantine = 90s;

class EvictionCheck final : public Check {
 public:
  explicit EvictionCheck(const CheckContext& context)
      : Check(context), timing_(context.ground.node_timing()) {}
  std::span<const InvariantInfo> invariants() const override { return kEvictionInvariants; }

  void on_commit(const store::StoreEvent& event) override {
    const api::Object& object = event.object ? *event.object : *event.previous;
    if (object.kind() == api::Kind::nodes) {
      on_node(event);
    } else if (object.kind() == api::Kind::pods) {
      on_pod(event);
    }
  }

  void pending(std::vector<Pending>& out) override {
    std::map<std::string, std::pair<uint32_t, uint32_t>> zones;  // ready, not ready
    uint32_t ready = 0;
    for (const auto& [key, node] : state().all(api::Kind::nodes)) {
      const NodeReadiness r = readiness(*node);
      if (r == NodeReadiness::absent) continue;
      auto& zone = zones[zone_of(*node)];
      ++(r == NodeReadiness::yes ? zone.first : zone.second);
      ready += r == NodeReadiness::yes;
    }
    for (const auto& [key, node] : state().all(api::Kind::nodes)) {
      const auto [up, down] = zones[zone_of(*node)];
      const bool partial = up > 0 && down > 2 && down * 100 >= (up + down) * 55;
      const bool stopped = ready == 0 || (partial && up + down <= timing_.large_zone);
      await_node(*node, stopped, out);
      if (ready > 0) await_evictions(*node, out);
    }
    await_registration(out);
    await_removal(out);
  }

  void recheck() override {
    for (const auto& [name, taints] : taints_) {
      const api::Ref<api::Node> node = state().get<api::Node>("", name);
      std::size_t now = 0;
      if (node) {
        for (const auto& taint : node->spec().taints()) now += taint.effect() == "NoExecute";
      }
      const auto kept = std::count_if(taints.spans.begin(), taints.spans.end(),
                                      [](const Span& s) { return s.until == Instant{}; });
      check(kTaint, static_cast<std::size_t>(kept) == now, [&which = name] {
        return "CHECK: the taints kept of node " + which + " differ from those it has";
      });
    }
  }

 private:
  struct Span {
    api::Taint taint;
    Instant since;
    Instant until{};  // zero: it is still there
  };
  struct Taints {
    std::string uid;
    std::vector<Span> spans;
  };
  struct Lost {
    std::string node;
    Instant at;
    std::set<std::string> pods;  // uids
  };

  static bool same(const api::Taint& a, const api::Taint& b) {
    return a.key() == b.key() && a.value() == b.value() &&
           a.time_added().seconds() == b.time_added().seconds() &&
           a.time_added().nanos() == b.time_added().nanos();
  }

  void on_node(const store::StoreEvent& event) {
    const api::Object& object = event.object ? *event.object : *event.previous;
    if (!event.object) {
      Lost lost{object.name(), context().now, {}};
      for (const auto& [key, pod] : state().pods_on(object.name())) lost.pods.insert(pod->uid());
      if (!lost.pods.empty()) {
        homeless_.insert(object.name());
        lost_.push_back(std::move(lost));
      }
    }
    const auto known = taints_.find(object.name());
    const bool tainted =
        event.object && std::any_of(object.as<api::Node>().spec().taints().begin(),
                                    object.as<api::Node>().spec().taints().end(),
                                    [](const auto& t) { return t.effect() == "NoExecute"; });
    if (known == taints_.end() && !tainted) return;
    Taints& taints = known == taints_.end() ? taints_[object.name()] : known->second;
    if (event.object && taints.uid != object.uid()) taints = {object.uid(), {}};
    const Instant now = context().now;
    std::vector<bool> there(taints.spans.size());
    if (event.object) {
      for (const auto& taint : object.as<api::Node>().spec().taints()) {
        if (taint.effect() != "NoExecute") continue;
        bool found = false;
        for (std::size_t i = 0; i < there.size(); ++i) {
          Span& span = taints.spans[i];
          if (span.until != Instant{} || !same(span.taint, taint)) continue;
          found = there[i] = true;
        }
        if (!found) taints.spans.push_back({taint, now});
      }
    }
    for (std::size_t i = 0; i < there.size(); ++i) {
      if (!there[i] && taints.spans[i].until == Instant{}) taints.spans[i].until = now;
    }
    std::erase_if(taints.spans, [&](const Span& s) {
      return s.until != Instant{} && now - s.until > kDecision;
    });
    if (taints.spans.empty()) taints_.erase(object.name());
  }

  void on_pod(const store::StoreEvent& event) {
    const api::Object& object = event.object ? *event.object : *event.previous;
    const std::string& node = object.as<api::Pod>().spec().node_name();
    if (begins_deletion(event) && written_by(event, "node-lifecycle")) evicted(event);
    if (!event.object) {
      bound_.erase(object.uid());
      return;
    }
    if (node.empty()) return;
    if (!event.previous || event.previous->as<api::Pod>().spec().node_name().empty()) {
      bound_[object.uid()] = context().now;
      if (!state().get<api::Node>("", node)) homeless_.insert(node);
    }
    // The last write of the two that make a dead node's pods harmless.
    if (event.previous && ready(event.previous->as<api::Pod>()) &&
        !ready(object.as<api::Pod>()) && written_by(event, "node-lifecycle")) {
      evaluated(kNotReady);
    }
  }

  void evicted(const store::StoreEvent& event) {
    const auto& pod = event.previous->as<api::Pod>();
    const std::string& node = pod.spec().node_name();
    const auto at = bound_.find(event.previous->uid());
    const Instant bound = at == bound_.end() ? Instant{} : at->second;
    const auto taints = taints_.find(node);
    bool allowed = false;
    if (taints != taints_.end()) {
      for (const Span& span : taints->second.spans) {
        const Instant end = span.until == Instant{} ? context().now : span.until;
        if (context().now - end > kDecision) continue;
        const std::optional<Duration> stay = tolerated(pod, span.taint);
        allowed = allowed || (stay && end - std::max(span.since, bound) + 1s >= *stay);
      }
    }
    check(kTaint, allowed,
          [&] {
            return event.previous->name() + " was evicted from node " + node +
                   ", which has had no taint that it does not tolerate (for long enough)";
          },
          &event);
  }

  static bool has_taint(const api::Node& node, std::string_view key, bool no_execute) {
    for (const auto& taint : node.spec().taints()) {
      if (taint.key() == key && (!no_execute || taint.effect() == "NoExecute")) return true;
    }
    return false;
  }

  void await(std::vector<Pending>& out, std::size_t invariant, const api::ObjectKey& object,
             std::string why) {
    out.push_back({std::string(kEvictionInvariants[invariant].id), api::to_string(object), std::move(why)});
  }

  // `stopped`: by its own rules node health taints nothing in this zone now.
  void await_node(const api::Object& object, bool stopped, std::vector<Pending>& out) {
    const auto& node = object.as<api::Node>();
    const NodeReadiness r = readiness(object);
    const NodeTruth truth = ground().truth_of(object.name());
    if (truth == NodeTruth::silent) {
      evaluated(kDead);
      if (r == NodeReadiness::yes) await(out, kDead, object.key(), "is dead, but called Ready");
      const bool execute =
          has_taint(node, kTaintNotReady, true) || has_taint(node, kTaintUnreachable, true);
      if (!stopped && !execute && r != NodeReadiness::absent) {
        await(out, kDead, object.key(), "is dead, but not tainted for eviction");
      }
    } else if (truth == NodeTruth::healthy) {
      evaluated(kDead);
      const bool dead = has_taint(node, kTaintOutOfService, true) &&
                        node.metadata().annotations().contains(kDeclaredDead);
      if (r != NodeReadiness::yes) {
        await(out, kDead, object.key(), "is alive, but not called Ready");
      } else if (dead || has_taint(node, kTaintNotReady, false) ||
                 has_taint(node, kTaintUnreachable, false)) {
        await(out, kDead, object.key(), "is alive and Ready, but still tainted");
      }
    }
    if (r != NodeReadiness::no && r != NodeReadiness::unknown) return;
    for (const auto& [key, pod] : state().pods_on(object.name())) {
      evaluated(kNotReady);
      if (ready(pod->as<api::Pod>())) {
        await(out, kNotReady, pod->key(), "is called Ready on node " + object.name() +
                                              ", which is not ready");
      }
    }
  }

  void await_evictions(const api::Object& object, std::vector<Pending>& out) {
    const auto taints = taints_.find(object.name());
    if (taints == taints_.end()) return;
    for (const auto& [key, pod] : state().pods_on(object.name())) {
      if (pod->deleting()) continue;
      for (const Span& span : taints->second.spans) {
        if (span.until != Instant{} || !tolerated(pod->as<api::Pod>(), span.taint)) continue;
        await(out, kDead, pod->key(), "has to leave node " + object.name() + ", which has the taint " +
                                          span.taint.key());
        break;
      }
    }
  }

  void await_registration(std::vector<Pending>& out) {
    for (const std::string& node : ground().nodes()) {
      const api::ObjectKey key{api::Kind::nodes, "", node};
      if (state().get(key) || ground().truth_of(node) != NodeTruth::healthy) continue;
      await(out, kDead, key, "is alive, but not registered");
    }
  }

  void await_removal(std::vector<Pending>& out) {
    std::erase_if(homeless_, [&](const std::string& name) {
      return state().pods_on(name).empty() || state().get<api::Node>("", name);
    });
    for (const std::string& name : homeless_) {
      for (const auto& [key, pod] : state().pods_on(name)) {
        evaluated(kNotReady);
        await(out, kNotReady, pod->key(), "is on node " + name + ", which is gone");
      }
    }
    std::erase_if(lost_, [&](const Lost& lost) { return context().now - lost.at > kQuarantine; });
    for (const Lost& lost : lost_) {
      if (homeless_.contains(lost.node)) continue;
      for (const auto& [key, pod] : state().pods_on(lost.node)) {
        if (pod->deleting() || !lost.pods.contains(pod->uid())) continue;
        await(out, kNotReady, pod->key(), "was on an earlier node of the name " + lost.node);
      }
    }
  }

  controllers::NodeTiming timing_;
  std::unordered_map<std::string, Taints> taints_;  // by node, tainted (lately) only
  std::unordered_map<std::string, Instant> bound_;  // by pod uid
  std::set<std::string> homeless_;                  // names of absent nodes that pods are bound to
  std::vector<Lost> lost_;
};

}  // namespace

std::unique_ptr<Check> make_eviction_check(const CheckContext& context) {
  return std::make_unique<EvictionCheck>(context);
}

}  // namespace keelson::sim
