#include "core/controllers/endpoints.hpp"

#include <algorithm>
#include <array>

namespace keelson::controllers {
namespace {

// The object holds all addresses, so writing it for every pod of a rollout would cost the square of
// its size: the changes of half a second share a write. Nothing routes by Endpoints; the service
// proxy follows EndpointSlices, which are held back only as long as rest_after() says.
constexpr Duration kBatch = 500ms;
constexpr std::size_t kCapacity = 1000;
constexpr const char* kOverCapacity = "endpoints.kubernetes.io/over-capacity";
constexpr const char* kManagedBy = "endpoints.kubernetes.io/managed-by";
constexpr const char* kManager = "endpoint-controller";

void fill_address(const EndpointPod& from, api::EndpointAddress* address) {
  address->set_ip(from.ip);
  address->set_hostname(from.hostname);
  address->set_node_name(from.pod->spec().node_name());
  api::ObjectReference* target = address->mutable_target_ref();
  target->set_kind("Pod");
  target->set_namespace_(from.pod.ns());
  target->set_name(from.pod.name());
  target->set_uid(from.pod.uid());
}

bool same_subsets(const google::protobuf::RepeatedPtrField<api::EndpointSubset>& a,
                  const google::protobuf::RepeatedPtrField<api::EndpointSubset>& b) {
  // Subsets contain no maps, so equal messages have equal bytes.
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.SerializeAsString() == y.SerializeAsString();
  });
}

std::map<std::string, std::string> endpoints_labels(const api::Service& service) {
  std::map<std::string, std::string> labels(service.metadata().labels().begin(),
                                            service.metadata().labels().end());
  labels[kManagedBy] = kManager;
  if (headless(service)) {
    labels[kHeadlessLabel] = "";
  } else {
    labels.erase(kHeadlessLabel);
  }
  return labels;
}

bool same_as_desired(const api::Labels& a, const std::map<std::string, std::string>& b) {
  if (a.size() != b.size()) return false;
  return std::all_of(b.begin(), b.end(), [&](const auto& label) {
    const auto it = a.find(label.first);
    return it != a.end() && it->second == label.second;
  });
}

}  // namespace

DesiredEndpoints desired_endpoints(const View& view, const api::Service& service) {
  std::vector<EndpointPod> pods = endpoint_pods(view, service, families_of(service).front());
  if (!service.spec().publish_not_ready_addresses()) {
    std::erase_if(pods, [](const EndpointPod& p) { return p.terminating; });
  }
  DesiredEndpoints desired;
  desired.pods = pods.size();
  if (pods.size() > kCapacity) {
    desired.truncated = true;
    std::stable_partition(pods.begin(), pods.end(), [](const auto& p) { return p.ready; });
    pods.resize(kCapacity);
  }
  std::sort(pods.begin(), pods.end(), [](const EndpointPod& a, const EndpointPod& b) {
    return std::tie(a.ip, a.pod.uid()) < std::tie(b.ip, b.pod.uid());
  });
  // Pods may resolve a named port to different numbers: one subset for each set of numbers.
  std::map<std::vector<EndpointPortNumber>, std::vector<const EndpointPod*>> by_ports;
  for (const EndpointPod& pod : pods) {
    auto ports = ports_of(service, *pod.pod);
    if (ports.empty() && service.spec().ports_size() > 0) continue;  // lacks all named ports
    by_ports[std::move(ports)].push_back(&pod);
  }
  for (const auto& [ports, members] : by_ports) {
    api::EndpointSubset* subset = desired.subsets.Add();
    for (const EndpointPod* pod : members) {
      fill_address(*pod, pod->ready ? subset->add_addresses() : subset->add_not_ready_addresses());
    }
    for (const EndpointPortNumber& number : ports) {
      api::EndpointPort* port = subset->add_ports();
      port->set_name(number.name);
      port->set_port(number.port);
      port->set_protocol(number.protocol);
      if (!number.app_protocol.empty()) port->set_app_protocol(number.app_protocol);
    }
  }
  return desired;
}

std::span<const api::Kind> EndpointsController::reads() const {
  static constexpr std::array kKinds{api::Kind::services, api::Kind::pods, api::Kind::endpoints};
  return kKinds;
}

void EndpointsController::keys_for(const View&, const api::ObjectPtr& before,
                                   const api::ObjectPtr& after, const KeySink& sink) const {
  const api::Object& any = after ? *after : *before;
  switch (any.kind()) {
    case api::Kind::services:
      index_.apply(before, after);
      sink(any.key());
      break;
    case api::Kind::endpoints:
      sink({api::Kind::services, any.ns(), any.name()});
      break;
    case api::Kind::pods:
      services_concerned(index_, before, after, [&](const std::string& service) {
        sink({api::Kind::services, any.ns(), service});
      });
      break;
    default:
      break;
  }
}

Plan EndpointsController::reconcile(const View& view, const api::ObjectKey& key) {
  Plan plan;
  const auto service = view.get<api::Service>(key.ns, key.name);
  const auto current = view.get<api::Endpoints>(key.ns, key.name);
  if (!service || service.object().deleting()) {
    // Only what this controller made goes with the service; people may keep Endpoints of their own.
    if (!service && current && !current.object().deleting()) {
      const auto& labels = current->metadata().labels();
      const auto it = labels.find(kManagedBy);
      if (it != labels.end() && it->second == kManager) plan.then(api::remove(current.object()));
    }
    return plan;
  }
  if (!selects_pods(*service)) return plan;

  DesiredEndpoints desired = desired_endpoints(view, *service);
  plan.rest = rest_after(desired.pods);
  const auto labels = endpoints_labels(*service);
  if (current) {
    const auto& annotations = current->metadata().annotations();
    if (same_subsets(current->subsets(), desired.subsets) &&
        same_as_desired(current->metadata().labels(), labels) &&
        annotations.contains(kOverCapacity) == desired.truncated) {
      return plan;
    }
  }
  api::Endpoints endpoints = current ? *current : api::Endpoints();
  auto& meta = *endpoints.mutable_metadata();
  meta.set_namespace_(key.ns);
  meta.set_name(key.name);
  meta.clear_labels();
  meta.mutable_labels()->insert(labels.begin(), labels.end());
  if (desired.truncated) {
    (*meta.mutable_annotations())[kOverCapacity] = "truncated";
  } else {
    meta.mutable_annotations()->erase(kOverCapacity);
  }
  endpoints.mutable_subsets()->Swap(&desired.subsets);
  plan.rest = kBatch;
  plan.then(current ? api::update(api::make_object(std::move(endpoints), current.revision()))
                    : api::create(api::make_object(std::move(endpoints))));
  return plan;
}

}  // namespace keelson::controllers
