#include "core/agent/admission.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

#include <fmt/format.h>

#include "core/api/device_claims.hpp"
#include "core/api/quantity.hpp"
#include "core/api/taints.hpp"

namespace keelson::agent {

namespace {

using Amounts = std::map<std::string, int64_t>;

// Amounts from outside may be absurd. None counts for more than this (as for the scheduler), so
// that sums do not overflow and turn into room.
constexpr int64_t kMostAmount = int64_t{1} << 52;

int64_t amount(const std::string& resource, const api::Quantity& quantity) {
  const int64_t value = resource == "cpu" ? api::milli_value_of(quantity) : api::value_of(quantity);
  return std::clamp<int64_t>(value, 0, kMostAmount);
}

Amounts requests_of(const api::Container& container) {
  Amounts out;
  // Limits stand in for absent requests, as API defaulting does.
  for (const auto& [name, quantity] : container.resources().limits()) {
    out[name] = amount(name, quantity);
  }
  for (const auto& [name, quantity] : container.resources().requests()) {
    out[name] = amount(name, quantity);
  }
  return out;
}

void add(Amounts& to, const Amounts& more) {
  for (const auto& [name, value] : more) to[name] = std::min(to[name] + value, kMostAmount);
}
void raise(Amounts& to, const Amounts& least) {
  for (const auto& [name, value] : least) to[name] = std::max(to[name], value);
}

bool clash(const std::tuple<std::string, std::string, int32_t>& a,
           const std::tuple<std::string, std::string, int32_t>& b) {
  const auto any = [](const std::string& ip) {
    return ip.empty() || ip == "0.0.0.0" || ip == "::";
  };
  if (std::get<2>(a) != std::get<2>(b) || std::get<1>(a) != std::get<1>(b)) return false;
  return any(std::get<0>(a)) || any(std::get<0>(b)) || std::get<0>(a) == std::get<0>(b);
}

Verdict out_of(const std::string& resource, int64_t wanted, int64_t used, int64_t there) {
  return {"Failed", "OutOf" + resource,
          fmt::format("Pod was rejected: Node didn't have enough resource: {}, requested: {}, "
                      "used: {}, capacity: {}",
                      resource, wanted, used, there)};
}

std::optional<int64_t> integer(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool matches(const api::NodeSelectorRequirement& term, const std::string* value) {
  const std::string& op = term.operator_();
  const auto listed = [&] {
    return value &&
           std::find(term.values().begin(), term.values().end(), *value) != term.values().end();
  };
  if (op == "In") return listed();
  if (op == "NotIn") return !listed();
  if (op == "Exists") return value != nullptr;
  if (op == "DoesNotExist") return value == nullptr;
  if ((op == "Gt" || op == "Lt") && value && term.values_size() == 1) {
    const auto have = integer(*value);
    const auto bound = integer(term.values(0));
    if (have && bound) return op == "Gt" ? *have > *bound : *have < *bound;
  }
  return false;
}

bool matches(const api::NodeSelectorTerm& term, const std::map<std::string, std::string>& labels,
             const std::string& node_name) {
  if (term.match_expressions().empty() && term.match_fields().empty()) return false;
  for (const auto& requirement : term.match_expressions()) {
    const auto found = labels.find(requirement.key());
    if (!matches(requirement, found == labels.end() ? nullptr : &found->second)) return false;
  }
  for (const auto& requirement : term.match_fields()) {
    if (requirement.key() != "metadata.name" || !matches(requirement, &node_name)) return false;
  }
  return true;
}

}  // namespace

PodDemand demand_of(const api::PodSpec& spec, const api::ObjectMeta& meta) {
  // Init containers run one at a time beside the sidecars started before them; then the sidecars
  // and the main containers run together. Source: KEP-753, resource requests of a pod.
  Amounts sidecars, peak;
  PodDemand demand;
  const auto ports = [&](const api::Container& container) {
    for (const api::ContainerPort& port : container.ports()) {
      const int32_t number =
          port.host_port() == 0 && spec.host_network() ? port.container_port() : port.host_port();
      if (number == 0) continue;
      demand.host_ports.emplace_back(port.host_ip(),
                                     port.protocol().empty() ? "TCP" : port.protocol(), number);
    }
  };
  for (const api::Container& container : spec.init_containers()) {
    Amounts own = requests_of(container);
    if (container.restart_policy() == "Always") {
      add(sidecars, own);
      raise(peak, sidecars);
      ports(container);
    } else {
      add(own, sidecars);
      raise(peak, own);
    }
  }
  Amounts total = sidecars;
  for (const api::Container& container : spec.containers()) {
    add(total, requests_of(container));
    ports(container);
  }
  raise(total, peak);
  // What the pod requests as a whole takes the place of the sum. Source: KEP-2837.
  for (const auto& [name, quantity] : spec.resources().requests()) {
    total[name] = amount(name, quantity);
  }
  Amounts overhead;
  for (const auto& [name, quantity] : spec.overhead()) overhead[name] = amount(name, quantity);
  add(total, overhead);
  for (auto& [name, value] : total) {
    if (name == "cpu") {
      demand.cpu_milli = value;
    } else if (name == "memory") {
      demand.memory = value;
    } else if (name == api::kGpuResource) {
      demand.devices = api::device_claims(meta, value);
    } else {
      demand.others.emplace_back(name, value);
    }
  }
  return demand;
}

NodeRoom::NodeRoom(const std::map<std::string, std::string>& allocatable, int max_pods)
    : max_pods_(max_pods) {
  for (const auto& [name, text] : allocatable) {
    const auto parsed = api::QuantityValue::parse(text);
    if (!parsed.ok()) continue;  // the API server will refuse the Node and say so
    const int64_t value = name == "cpu" ? parsed->milli_value() : parsed->value();
    allocatable_[name] = std::clamp<int64_t>(value, 0, kMostAmount);
  }
  const auto pods = allocatable_.find("pods");
  if (pods != allocatable_.end()) max_pods_ = std::min(max_pods_, pods->second);
}

void NodeRoom::reset() {
  used_.clear();
  devices_.clear();
  ports_.clear();
  pods_ = 0;
}

void NodeRoom::take(const PodDemand& demand) {
  ++pods_;
  if (demand.cpu_milli) used_["cpu"] += demand.cpu_milli;
  if (demand.memory) used_["memory"] += demand.memory;
  for (const auto& [name, value] : demand.others) used_[name] += value;
  for (const auto& [name, value] : demand.devices) devices_[name] += value;
  ports_.insert(ports_.end(), demand.host_ports.begin(), demand.host_ports.end());
}

std::optional<Verdict> NodeRoom::short_of(const std::string& resource, int64_t wanted, int64_t used,
                                          int64_t there) const {
  if (wanted == 0 || wanted <= there - used) return std::nullopt;
  return out_of(resource, wanted, used, there);
}

std::optional<Verdict> NodeRoom::short_of_devices(const PodDemand& demand) const {
  // As with others' resources: a node that does not say what it has does not check.
  const auto there = allocatable_.find(api::kGpuResource);
  if (demand.devices.empty() || there == allocatable_.end()) return std::nullopt;
  Amounts both = devices_;
  for (const auto& [name, value] : demand.devices) both[name] += value;
  const std::string what = api::overdrawn_device(both, there->second);
  if (what.empty()) return std::nullopt;
  int64_t wanted = 0, used = 0;
  if (what != api::kGpuResource) {
    const auto held = devices_.find(what);
    used = held == devices_.end() ? 0 : held->second;
    return out_of(what, both[what] - used, used, api::kDeviceMilli);
  }
  const auto whole = [](const auto& claim) {
    return claim.first == api::kGpuResource ? claim.second : int64_t{claim.second > 0};
  };
  for (const auto& claim : demand.devices) wanted += whole(claim);
  for (const auto& claim : devices_) used += whole(claim);
  return out_of(what, wanted, used, there->second);
}

std::optional<Verdict> NodeRoom::refuse(const PodDemand& demand) const {
  const auto of = [](const Amounts& amounts, const std::string& name) {
    const auto found = amounts.find(name);
    return found == amounts.end() ? int64_t{0} : found->second;
  };
  if (auto no = short_of("pods", 1, pods_, max_pods_)) return no;
  const auto check = [&](const std::string& name, int64_t wanted) {
    return short_of(name, wanted, of(used_, name), of(allocatable_, name));
  };
  // A node that does not say how much of the basics it has is not limited by them.
  if (allocatable_.contains("cpu")) {
    if (auto no = check("cpu", demand.cpu_milli)) return no;
  }
  if (allocatable_.contains("memory")) {
    if (auto no = check("memory", demand.memory)) return no;
  }
  for (const auto& [name, wanted] : demand.others) {
    if (name == "ephemeral-storage" && !allocatable_.contains(name)) continue;
    // Advertised by others, whom the scheduler has asked. Source: kubelet's
    // removeMissingExtendedResources.
    if (name.find('/') != std::string::npos && !allocatable_.contains(name)) continue;
    if (auto no = check(name, wanted)) return no;
  }
  if (auto no = short_of_devices(demand)) return no;
  for (const auto& mine : demand.host_ports) {
    for (const auto& theirs : ports_) {
      if (clash(mine, theirs)) {
        return Verdict{
            "Failed", "NodePorts",
            "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports "
            "for the requested pod ports"};
      }
    }
  }
  return std::nullopt;
}

bool matches_node(const api::PodSpec& spec, const std::map<std::string, std::string>& labels,
                  const std::string& node_name) {
  for (const auto& [key, value] : spec.node_selector()) {
    const auto found = labels.find(key);
    if (found == labels.end() || found->second != value) return false;
  }
  const api::NodeAffinity& affinity = spec.affinity().node_affinity();
  if (!affinity.has_required_during_scheduling_ignored_during_execution()) return true;
  // Terms are alternatives; no terms match nothing.
  for (const auto& term :
       affinity.required_during_scheduling_ignored_during_execution().node_selector_terms()) {
    if (matches(term, labels, node_name)) return true;
  }
  return false;
}

Verdict node_affinity_verdict() {
  return {"Failed", "NodeAffinity",
          "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't "
          "match Pod's node affinity/selector"};
}

bool may_stay(const api::PodSpec& spec, const std::vector<api::Taint>& taints) {
  return std::all_of(taints.begin(), taints.end(), [&](const api::Taint& taint) {
    return taint.effect() != "NoExecute" || api::tolerates(spec, taint);
  });
}

Verdict taint_toleration_verdict() {
  return {"Failed", "TaintToleration",
          "Pod was rejected: Predicate TaintToleration failed: node(s) had taints that the pod "
          "didn't tolerate"};
}

}  // namespace keelson::agent
