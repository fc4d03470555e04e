#include "tests/scheduler/reference.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/api/quantity.hpp"

namespace keelson::test {
namespace {

constexpr int64_t kMb = 1024 * 1024;

int64_t amount(const std::string& resource, const api::Quantity& quantity) {
  return resource == "cpu" ? api::milli_value_of(quantity) : api::value_of(quantity);
}

template <class Map>
int64_t amount_in(const Map& map, const std::string& resource) {
  const auto it = map.find(resource);
  return it == map.end() ? 0 : amount(resource, it->second);
}

int64_t allocatable(const api::Node& node, const std::string& resource) {
  return amount_in(node.status().allocatable(), resource);
}

void largest_is_100(Reference::ByNode& scores, bool reversed) {
  int64_t most = 0;
  for (const auto& [node, score] : scores) most = std::max(most, score);
  for (auto& [node, score] : scores) {
    if (most > 0) score = score * 100 / most;
    if (reversed) score = 100 - score;
  }
}

}  // namespace

const std::string* label_of(const api::Node& node, const std::string& key) {
  const auto it = node.metadata().labels().find(key);
  return it == node.metadata().labels().end() ? nullptr : &it->second;
}

int64_t Reference::weight(const std::string& plugin) {
  if (plugin == "TaintToleration") return 3;
  if (plugin == "NodeAffinity" || plugin == "PodTopologySpread" || plugin == "InterPodAffinity") {
    return 2;
  }
  return 1;
}

std::vector<Reference::Refusal> Reference::refusals(const api::Node& node) const {
  std::vector<Refusal> out;
  api::Taint cordon;
  cordon.set_key("node.kubernetes.io/unschedulable");
  cordon.set_effect("NoSchedule");
  if (node.spec().unschedulable() && (slips(Slip::cordon_not_tolerable) || !tolerated(cordon))) {
    out.emplace_back("NodeUnschedulable", "node(s) were unschedulable", false);
  }
  if (!pod_.spec().node_name().empty() && pod_.spec().node_name() != node.metadata().name()) {
    out.emplace_back("NodeName", "node(s) didn't match the requested node name", false);
  }
  for (const auto& taint : node.spec().taints()) {
    const bool hard = taint.effect() == "NoSchedule" || taint.effect() == "NoExecute" ||
                      slips(Slip::prefer_taints_filter);
    if (!hard || tolerated(taint)) continue;
    out.emplace_back("TaintToleration",
                     "node(s) had untolerated taint {" + taint.key() + ": " + taint.value() + "}",
                     false);
    break;
  }
  if (!node_affinity(node)) {
    out.emplace_back("NodeAffinity", "node(s) didn't match Pod's node affinity/selector", false);
  }
  if (ports_clash(node)) {
    out.emplace_back("NodePorts", "node(s) didn't have free ports for the requested pod ports",
                     true);
  }
  resource_refusals(node, out);
  spread_refusals(node, out);
  affinity_refusals(node, out);
  return out;
}

std::vector<const api::Node*> Reference::feasible() const {
  Nodes list;
  for (const auto& node : c_.nodes) {
    if (refusals(node).empty()) list.push_back(&node);
  }
  return list;
}

std::map<std::string, Reference::ByNode> Reference::scores(const Nodes& feasible) const {
  std::map<std::string, ByNode> all;
  ByNode taints, affinity, fit, balance, image, spread, pods;
  const auto& preferred =
      pod_.spec().affinity().node_affinity().preferred_during_scheduling_ignored_during_execution();
  for (const api::Node* node : feasible) {
    const std::string& name = node->metadata().name();
    fit[name] = least_allocated(*node);
    balance[name] = balanced(*node);
    image[name] = images(*node);
    taints[name] = 0;
    for (const auto& taint : node->spec().taints()) {
      taints[name] += taint.effect() == "PreferNoSchedule" && !tolerated(taint);
    }
    affinity[name] = 0;
    for (const auto& p : preferred) {
      const bool empty = p.preference().match_expressions().empty() &&
                         p.preference().match_fields().empty();
      const bool match = empty ? slips(Slip::empty_preference_matches)
                               : matches(p.preference(), *node);
      affinity[name] += match ? p.weight() : 0;
    }
  }
  largest_is_100(taints, !slips(Slip::taints_not_reversed));
  largest_is_100(affinity, false);
  all["TaintToleration"] = taints;
  all["NodeAffinity"] = affinity;
  all["NodeResourcesFit"] = fit;
  // A pod that requests nothing is not drawn to where it would change nothing (k8s#129138).
  if (request(pod_, "cpu", false) > 0 || request(pod_, "memory", false) > 0) {
    all["NodeResourcesBalancedAllocation"] = balance;
  }
  all["ImageLocality"] = image;
  if (spread_scores(feasible, spread)) all["PodTopologySpread"] = spread;
  if (affinity_scores(feasible, pods)) all["InterPodAffinity"] = pods;
  return all;
}

bool Reference::tolerated(const api::Taint& taint) const {
  return std::any_of(
      pod_.spec().tolerations().begin(), pod_.spec().tolerations().end(), [&](const auto& t) {
        const bool effect = t.effect().empty() || t.effect() == taint.effect() ||
                            slips(Slip::tolerations_of_any_effect);
        const bool key = t.key().empty() || t.key() == taint.key();
        return effect && key && (t.operator_() == "Exists" || t.value() == taint.value());
      });
}

bool Reference::matches(const api::NodeSelectorTerm& term, const api::Node& node) const {
  if (term.match_expressions().empty() && term.match_fields().empty()) return false;
  for (const auto& e : term.match_expressions()) {
    const std::string* value = label_of(node, e.key());
    bool listed = false;
    for (const auto& v : e.values()) listed |= value != nullptr && v == *value;
    if (e.operator_() == "In" && !listed) return false;
    if (e.operator_() == "NotIn" && listed) return false;
    if (e.operator_() == "NotIn" && value == nullptr && slips(Slip::absent_label_not_not_in)) {
      return false;
    }
    if (e.operator_() == "Exists" && value == nullptr) return false;
    if (e.operator_() == "DoesNotExist" && value != nullptr) return false;
    if (e.operator_() == "Gt" || e.operator_() == "Lt") {
      if (value == nullptr || value->empty()) return false;
      if (value->find_first_not_of("0123456789") != std::string::npos) return false;
      const int64_t number = std::stoll(*value), bound = std::stoll(e.values(0));
      if (e.operator_() == "Gt" ? number <= bound : number >= bound) return false;
    }
  }
  for (const auto& f : term.match_fields()) {  // metadata.name
    const bool listed = std::find(f.values().begin(), f.values().end(), node.metadata().name()) !=
                        f.values().end();
    if (listed != (f.operator_() == "In")) return false;
  }
  return true;
}

bool Reference::node_affinity(const api::Node& node) const {
  for (const auto& [key, value] : pod_.spec().node_selector()) {
    const std::string* has = label_of(node, key);
    if (has == nullptr || *has != value) return false;
  }
  const auto& affinity = pod_.spec().affinity().node_affinity();
  if (!affinity.has_required_during_scheduling_ignored_during_execution()) return true;
  const auto& terms =
      affinity.required_during_scheduling_ignored_during_execution().node_selector_terms();
  const auto match = [&](const auto& term) { return matches(term, node); };
  return slips(Slip::terms_all_must_match) ? std::all_of(terms.begin(), terms.end(), match)
                                           : std::any_of(terms.begin(), terms.end(), match);
}

std::vector<const api::Pod*> Reference::on(const api::Node& node) const {
  std::vector<const api::Pod*> list;
  for (const auto& pod : c_.pods) {
    if (pod.spec().node_name() == node.metadata().name()) list.push_back(&pod);
  }
  return list;
}

bool Reference::ports_clash(const api::Node& node) const {
  using Port = std::tuple<std::string, std::string, int32_t>;
  const auto ports = [](const api::Pod& pod) {
    std::vector<Port> list;
    const auto add = [&](const api::Container& container) {
      for (const auto& p : container.ports()) {
        if (p.host_port() == 0) continue;
        list.emplace_back(p.protocol().empty() ? "TCP" : p.protocol(),
                          p.host_ip().empty() ? "0.0.0.0" : p.host_ip(), p.host_port());
      }
    };
    for (const auto& c : pod.spec().containers()) add(c);
    for (const auto& c : pod.spec().init_containers()) {
      if (c.restart_policy() == "Always") add(c);
    }
    return list;
  };
  for (const api::Pod* other : on(node)) {
    for (const auto& [protocol, ip, port] : ports(*other)) {
      for (const auto& [my_protocol, my_ip, my_port] : ports(pod_)) {
        const bool same_ip = ip == my_ip || ip == "0.0.0.0" || my_ip == "0.0.0.0";
        const bool same_protocol = protocol == my_protocol || slips(Slip::port_of_any_protocol);
        if (port == my_port && same_ip && same_protocol) return true;
      }
    }
  }
  return false;
}

// A container that says nothing about cpu or memory counts, with defaults, as asking for a little.
int64_t Reference::request(const api::Pod& pod, const std::string& resource,
                           bool with_defaults) const {
  const auto of = [&](const api::Container& container) {
    const auto& requests = container.resources().requests();
    if (requests.contains(resource) || !with_defaults || slips(Slip::no_default_requests)) {
      return amount_in(requests, resource);
    }
    return resource == "cpu" ? int64_t{100} : resource == "memory" ? 200 * kMb : int64_t{0};
  };
  int64_t running = 0, sidecars = 0, most = 0;
  for (const auto& c : pod.spec().containers()) running += of(c);
  for (const auto& c : pod.spec().init_containers()) {
    if (c.restart_policy() == "Always") {
      running += of(c);
      sidecars += of(c);
      most = std::max(most, sidecars);
    } else if (slips(Slip::init_containers_add_up)) {
      running += of(c);
    } else {
      most = std::max(most, sidecars + of(c));
    }
  }
  const int64_t overhead =
      slips(Slip::overhead_forgotten) ? 0 : amount_in(pod.spec().overhead(), resource);
  return std::max(running, most) + overhead;
}

int64_t Reference::used(const api::Node& node, const std::string& resource,
                        bool with_defaults) const {
  int64_t sum = 0;
  for (const api::Pod* pod : on(node)) sum += request(*pod, resource, with_defaults);
  return sum;
}

void Reference::resource_refusals(const api::Node& node, std::vector<Refusal>& out) const {
  // That preemption cannot help where the node is too small is v1.34's answer (k8s#131345).
  std::vector<std::string> reasons;
  bool too_small = false;
  const int64_t slack = slips(Slip::one_pod_too_many) ? 1 : 0;
  if (static_cast<int64_t>(on(node).size()) + 1 > allocatable(node, "pods") + slack) {
    reasons.emplace_back("Too many pods");
  }
  std::set<std::string> resources{"cpu", "memory", "ephemeral-storage"};
  for (const auto& c : pod_.spec().containers()) {
    for (const auto& [name, quantity] : c.resources().requests()) resources.insert(name);
  }
  for (const std::string& resource : resources) {
    const int64_t want = request(pod_, resource, false);
    if (want == 0 || want <= allocatable(node, resource) - used(node, resource, false)) continue;
    reasons.push_back("Insufficient " + resource);
    too_small |= want > allocatable(node, resource);
  }
  for (const auto& reason : reasons) out.emplace_back("NodeResourcesFit", reason, !too_small);
}

int64_t Reference::least_allocated(const api::Node& node) const {
  int64_t sum = 0, weights = 0;
  for (const std::string resource : {"cpu", "memory"}) {
    const int64_t whole = allocatable(node, resource);
    if (whole == 0) continue;
    const int64_t taken = used(node, resource, true) + request(pod_, resource, true);
    ++weights;
    if (taken <= whole) sum += (whole - taken) * 100 / whole;
  }
  return weights == 0 ? 0 : sum / weights;
}

int64_t Reference::balanced(const api::Node& node) const {
  const bool defaults = slips(Slip::default_requests_balance);
  std::vector<double> shares;
  for (const std::string resource : {"cpu", "memory"}) {
    const int64_t whole = allocatable(node, resource);
    if (whole == 0) continue;
    const int64_t taken = used(node, resource, defaults) + request(pod_, resource, defaults);
    shares.push_back(
        std::min(1.0, static_cast<double>(taken) / static_cast<double>(whole)));
  }
  const double deviation = shares.size() == 2 ? std::fabs((shares[0] - shares[1]) / 2) : 0;
  return static_cast<int64_t>((1 - deviation) * 100);
}

int64_t Reference::images(const api::Node& node) const {
  int64_t sum = 0, containers = 0;
  const auto add = [&](const api::Container& container) {
    ++containers;
    std::string wanted = container.image();
    if (wanted.find(':') == std::string::npos) wanted += ":latest";
    int64_t size = 0, having = 0;
    bool here = false;
    for (const auto& other : c_.nodes) {
      for (const auto& image : other.status().images()) {
        if (image.names(0) != wanted) continue;
        ++having;
        size = image.size_bytes();
        here |= other.metadata().name() == node.metadata().name();
      }
    }
    if (!here) return;
    const double share = static_cast<double>(having) / static_cast<double>(c_.nodes.size());
    sum += slips(Slip::images_not_spread)
               ? size
               : static_cast<int64_t>(static_cast<double>(size) * share);
  };
  for (const auto& c : pod_.spec().init_containers()) add(c);
  for (const auto& c : pod_.spec().containers()) add(c);
  if (slips(Slip::images_of_one_container)) containers = 1;
  const int64_t least = 23 * kMb, most = 1000 * kMb * containers;
  return (std::clamp(sum, least, most) - least) * 100 / (most - least);
}

}  // namespace keelson::test
