// What Endpoints and EndpointSlices have in common: which pods back a service, in what condition,
// on which ports.
// Source: Kubernetes pkg/controller/endpoint and endpointslice; guarantees EP-1..EP-3.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/client/view.hpp"

namespace keelson::controllers {

using client::View;

inline constexpr const char* kHeadlessLabel = "service.kubernetes.io/headless";

// Which services of a namespace select a pod, without looking at those that do not. Each service is
// filed under one pair of its selector; a pod asks for each of its labels.
class ServiceIndex {
 public:
  // A Service changed. Applying a change twice does no harm.
  void apply(const api::ObjectPtr& before, const api::ObjectPtr& after);
  // Names in sorted order per label; a service appears once.
  void visit(const std::string& ns, const api::Labels& labels,
             const std::function<void(const std::string& service)>& visitor) const;
  void clear() { by_pair_.clear(); }

 private:
  using Selector = std::vector<std::pair<std::string, std::string>>;  // sorted
  static Selector selector_of(const api::Object& service);
  static std::string term(const std::string& ns, const std::string& key, const std::string& value);

  std::map<std::string, std::map<std::string, Selector>> by_pair_;
};

// The service's controllers must look at it again because of this pod change.
void services_concerned(const ServiceIndex& index, const api::ObjectPtr& before,
                        const api::ObjectPtr& after,
                        const std::function<void(const std::string& service)>& visitor);
// Whether the two states of a pod differ in what endpoints show. Neither is null.
bool differs_for_endpoints(const api::Pod& before, const api::Pod& after);

// Has Keelson's own endpoints: a selector, and not just an alias.
bool selects_pods(const api::Service& service);
bool headless(const api::Service& service);

struct EndpointPod {
  api::Ref<api::Pod> pod;
  std::string ip;
  bool serving = false;      // the pod's Ready condition
  bool terminating = false;  // being deleted
  bool ready = false;        // may get new connections
  std::string hostname;      // its DNS name under the service, if it has one
};

// The pods behind a service with an address of the family ("IPv4" or "IPv6"), sorted by name. Pods
// that have ended are left out, and so is a terminating one whose address a successor already has.
std::vector<EndpointPod> endpoint_pods(const View& view, const api::Service& service,
                                       std::string_view family);

struct EndpointPortNumber {
  std::string name, protocol, app_protocol;
  int32_t port = 0;
  friend auto operator<=>(const EndpointPortNumber&, const EndpointPortNumber&) = default;
};
// The service's ports as this pod has them; a named port that it lacks is left out.
std::vector<EndpointPortNumber> ports_of(const api::Service& service, const api::Pod& pod);

// "IPv4", "IPv6" or both, in the service's order.
std::vector<std::string> families_of(const api::Service& service);

}  // namespace keelson::controllers
