#include "sim/lab/objects.hpp"

#include "core/api/devices.hpp"

namespace keelson::lab {

namespace {

// A label's value may be as long, and a running number has to fit into a name behind it.
constexpr std::size_t kNameMax = 60;

using Quantities = google::protobuf::Map<std::string, api::Quantity>;

void amounts(Quantities& into, int64_t cpu_milli, int64_t memory_bytes,
             const std::map<std::string, int64_t>& further, bool zeros) {
  const auto set = [&](const std::string& name, int64_t value, const char* unit) {
    if (value != 0 || zeros) into[name].set_string(std::to_string(value) + unit);
  };
  if (cpu_milli % 1000 == 0) {
    set("cpu", cpu_milli / 1000, "");
  } else {
    set("cpu", cpu_milli, "m");
  }
  set("memory", memory_bytes, "");
  for (const auto& [name, value] : further) set(name, value, "");
}

void ask_for_gpus(const PodShape& shape, api::Pod& pod) {
  auto& resources = *pod.mutable_spec()->mutable_containers(0)->mutable_resources();
  for (Quantities* all : {resources.mutable_requests(), resources.mutable_limits()}) {
    (*all)[api::kGpuResource].set_string(std::to_string(shape.gpus));
  }
  if (shape.gpu_milli != api::kDeviceMilli) {
    (*pod.mutable_metadata()->mutable_annotations())[api::kGpuMilliAnnotation] =
        std::to_string(shape.gpu_milli);
  }
  if (shape.gpu_models.empty()) return;
  auto& models = *pod.mutable_spec()
                      ->mutable_affinity()
                      ->mutable_node_affinity()
                      ->mutable_required_during_scheduling_ignored_during_execution()
                      ->add_node_selector_terms()
                      ->add_match_expressions();
  models.set_key(api::kGpuModelLabel);
  models.set_operator_("In");
  for (const std::string& model : shape.gpu_models) models.add_values(model);
}

}  // namespace

api::ObjectPtr node_object(const NodeShape& shape) {
  api::Node node;
  auto& meta = *node.mutable_metadata();
  meta.set_name(shape.name);
  meta.set_uid(shape.name);
  auto& labels = *meta.mutable_labels();
  for (const auto& [key, value] : shape.labels) labels[key] = value;
  labels[kHostnameLabel] = shape.name;
  if (!shape.zone.empty()) labels[kZoneLabel] = shape.zone;
  auto& status = *node.mutable_status();
  for (Quantities* all : {status.mutable_capacity(), status.mutable_allocatable()}) {
    amounts(*all, shape.cpu_milli, shape.memory_bytes, shape.resources, true);
    (*all)["pods"].set_string(std::to_string(shape.pods_max));
  }
  auto& ready = *status.add_conditions();
  ready.set_type("Ready");
  ready.set_status("True");
  return api::make_object(std::move(node));
}

api::ObjectPtr pod_object(const PodShape& shape) {
  api::Pod pod;
  auto& meta = *pod.mutable_metadata();
  meta.set_name(shape.name);
  meta.set_namespace_("default");
  meta.set_uid(shape.name);
  for (const auto& [key, value] : shape.labels) (*meta.mutable_labels())[key] = value;
  auto& spec = *pod.mutable_spec();
  if (shape.priority) spec.set_priority(*shape.priority);
  auto& container = *spec.add_containers();
  container.set_name("main");
  container.set_image("workload:v1");
  amounts(*container.mutable_resources()->mutable_requests(), shape.cpu_milli, shape.memory_bytes,
          shape.resources, false);
  if (shape.gpus > 0) ask_for_gpus(shape, pod);
  if (!shape.apart_from_job.empty()) {
    auto& term = *spec.mutable_affinity()
                      ->mutable_pod_anti_affinity()
                      ->add_required_during_scheduling_ignored_during_execution();
    (*term.mutable_label_selector()->mutable_match_labels())[kJobLabel] = shape.apart_from_job;
    term.set_topology_key(kHostnameLabel);
  }
  return api::make_object(std::move(pod));
}

std::string object_name(std::string_view text) {
  std::string name;
  for (char c : text.substr(0, kNameMax)) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    name += plain ? c : '-';
  }
  while (!name.empty() && name.front() == '-') name.erase(0, 1);
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "x" : name;
}

}  // namespace keelson::lab
