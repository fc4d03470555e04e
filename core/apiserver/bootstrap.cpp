#include "core/apiserver/bootstrap.hpp"

#include "core/api/root_ca.hpp"
#include "core/api/validation.hpp"
#include "core/apiserver/pipeline/admission.hpp"
#include "core/apiserver/bootstrap_rbac.hpp"
#include "core/apiserver/pipeline/service_addresses.hpp"

namespace keelson::apiserver {

namespace {

ObjectPtr namespace_named(const char* name) {
  api::Namespace ns;
  ns.mutable_metadata()->set_name(name);
  return api::make_object(std::move(ns));
}

ObjectPtr default_account(const char* ns) {
  api::ServiceAccount account;
  account.mutable_metadata()->set_name("default");
  account.mutable_metadata()->set_namespace_(ns);
  return api::make_object(std::move(account));
}

// Source: pkg/apis/scheduling/v1/helpers.go.
ObjectPtr priority_class(const char* name, int32_t value, const char* description) {
  api::PriorityClass priority;
  priority.mutable_metadata()->set_name(name);
  priority.set_value(value);
  priority.set_description(description);
  return api::make_object(std::move(priority));
}

ObjectPtr kubernetes_service(const ApiServerOptions& options) {
  api::Service service;
  ObjectMeta& meta = *service.mutable_metadata();
  meta.set_name("kubernetes");
  meta.set_namespace_("default");
  (*meta.mutable_labels())["component"] = "apiserver";
  (*meta.mutable_labels())["provider"] = "kubernetes";
  service.mutable_spec()->set_cluster_ip(first_service_address(options));
  api::ServicePort& port = *service.mutable_spec()->add_ports();
  port.set_name("https");
  port.set_protocol("TCP");
  port.set_port(443);
  *port.mutable_target_port() = api::int_value(options.advertise_port);
  return api::make_object(std::move(service));
}

ObjectPtr kubernetes_endpoints(const ApiServerOptions& options) {
  api::Endpoints endpoints;
  endpoints.mutable_metadata()->set_name("kubernetes");
  endpoints.mutable_metadata()->set_namespace_("default");
  // The slice beside it is this server's, too.
  (*endpoints.mutable_metadata()->mutable_labels())["endpointslice.kubernetes.io/skip-mirror"] =
      "true";
  auto& subset = *endpoints.add_subsets();
  subset.add_addresses()->set_ip(options.advertise_address);
  auto& port = *subset.add_ports();
  port.set_name("https");
  port.set_port(options.advertise_port);
  port.set_protocol("TCP");
  return api::make_object(std::move(endpoints));
}

ObjectPtr kubernetes_slice(const ApiServerOptions& options) {
  api::EndpointSlice slice;
  slice.mutable_metadata()->set_name("kubernetes");
  slice.mutable_metadata()->set_namespace_("default");
  (*slice.mutable_metadata()->mutable_labels())["kubernetes.io/service-name"] = "kubernetes";
  slice.set_address_type("IPv4");
  auto& endpoint = *slice.add_endpoints();
  endpoint.add_addresses(options.advertise_address);
  endpoint.mutable_conditions()->set_ready(true);
  auto& port = *slice.add_ports();
  port.set_name("https");
  port.set_port(options.advertise_port);
  port.set_protocol("TCP");
  return api::make_object(std::move(slice));
}

}  // namespace

std::vector<Request> bootstrap_requests(const WatchCache& cache, const ApiServerOptions& options,
                                        bool start) {
  std::vector<ObjectPtr> objects;
  for (const char* name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    objects.push_back(namespace_named(name));
    // A new namespace brings its account along; this is for one whose account somebody deleted.
    if (!cache.find(Kind::namespaces, "", name)) continue;
    objects.push_back(default_account(name));
    if (!options.root_ca.empty()) {
      objects.push_back(api::make_object(api::root_ca_map(name, options.root_ca)));
    }
  }
  objects.push_back(kubernetes_service(options));
  if (!options.advertise_address.empty()) {
    objects.push_back(kubernetes_endpoints(options));
    objects.push_back(kubernetes_slice(options));
  }
  if (start) {
    objects.push_back(priority_class("system-cluster-critical", 2'000'000'000,
                                     "For pods that the cluster needs, on whichever node."));
    objects.push_back(priority_class("system-node-critical", 2'000'001'000,
                                     "For pods that their node needs."));
  }
  if (start && options.bootstrap_rbac) {
    static const std::vector<ObjectPtr> defaults = default_rbac_objects();
    objects.insert(objects.end(), defaults.begin(), defaults.end());
  }
  std::vector<Request> requests;
  for (const ObjectPtr& object : objects) {
    if (cache.find(object->key())) continue;
    Request request = api::create(object);
    request.user = "system:apiserver";
    request.actor = options.identity;
    requests.push_back(std::move(request));
  }
  return requests;
}

}  // namespace keelson::apiserver
