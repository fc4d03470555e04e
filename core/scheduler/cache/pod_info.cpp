#include "core/scheduler/cache/pod_info.hpp"

#include <algorithm>
#include <boost/container/flat_map.hpp>
#include <charconv>

#include "core/api/quantity.hpp"

namespace keelson::scheduler {
namespace {

// Sorted: a pod may name ten thousand resources.
using Amounts = boost::container::flat_map<ResourceId, int64_t>;

int64_t amount_of(ResourceId id, const api::Quantity& quantity) {
  return id == kCpu ? api::milli_value_of(quantity) : api::value_of(quantity);
}

void add(Amounts& to, const Amounts& from) {
  for (const auto& [id, amount] : from) {
    int64_t& sum = to[id];
    sum = std::min(sum + amount, kMostAmount);
  }
}

void raise(Amounts& to, const Amounts& from) {
  for (const auto& [id, amount] : from) {
    int64_t& most = to[id];
    most = std::max(most, amount);
  }
}

template <class Map>
Amounts read(Vocabulary& words, const Map& requests) {
  Amounts amounts;
  for (const auto& [name, quantity] : requests) {
    const ResourceId id = words.resource(name);
    if (id == kPods) continue;  // counted by pods, not requested
    amounts[id] = std::clamp<int64_t>(amount_of(id, quantity), 0, kMostAmount);
  }
  return amounts;
}

Amounts of_container(Vocabulary& words, const api::Container& container, bool with_defaults) {
  Amounts amounts = read(words, container.resources().requests());
  if (with_defaults) {
    const auto& requests = container.resources().requests();
    if (!requests.contains("cpu")) amounts[kCpu] = kDefaultMilliCpuRequest;
    if (!requests.contains("memory")) amounts[kMemory] = kDefaultMemoryRequest;
  }
  return amounts;
}

// What a node must hold for the pod: its containers and sidecars together, or at some moment of its
// start the sidecars so far and one init container, whichever is more; plus its overhead.
// Source: KEP-753 (sidecar containers), KEP-2837 (pod-level resources).
Amounts effective_requests(Vocabulary& words, const api::PodSpec& spec, bool with_defaults) {
  Amounts total, sidecars, most;
  for (const auto& container : spec.containers()) {
    add(total, of_container(words, container, with_defaults));
  }
  for (const auto& container : spec.init_containers()) {
    Amounts own = of_container(words, container, with_defaults);
    if (container.restart_policy() == "Always") {
      add(total, own);
      add(sidecars, own);
      raise(most, sidecars);
    } else {
      add(own, sidecars);
      raise(most, own);
    }
  }
  raise(total, most);
  if (spec.has_resources()) {
    for (const auto& [id, amount] : read(words, spec.resources().requests()))
      total[id] = amount;
  }
  add(total, read(words, spec.overhead()));
  return total;
}

void read_requests(Vocabulary& words, const api::PodSpec& spec, PodInfo& info) {
  for (const auto& [id, amount] : effective_requests(words, spec, false)) {
    if (id < kFirstExtended) {
      info.requests[id] = amount;
    } else if (amount > 0) {
      info.extended.emplace_back(id, amount);
    }
  }
  std::sort(info.extended.begin(), info.extended.end());
  info.requests[kPods] = 1;
  Amounts nonzero = effective_requests(words, spec, true);
  info.nonzero_cpu = nonzero[kCpu];
  info.nonzero_memory = nonzero[kMemory];
}

uint8_t protocol_of(const std::string& name) {
  return name == "UDP" ? 1 : name == "SCTP" ? 2 : 0;
}

void read_devices(Vocabulary& words, const api::Pod& pod, PodInfo& info) {
  if (info.extended.empty()) return;
  const ResourceId gpu = words.resource(api::kGpuResource);
  for (const auto& [id, amount] : info.extended) {
    if (id == gpu) info.gpus = api::device_demand(pod.metadata(), amount);
  }
  // What stands there before the pod is bound was not chosen by a scheduler.
  const bool bound = !pod.spec().node_name().empty();
  if (bound) info.devices = api::devices_of(pod.metadata(), info.gpus);
}

template <class Containers>
void read_ports(Vocabulary& words, const Containers& containers, bool sidecars_only,
                PodInfo& info) {
  for (const auto& container : containers) {
    if (sidecars_only && container.restart_policy() != "Always") continue;
    for (const auto& port : container.ports()) {
      if (port.host_port() <= 0) continue;
      const bool any = port.host_ip().empty() || port.host_ip() == "0.0.0.0";
      info.host_ports.push_back(
          {protocol_of(port.protocol()), any ? 0 : words.id(port.host_ip()), port.host_port()});
    }
  }
}

NodeRequirement::Op op_of(const std::string& text) {
  using Op = NodeRequirement::Op;
  if (text == "In") return Op::in;
  if (text == "NotIn") return Op::not_in;
  if (text == "Exists") return Op::exists;
  if (text == "DoesNotExist") return Op::not_exists;
  if (text == "Gt") return Op::greater;
  if (text == "Lt") return Op::less;
  return Op::never;  // validation refuses others; should one get through, it matches nothing
}

NodeTerm compile(Vocabulary& words, const api::NodeSelectorTerm& term) {
  NodeTerm out;
  const auto take = [&](const api::NodeSelectorRequirement& r, bool on_name) {
    NodeRequirement requirement;
    requirement.key = words.id(r.key());
    requirement.op = op_of(r.operator_());
    requirement.on_name = on_name;
    for (const auto& value : r.values()) {
      requirement.values.push_back(on_name ? words.id(value) : words.label_value(value));
    }
    std::sort(requirement.values.begin(), requirement.values.end());
    if (requirement.op == NodeRequirement::Op::greater ||
        requirement.op == NodeRequirement::Op::less) {
      const std::string text = r.values_size() == 1 ? r.values(0) : std::string();
      const auto parsed =
          std::from_chars(text.data(), text.data() + text.size(), requirement.number);
      if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) {
        requirement.op = NodeRequirement::Op::never;
      }
    }
    if (on_name && r.key() != "metadata.name") requirement.op = NodeRequirement::Op::never;
    out.requirements.push_back(std::move(requirement));
  };
  for (const auto& r : term.match_expressions()) take(r, false);
  for (const auto& r : term.match_fields()) take(r, true);
  return out;
}

void read_affinity(Vocabulary& words, const api::PodSpec& spec, PodInfo& info) {
  for (const auto& [key, value] : spec.node_selector()) {
    info.node_selector.emplace_back(words.id(key), words.label_value(value));
  }
  std::sort(info.node_selector.begin(), info.node_selector.end());
  const auto& affinity = spec.affinity().node_affinity();
  if (affinity.has_required_during_scheduling_ignored_during_execution()) {
    info.has_required_terms = true;
    for (const auto& term :
         affinity.required_during_scheduling_ignored_during_execution().node_selector_terms()) {
      NodeTerm compiled = compile(words, term);
      if (!compiled.empty()) info.required_terms.push_back(std::move(compiled));
    }
  }
  for (const auto& preferred : affinity.preferred_during_scheduling_ignored_during_execution()) {
    NodeTerm compiled = compile(words, preferred.preference());
    if (preferred.weight() == 0 || compiled.empty()) continue;
    info.preferred_terms.push_back({preferred.weight(), std::move(compiled)});
  }
}

void read_tolerations(Vocabulary& words, const api::PodSpec& spec, PodInfo& info) {
  info.tolerations.reserve(static_cast<std::size_t>(spec.tolerations_size()));
  for (const auto& t : spec.tolerations()) {
    Toleration toleration;
    toleration.any_value = t.operator_() == "Exists";
    toleration.any_key = t.key().empty() && toleration.any_value;
    toleration.key = words.id(t.key());
    toleration.value = words.id(t.value());
    toleration.effect = effect_of(t.effect());
    info.tolerations.push_back(toleration);
  }
}

}  // namespace

Effect effect_of(std::string_view text) {
  if (text == "NoSchedule") return Effect::no_schedule;
  if (text == "PreferNoSchedule") return Effect::prefer_no_schedule;
  if (text == "NoExecute") return Effect::no_execute;
  return Effect::any;
}

bool tolerated(std::span<const Toleration> tolerations, const Taint& taint) {
  return std::any_of(tolerations.begin(), tolerations.end(),
                     [&](const Toleration& t) { return t.tolerates(taint); });
}

bool terminal_phase(const api::Pod& pod) {
  return pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed";
}

std::string normalized_image(std::string_view name) {
  const auto colon = name.rfind(':');
  const auto slash = name.rfind('/');
  std::string text(name);
  const bool tagged =
      colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  if (!tagged) text += ":latest";
  return text;
}

PodInfoPtr make_pod_info(Vocabulary& words, LabelClasses& classes, api::ObjectPtr object) {
  auto info = std::make_shared<PodInfo>();
  const auto& pod = object->as<api::Pod>();
  const api::PodSpec& spec = pod.spec();
  info->priority = spec.priority();
  info->preemption_policy = spec.preemption_policy() == "Never" ? PreemptionPolicy::never
                                                                : PreemptionPolicy::lower_priority;
  info->terminal = terminal_phase(pod);
  info->gated = spec.scheduling_gates_size() > 0;
  read_requests(words, spec, *info);
  read_devices(words, pod, *info);
  read_ports(words, spec.containers(), false, *info);
  read_ports(words, spec.init_containers(), true, *info);
  std::sort(info->host_ports.begin(), info->host_ports.end());
  read_affinity(words, spec, *info);
  read_tolerations(words, spec, *info);
  for (const auto& container : spec.init_containers()) {
    info->images.push_back(words.id(normalized_image(container.image())));
  }
  for (const auto& container : spec.containers()) {
    info->images.push_back(words.id(normalized_image(container.image())));
  }
  info->node_name = words.id(spec.node_name());
  info->nominated_node = words.id(pod.status().nominated_node_name());
  for (const auto& owner : object->meta().owner_references()) {
    if (!owner.controller()) continue;
    info->owner_uid = owner.uid();
    info->owner_kind = words.id(owner.kind());
    info->owner_name = words.id(owner.name());
  }
  info->labels = classes.intern(object->ns(), object->meta().labels());
  info->spread = read_spread(words, classes, pod);
  info->affinity = read_pod_affinity(words, classes, pod);
  info->object = std::move(object);
  return info;
}

bool same_for_scheduling(const PodInfo& info, const api::Object& after) {
  const auto& pod = after.as<api::Pod>();
  if (after.deleting() != info.deleting() || terminal_phase(pod) != info.terminal) return false;
  // Those that were assumed count until others are written down.
  if (info.gpus.any()) {
    const api::DeviceSet devices = api::devices_of(after.meta(), info.gpus);
    if (!devices.empty() && devices != info.devices) return false;
  }
  // A running pod's spec is immutable but for fields that do not matter here (KEP-1287's in-place
  // resize is not offered), so labels are the rest.
  const auto& before_labels = info.labels->labels;
  const auto& labels = after.meta().labels();
  if (labels.size() != before_labels.size()) return false;
  for (const auto& [key, value] : labels) {
    const auto it = before_labels.find(key);
    if (it == before_labels.end() || it->second != value) return false;
  }
  return true;
}

}  // namespace keelson::scheduler
