// The scheduler's rules once more, written for being obviously right and nothing else: no
// interning, no columns, floating point where the rule is stated with it. Compared with the real
// thing on random clusters.
#pragma once

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/api/quantity.hpp"
#include "core/api/selector.hpp"
#include "tests/support/builders.hpp"

namespace keelson::test {

struct ReferenceCluster {
  std::vector<api::Node> nodes;
  std::vector<api::Pod> pods;                     // on nodes
  std::vector<api::LabelSelectorMatcher> spread;  // the selectors of the incoming pod's workload
};

class Reference {
 public:
  Reference(const ReferenceCluster& cluster, const api::Pod& pod) : c_(cluster), pod_(pod) {}

  // The pod's node selector and required node affinity.
  bool selects(const api::Node& node) const {
    for (const auto& [key, value] : pod_.spec().node_selector()) {
      const auto it = node.metadata().labels().find(key);
      if (it == node.metadata().labels().end() || it->second != value) return false;
    }
    if (pod_.spec()
            .affinity()
            .node_affinity()
            .has_required_during_scheduling_ignored_during_execution()) {
      bool any = false;
      for (const auto& term : pod_.spec()
                                  .affinity()
                                  .node_affinity()
                                  .required_during_scheduling_ignored_during_execution()
                                  .node_selector_terms()) {
        any |= matches(term, node);
      }
      if (!any) return false;
    }
    return true;
  }

  bool feasible(const api::Node& node) const {
    api::Taint cordoned;
    cordoned.set_key("node.kubernetes.io/unschedulable");
    cordoned.set_effect("NoSchedule");
    if (node.spec().unschedulable() && !tolerated(cordoned)) return false;
    for (const auto& taint : node.spec().taints()) {
      if (taint.effect() != "PreferNoSchedule" && !tolerated(taint)) return false;
    }
    if (!selects(node)) return false;
    for (const auto& other : on(node)) {
      for (const auto& a : other.spec().containers()) {
        for (const auto& x : a.ports()) {
          for (const auto& b : pod_.spec().containers()) {
            for (const auto& y : b.ports()) {
              if (x.host_port() == y.host_port()) return false;
            }
          }
        }
      }
    }
    if (static_cast<int64_t>(on(node).size()) + 1 > allocatable(node, "pods")) return false;
    for (const std::string r : {"cpu", "memory", "nvidia.com/gpu"}) {
      const int64_t want = request(pod_, r);
      if (want > 0 && used(node, r) + want > allocatable(node, r)) return false;
    }
    return true;
  }

  // The weighted total of each feasible node, by name.
  std::map<std::string, int64_t> totals() const {
    std::vector<const api::Node*> nodes;
    for (const auto& node : c_.nodes) {
      if (feasible(node)) nodes.push_back(&node);
    }
    std::map<std::string, int64_t> totals;
    std::map<std::string, int64_t> taints, affinity, spread;
    for (const auto* node : nodes) {
      const std::string& name = node->metadata().name();
      totals[name] += least_allocated(*node) + balanced(*node) + images(*node);
      for (const auto& taint : node->spec().taints()) {
        taints[name] += taint.effect() == "PreferNoSchedule" && !tolerated(taint);
      }
      for (const auto& p : pod_.spec()
                               .affinity()
                               .node_affinity()
                               .preferred_during_scheduling_ignored_during_execution()) {
        if (matches(p.preference(), *node)) affinity[name] += p.weight();
      }
      spread[name] = spread_raw(*node, nodes);
    }
    // The plugin skips its scores when nobody has such a taint: the same constant for all.
    bool preferring = false;
    for (const auto& node : c_.nodes) {
      for (const auto& t : node.spec().taints()) preferring |= t.effect() == "PreferNoSchedule";
    }
    for (const auto* node : nodes) {
      const std::string& name = node->metadata().name();
      const int64_t most_taints = max_of(taints), most_affinity = max_of(affinity);
      if (preferring) {
        totals[name] += 3 * (100 - (most_taints == 0 ? 0 : 100 * taints[name] / most_taints));
      }
      if (most_affinity > 0) totals[name] += 2 * (100 * affinity[name] / most_affinity);
      if (!c_.spread.empty()) {
        const int64_t most = max_of(spread), least = min_of(spread);
        totals[name] += 2 * (most == 0 ? 100 : 100 * (most + least - spread[name]) / most);
      }
    }
    return totals;
  }

  static int64_t request(const api::Pod& pod, const std::string& resource) {
    int64_t sum = 0;
    for (const auto& container : pod.spec().containers()) {
      const auto it = container.resources().requests().find(resource);
      if (it == container.resources().requests().end()) continue;
      sum += resource == "cpu" ? api::milli_value_of(it->second) : api::value_of(it->second);
    }
    return sum;
  }

 private:
  static int64_t max_of(const std::map<std::string, int64_t>& m) {
    int64_t most = 0;
    for (const auto& [name, v] : m) most = std::max(most, v);
    return most;
  }
  static int64_t min_of(const std::map<std::string, int64_t>& m) {
    int64_t least = INT64_MAX;
    for (const auto& [name, v] : m) least = std::min(least, v);
    return least;
  }
  static int64_t nonzero(const api::Pod& pod, const std::string& resource) {
    int64_t sum = 0;
    for (const auto& container : pod.spec().containers()) {
      const auto it = container.resources().requests().find(resource);
      if (it == container.resources().requests().end()) {
        sum += resource == "cpu" ? 100 : 200 * 1024 * 1024;
      } else {
        sum += resource == "cpu" ? api::milli_value_of(it->second) : api::value_of(it->second);
      }
    }
    return sum;
  }
  std::vector<api::Pod> on(const api::Node& node) const {
    std::vector<api::Pod> list;
    for (const auto& p : c_.pods) {
      if (p.spec().node_name() == node.metadata().name()) list.push_back(p);
    }
    return list;
  }
  int64_t allocatable(const api::Node& node, const std::string& resource) const {
    const auto it = node.status().allocatable().find(resource);
    if (it == node.status().allocatable().end()) return 0;
    return resource == "cpu" ? api::milli_value_of(it->second) : api::value_of(it->second);
  }
  int64_t used(const api::Node& node, const std::string& resource) const {
    int64_t sum = 0;
    for (const auto& p : on(node)) sum += request(p, resource);
    return sum;
  }
  bool tolerated(const api::Taint& taint) const {
    for (const auto& t : pod_.spec().tolerations()) {
      if (!t.effect().empty() && t.effect() != taint.effect()) continue;
      if (!t.key().empty() && t.key() != taint.key()) continue;
      if (t.operator_() == "Exists" || t.value() == taint.value()) return true;
    }
    return false;
  }
  static bool matches(const api::NodeSelectorTerm& term, const api::Node& node) {
    if (term.match_expressions().empty()) return false;
    for (const auto& e : term.match_expressions()) {
      const auto it = node.metadata().labels().find(e.key());
      const bool has = it != node.metadata().labels().end();
      bool listed = false;
      for (const auto& v : e.values()) listed |= has && v == it->second;
      if (e.operator_() == "In" && !listed) return false;
      if (e.operator_() == "NotIn" && listed) return false;
      if (e.operator_() == "Exists" && !has) return false;
      if (e.operator_() == "DoesNotExist" && has) return false;
    }
    return true;
  }
  int64_t least_allocated(const api::Node& node) const {
    int64_t sum = 0, weights = 0;
    for (const std::string r : {"cpu", "memory"}) {
      const int64_t whole = allocatable(node, r);
      if (whole == 0) continue;
      int64_t requested = nonzero(pod_, r);
      for (const auto& p : on(node)) requested += nonzero(p, r);
      ++weights;
      if (requested <= whole) sum += (whole - requested) * 100 / whole;
    }
    return weights == 0 ? 0 : sum / weights;
  }
  int64_t balanced(const api::Node& node) const {
    if (request(pod_, "cpu") == 0 && request(pod_, "memory") == 0) return 0;  // skipped
    std::vector<double> shares;
    for (const std::string r : {"cpu", "memory"}) {
      const auto whole = static_cast<double>(allocatable(node, r));
      if (whole == 0) continue;
      // In millionths, rounded down: the precision that the plugin promises.
      const double share = static_cast<double>(used(node, r) + request(pod_, r)) / whole;
      shares.push_back(std::floor(std::min(share, 1.0) * 1e6));
    }
    if (shares.size() < 2) return 100;
    const double deviation = std::floor(std::fabs(shares[0] - shares[1]) / 2);
    return static_cast<int64_t>((1e6 - deviation) / 1e4);
  }
  int64_t images(const api::Node& node) const {
    bool known = false;
    int64_t sum = 0, containers = 0;
    for (const auto& container : pod_.spec().containers()) {
      ++containers;
      int64_t size = 0, having = 0;
      bool here = false;
      for (const auto& other : c_.nodes) {
        for (const auto& image : other.status().images()) {
          if (image.names(0) != container.image()) continue;
          ++having;
          size = image.size_bytes();
          here |= &other == &node || other.metadata().name() == node.metadata().name();
        }
      }
      known |= having > 0;
      if (here) sum += size * having / static_cast<int64_t>(c_.nodes.size());
    }
    if (!known) return 0;
    const int64_t mb = 1024 * 1024, least = 23 * mb, most = 1000 * mb * containers;
    return (std::clamp(sum, least, most) - least) * 100 / (most - least);
  }
  int64_t neighbours(const api::Node& node) const {
    int64_t n = 0;
    for (const auto& p : on(node)) {
      bool all = true;
      for (const auto& s : c_.spread) all &= s.matches(p.metadata().labels());
      n += all;
    }
    return n;
  }
  static std::string zone_of(const api::Node& node) {
    const auto it = node.metadata().labels().find("topology.kubernetes.io/zone");
    return it == node.metadata().labels().end() ? "" : it->second;
  }
  int64_t spread_raw(const api::Node& node, const std::vector<const api::Node*>& feasible) const {
    std::set<std::string> zones;
    for (const auto* n : feasible) {
      zones.insert(zone_of(*n));  // having none counts as one
    }
    const auto weight = [](std::size_t n) {
      return std::log(static_cast<double>(n + 2));
    };
    double score = static_cast<double>(neighbours(node)) * weight(feasible.size()) + 2;
    if (!zone_of(node).empty()) {
      int64_t in_zone = 0;
      for (const auto& n : c_.nodes) {
        // Nodes that the pod's node affinity excludes do not count (nodeAffinityPolicy: Honor).
        if (zone_of(n) == zone_of(node) && selects(n)) in_zone += neighbours(n);
      }
      score += static_cast<double>(in_zone) * weight(zones.size()) + 4;
    }
    return static_cast<int64_t>(std::floor(score + 0.5));
  }

  const ReferenceCluster& c_;
  const api::Pod& pod_;
};

}  // namespace keelson::test
