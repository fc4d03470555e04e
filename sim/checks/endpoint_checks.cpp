// EP-*: which addresses stand behind a service. The pods of each service are kept by their labels, and
// only services whose pods or endpoints have changed are compared again.
#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "sim/checks/node_truth.hpp"
#include "sim/checks/suite.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kEndpointInvariants[] = {
    {"EP-1", "The ready addresses of a service are those of its ready pods.", fact::rest | fact::whole},
    {"EP-2", "No address is added as ready unless its pod was ready and not terminating, as was known.",
     fact::provenance | fact::whole},
    {"EP-3", "A slice holds at most 100 addresses, and an address stands in one slice of a service."},
    {"EP-5", "Cluster IPs and node ports are unique among services.", fact::whole},
};
enum : std::size_t { kReady, kAdded, kSlices, kUnique };

constexpr const char* kServiceName = "kubernetes.io/service-name";
constexpr const char* kManagedBy = "endpointslice.kubernetes.io/managed-by";
constexpr const char* kManager = "endpointslice-controller.k8s.io";
// What does not fit into one Endpoints object is left out there.
constexpr std::size_t kEndpointsCapacity = 1000;
constexpr int kSliceCapacity = 100;

using Name = std::pair<std::string, std::string>;     // namespace, name
using Address = std::pair<std::string, std::string>;  // IP, pod uid

bool selects(const api::Service& service) {
  return service.spec().selector_size() > 0 && service.spec().type() != "ExternalName";
}

bool matches(const api::Service& service, const api::Object& pod) {
  const auto& labels = pod.meta().labels();
  for (const auto& [key, value] : service.spec().selector()) {
    const auto it = labels.find(key);
    if (it == labels.end() || it->second != value) return false;
  }
  return true;
}

bool has_ip(const api::Pod& pod, const std::string& ip) {
  if (pod.status().pod_ip() == ip) return true;
  return std::any_of(pod.status().pod_ips().begin(), pod.status().pod_ips().end(),
                     [&](const auto& p) { return p.ip() == ip; });
}

// A service whose ports all have names that the pod lacks does not show the pod at all.
bool has_some_port(const api::Service& service, const api::Pod& pod) {
  if (service.spec().ports_size() == 0) return true;
  const auto named = [](const auto& containers, const api::ServicePort& wanted) {
    for (const auto& container : containers) {
      for (const auto& port : container.ports()) {
        if (port.name() == wanted.target_port().str_val()) return true;
      }
    }
    return false;
  };
  for (const auto& port : service.spec().ports()) {
    if (port.target_port().type() != 1) return true;
    if (named(pod.spec().containers(), port) || named(pod.spec().init_containers(), port)) return true;
  }
  return false;
}

bool fit_to_serve(const api::Object& object) {
  const auto& pod = object.as<api::Pod>();
  return ready(pod) && !object.deleting() && !has_ended(pod) && !pod.status().pod_ip().empty();
}

std::string name_of(const Address& address) { return address.first + " of pod " + address.second; }

class EndpointCheck final : public Check {
 public:
  using Check::Check;
  std::span<const InvariantInfo> invariants() const override { return kEndpointInvariants; }

  void on_commit(const store::StoreEvent& event) override {
    const api::Object& object = event.object ? *event.object : *event.previous;
    switch (object.kind()) {
      case api::Kind::services: on_service(event); break;
      case api::Kind::pods: on_pod(event); break;
      case api::Kind::endpoints:
        dirty_.insert({object.ns(), object.name()});
        if (event.object && written_by(event, "endpoints")) {
          added(event, {object.ns(), object.name()}, ready_in_endpoints(event.object),
                ready_in_endpoints(event.previous));
        }
        break;
      case api::Kind::endpoint_slices: on_slice(event); break;
      default: break;
    }
  }

  void pending(std::vector<Pending>& out) override {
    for (auto it = dirty_.begin(); it != dirty_.end();) {
      const std::size_t before = out.size();
      compare(*it, out);
      it = out.size() == before ? dirty_.erase(it) : std::next(it);
    }
  }

  void recheck() override {
    for (const auto& [name, service] : services_) {
      std::size_t members = 0;
      for (const auto& [key, pod] : state().all(api::Kind::pods).in(name.first)) {
        members += matches(service.object->as<api::Service>(), *pod);
      }
      check(kReady, members == service.pods.size(), [&which = name] {
        return "CHECK: the pods kept of service " + which.first + "/" + which.second +
               " differ from those that match";
      });
      // Big clusters have many services with many pods each: a few show whether the index is right.
      if (++rechecked_ % 64 == 0) break;
    }
  }

 private:
  struct Service {
    api::ObjectPtr object;
    std::set<std::string> pods;    // names of those that match
    std::set<std::string> slices;  // names of those that carry the service's name
  };

  void on_service(const store::StoreEvent& event) {
    const api::Object& object = event.object ? *event.object : *event.previous;
    const Name name{object.ns(), object.name()};
    if (event.previous) forget_addresses(*event.previous);
    if (event.object) note_addresses(event);
    const auto known = services_.find(name);
    if (known != services_.end()) by_label_[first_label(*known->second.object)].erase(name);
    if (!event.object || !selects(object.as<api::Service>())) {
      services_.erase(name);
      dirty_.insert(name);
      return;
    }
    Service& service = services_[name];
    service.object = event.object;
    by_label_[first_label(object)].insert(name);
    service.pods.clear();
    for (const auto& [key, pod] : state().all(api::Kind::pods).in(name.first)) {
      if (matches(object.as<api::Service>(), *pod)) service.pods.insert(key.name);
    }
    if (known == services_.end()) {
      for (const auto& [key, slice] : state().all(api::Kind::endpoint_slices).in(name.first)) {
        if (service_of(*slice) == name.second) service.slices.insert(key.name);
      }
    }
    dirty_.insert(name);
  }

  // Each service is filed under one pair of its selector; a pod asks for each of its labels.
  static std::string first_label(const api::Object& service) {
    const std::string* key = nullptr;
    const auto& selector = service.as<api::Service>().spec().selector();
    for (const auto& [k, value] : selector) {
      if (key == nullptr || k < *key) key = &k;
    }
    return key == nullptr ? service.ns() : service.ns() + '\n' + *key + '\n' + selector.at(*key);
  }

  template <class Visit>
  void services_of(const api::Object& pod, Visit&& visit) {
    for (const auto& [key, value] : pod.meta().labels()) {
      const auto it = by_label_.find(pod.ns() + '\n' + key + '\n' + value);
      if (it == by_label_.end()) continue;
      for (const Name& name : it->second) {
        Service& service = services_.at(name);
        if (matches(service.object->as<api::Service>(), pod)) visit(name, service);
      }
    }
  }

  static bool same_for_endpoints(const store::StoreEvent& event) {
    if (!event.previous || !event.object) return false;
    const auto& before = event.previous->as<api::Pod>();
    const auto& now = event.object->as<api::Pod>();
    const auto &labels = before.metadata().labels(), &other = now.metadata().labels();
    return fit_to_serve(*event.previous) == fit_to_serve(*event.object) &&
           before.status().pod_ip() == now.status().pod_ip() &&
           has_ended(before) == has_ended(now) &&
           event.previous->deleting() == event.object->deleting() &&
           labels.size() == other.size() &&
           std::all_of(labels.begin(), labels.end(), [&](const auto& l) {
             const auto it = other.find(l.first);
             return it != other.end() && it->second == l.second;
           });
  }

  void on_pod(const store::StoreEvent& event) {
    if (services_.empty() || same_for_endpoints(event)) return;
    if (event.previous) {
      services_of(*event.previous, [&](const Name& name, Service& service) {
        service.pods.erase(event.previous->name());
        dirty_.insert(name);
      });
    }
    if (!event.object) return;
    services_of(*event.object, [&](const Name& name, Service& service) {
      service.pods.insert(event.object->name());
      dirty_.insert(name);
    });
  }

  static std::string service_of(const api::Object& slice) {
    const auto& labels = slice.meta().labels();
    const auto manager = labels.find(kManagedBy);
    if (manager == labels.end() || manager->second != kManager) return {};
    const auto it = labels.find(kServiceName);
    return it == labels.end() ? std::string() : it->second;
  }

  void on_slice(const store::StoreEvent& event) {
    for (const api::ObjectPtr& slice : {event.previous, event.object}) {
      if (slice == nullptr) continue;
      const Name name{slice->ns(), service_of(*slice)};
      if (name.second.empty()) continue;
      dirty_.insert(name);
      const auto service = services_.find(name);
      if (service == services_.end()) continue;
      if (slice == event.object) {
        service->second.slices.insert(slice->name());
      } else {
        service->second.slices.erase(slice->name());
      }
    }
    if (!event.object || !written_by(event, "endpointslice")) return;
    check(kSlices, event.object->as<api::EndpointSlice>().endpoints_size() <= kSliceCapacity,
          [&] {
            return event.object->name() + " holds " +
                   std::to_string(event.object->as<api::EndpointSlice>().endpoints_size()) +
                   " endpoints";
          },
          &event);
    added(event, {event.object->ns(), service_of(*event.object)}, ready_in_slice(event.object),
          ready_in_slice(event.previous));
  }

  static std::set<Address> ready_in_slice(const api::ObjectPtr& object) {
    std::set<Address> addresses;
    if (object == nullptr) return addresses;
    for (const auto& endpoint : object->as<api::EndpointSlice>().endpoints()) {
      if (!endpoint.conditions().ready()) continue;
      for (const auto& ip : endpoint.addresses()) addresses.emplace(ip, endpoint.target_ref().uid());
    }
    return addresses;
  }

  static std::set<Address> ready_in_endpoints(const api::ObjectPtr& object) {
    std::set<Address> addresses;
    if (object == nullptr) return addresses;
    for (const auto& subset : object->as<api::Endpoints>().subsets()) {
      for (const auto& address : subset.addresses()) {
        addresses.emplace(address.ip(), address.target_ref().uid());
      }
    }
    return addresses;
  }

  // The pods' names are in the object that was written, next to their uids.
  static std::string pod_of(const api::Object& object, const Address& address) {
    if (object.kind() == api::Kind::endpoint_slices) {
      for (const auto& endpoint : object.as<api::EndpointSlice>().endpoints()) {
        if (endpoint.target_ref().uid() == address.second) return endpoint.target_ref().name();
      }
      return {};
    }
    for (const auto& subset : object.as<api::Endpoints>().subsets()) {
      for (const auto& known : subset.addresses()) {
        if (known.target_ref().uid() == address.second) return known.target_ref().name();
      }
    }
    return {};
  }

  void added(const store::StoreEvent& event, const Name& service, const std::set<Address>& now,
             const std::set<Address>& before) {
    const api::Basis* basis = event.provenance ? event.provenance->basis.get() : nullptr;
    if (basis == nullptr || !basis->of(api::Kind::pods)) return;
    const api::Revision seen = basis->of(api::Kind::pods);
    if (!state().remembers(seen) || !state().remembers(basis->of(api::Kind::services))) return;
    const auto known =
        state().get_at<api::Service>(service.first, service.second, basis->of(api::Kind::services));
    const bool any = known && known->spec().publish_not_ready_addresses();
    for (const Address& address : now) {
      if (before.contains(address)) continue;
      const api::ObjectPtr pod =
          state().get_at({api::Kind::pods, service.first, pod_of(*event.object, address)}, seen);
      const bool right = pod && pod->uid() == address.second &&
                         has_ip(pod->as<api::Pod>(), address.first) && (any || fit_to_serve(*pod));
      check(kAdded, right,
            [&] {
              return "service " + service.second + " got the address " + name_of(address) +
                     ", although " +
                     (!pod || pod->uid() != address.second ? "there was no such pod"
                      : !has_ip(pod->as<api::Pod>(), address.first)
                          ? "the pod did not have this address"
                          : "the pod was not ready or was being deleted");
            },
            &event);
    }
  }

  void compare(const Name& name, std::vector<Pending>& out) {
    const auto it = services_.find(name);
    if (it == services_.end()) return;
    const Service& service = it->second;
    const auto& spec = service.object->as<api::Service>();
    if (service.object->deleting()) return;
    const bool any = spec.spec().publish_not_ready_addresses();
    std::set<Address> wanted, allowed;
    for (const std::string& pod_name : service.pods) {
      const api::ObjectPtr object = state().get({api::Kind::pods, name.first, pod_name});
      if (object == nullptr) continue;
      const auto& pod = object->as<api::Pod>();
      if (pod.status().pod_ip().empty() || has_ended(pod) || !has_some_port(spec, pod)) continue;
      const Address address{pod.status().pod_ip(), object->uid()};
      const bool serves = any ? !object->deleting() : fit_to_serve(*object);
      if (serves) wanted.insert(address);
      if (serves || any) allowed.insert(address);
    }
    std::set<Address> in_slices;
    for (const std::string& slice_name : service.slices) {
      const auto slice = state().get<api::EndpointSlice>(name.first, slice_name);
      const bool ours =
          slice && std::any_of(slice->metadata().owner_references().begin(),
                               slice->metadata().owner_references().end(),
                               [&](const auto& o) { return o.uid() == service.object->uid(); });
      if (!ours) continue;
      for (const Address& address : ready_in_slice(slice.ptr())) {
        evaluated(kSlices);
        if (in_slices.insert(address).second) continue;
        // Ports that differ by pod make slices of their own, but no pod stands in two of them.
        await(out, kSlices, name, "has the address " + name_of(address) + " in two slices");
      }
    }
    evaluated(kReady);
    differ(name, wanted, allowed, in_slices, "slices", out);
    if (wanted.size() > kEndpointsCapacity) return;
    const api::ObjectPtr endpoints = state().get({api::Kind::endpoints, name.first, name.second});
    differ(name, wanted, allowed, ready_in_endpoints(endpoints), "endpoints", out);
  }

  static void differ(const Name& name, const std::set<Address>& wanted,
                     const std::set<Address>& allowed, const std::set<Address>& have,
                     const char* where, std::vector<Pending>& out) {
    for (const Address& address : wanted) {
      if (have.contains(address)) continue;
      await(out, kReady, name, std::string("lacks the address ") + name_of(address) + " in its " + where);
      return;
    }
    for (const Address& address : have) {
      if (allowed.contains(address)) continue;
      await(out, kReady, name,
            std::string("still has the address ") + name_of(address) + " in its " + where);
      return;
    }
  }

  static void await(std::vector<Pending>& out, std::size_t invariant, const Name& service,
                    std::string why) {
    out.push_back({std::string(kEndpointInvariants[invariant].id),
                   "services " + service.first + "/" + service.second, std::move(why)});
  }

  // What must be unique: cluster IPs, and node ports per protocol.
  static std::vector<std::string> addresses_of(const api::Object& service) {
    std::vector<std::string> all;
    const auto& spec = service.as<api::Service>().spec();
    std::set<std::string> ips(spec.cluster_ips().begin(), spec.cluster_ips().end());
    ips.insert(spec.cluster_ip());
    for (const std::string& ip : ips) {
      if (!ip.empty() && ip != "None") all.push_back("the cluster IP " + ip);
    }
    for (const auto& port : spec.ports()) {
      if (port.node_port() == 0) continue;
      all.push_back("the node port " + std::to_string(port.node_port()) + "/" + port.protocol());
    }
    return all;
  }

  void forget_addresses(const api::Object& service) {
    for (const std::string& address : addresses_of(service)) {
      const auto it = owners_.find(address);
      if (it != owners_.end() && it->second == service.uid()) owners_.erase(it);
    }
  }

  void note_addresses(const store::StoreEvent& event) {
    for (const std::string& address : addresses_of(*event.object)) {
      const auto [it, mine] = owners_.try_emplace(address, event.object->uid());
      check(kUnique, mine || it->second == event.object->uid(),
            [&] { return event.object->name() + " got " + address + ", which another service has"; },
            &event);
    }
  }

  std::map<Name, Service> services_;  // with a selector
  std::unordered_map<std::string, std::set<Name>> by_label_;
  std::set<Name> dirty_;
  std::unordered_map<std::string, std::string> owners_;  // address -> service uid
  uint64_t rechecked_ = 0;
};

}  // namespace

void add_endpoint_checks(const CheckContext& context, Checks& checks) {
  checks.push_back(std::make_unique<EndpointCheck>(context));
}

}  // namespace keelson::sim
