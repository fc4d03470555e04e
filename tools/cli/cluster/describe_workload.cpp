// Deployments, replica sets and services, as describe prints them.
#include <algorithm>

#include "tools/cli/cluster/describe.hpp"
#include "tools/cli/cluster/human.hpp"

namespace keelson::cli {

namespace {

bool owns(const Json& owner, const Json& object) {
  for (const Json& one : list_at(object, "metadata.ownerReferences")) {
    if (true_at(one, "controller") && text_at(one, "uid") == text_at(owner, "metadata.uid"))
      return true;
  }
  return false;
}

// The objects of a kind that `owner` controls.
Result<std::vector<Json>> owned(Session& session, const Json& owner, const Resource& type) {
  auto list = session.list(type.path(text_at(owner, "metadata.namespace")),
                           "labelSelector=" + encode_query(selector_text(owner)));
  if (!list) return list.error();
  std::vector<Json> out;
  for (const Json& item : list_at(*list, "items")) {
    if (owns(owner, item)) out.push_back(item);
  }
  return out;
}

void conditions(Page& page, const Json& object) {
  const JsonArray& list = list_at(object, "status.conditions");
  if (!list.empty()) page.line(0, "Conditions:\n  Type\tStatus\tReason\n  ----\t------\t------");
  for (const Json& one : list)
    page.line(1, "{} \t{}\t{}", text_at(one, "type"), text_at(one, "status"),
              text_at(one, "reason"));
}

std::string created_text(const std::vector<const Json*>& sets) {
  std::vector<std::string> parts;
  for (const Json* set : sets) {
    parts.push_back(fmt::format("{} ({}/{} replicas created)", text_at(*set, "metadata.name"),
                                number_at(*set, "status.replicas"),
                                number_at(*set, "spec.replicas")));
  }
  return or_none(fmt::format("{}", fmt::join(parts, ", ")));
}

std::string revision(const Json& object) {
  const Json* annotations = find(object, "metadata.annotations");
  const Json* value =
      annotations ? member(*annotations, "deployment.kubernetes.io/revision") : nullptr;
  return value ? scalar_text(*value) : "";
}

}  // namespace

Status describe_deployment(Session& session, Page& page, const Json& deployment) {
  page.line(0, "Name:\t{}", text_at(deployment, "metadata.name"));
  page.line(0, "Namespace:\t{}", text_at(deployment, "metadata.namespace"));
  page.line(0, "CreationTimestamp:\t{}",
            long_time(text_at(deployment, "metadata.creationTimestamp")));
  page.labels("Labels", map_at(deployment, "metadata.labels"));
  page.annotations("Annotations", map_at(deployment, "metadata.annotations"));
  page.line(0, "Selector:\t{}", selector_text(deployment));
  page.line(
      0, "Replicas:\t{} desired | {} updated | {} total | {} available | {} unavailable",
      number_at(deployment, "spec.replicas", 1), number_at(deployment, "status.updatedReplicas"),
      number_at(deployment, "status.replicas"), number_at(deployment, "status.availableReplicas"),
      number_at(deployment, "status.unavailableReplicas"));
  page.line(0, "StrategyType:\t{}", text_at(deployment, "spec.strategy.type"));
  page.line(0, "MinReadySeconds:\t{}", number_at(deployment, "spec.minReadySeconds"));
  if (find(deployment, "spec.strategy.rollingUpdate")) {
    page.line(0, "RollingUpdateStrategy:\t{} max unavailable, {} max surge",
              text_at(deployment, "spec.strategy.rollingUpdate.maxUnavailable"),
              text_at(deployment, "spec.strategy.rollingUpdate.maxSurge"));
  }
  const Json* pod_template = find(deployment, "spec.template");
  describe_pod_template(page, pod_template ? *pod_template : Json());
  conditions(page, deployment);
  const Resource type{
      .group = "apps", .version = "v1", .plural = "replicasets", .namespaced = true};
  auto sets = owned(session, deployment, type);
  if (!sets) return sets.error();
  std::vector<const Json*> old_sets, new_sets;
  for (const Json& set : *sets) {
    const bool current = !revision(set).empty() && revision(set) == revision(deployment);
    if (current) {
      new_sets.push_back(&set);
    } else {
      old_sets.push_back(&set);
    }
  }
  page.line(0, "OldReplicaSets:\t{}", created_text(old_sets));
  page.line(0, "NewReplicaSet:\t{}", created_text(new_sets));
  return {};
}

Status describe_replica_set(Session& session, Page& page, const Json& set) {
  page.line(0, "Name:\t{}", text_at(set, "metadata.name"));
  page.line(0, "Namespace:\t{}", text_at(set, "metadata.namespace"));
  page.line(0, "Selector:\t{}", selector_text(set));
  page.labels("Labels", map_at(set, "metadata.labels"));
  page.annotations("Annotations", map_at(set, "metadata.annotations"));
  if (const auto by = controller_text(set); !by.empty()) page.line(0, "Controlled By:\t{}", by);
  page.line(0, "Replicas:\t{} current / {} desired", number_at(set, "status.replicas"),
            number_at(set, "spec.replicas", 1));
  const Resource type{.group = "", .version = "v1", .plural = "pods", .namespaced = true};
  auto pods = owned(session, set, type);
  if (!pods) {
    page.line(0, "Pods Status:\terror in fetching pods: {}", pods.error().message);
  } else {
    const auto count = [&](std::string_view phase) {
      return std::count_if(pods->begin(), pods->end(),
                           [&](const Json& pod) { return text_at(pod, "status.phase") == phase; });
    };
    page.line(0, "Pods Status:\t{} Running / {} Waiting / {} Succeeded / {} Failed",
              count("Running"), count("Pending"), count("Succeeded"), count("Failed"));
  }
  const Json* pod_template = find(set, "spec.template");
  describe_pod_template(page, pod_template ? *pod_template : Json());
  conditions(page, set);
  return {};
}

namespace {

// The addresses behind a port, the first three by name.
std::string endpoints_text(const JsonArray& slices, const std::string& port_name) {
  std::vector<std::string> all;
  for (const Json& slice : slices) {
    for (const Json& port : list_at(slice, "ports")) {
      if (text_at(port, "name") != port_name) continue;
      for (const Json& endpoint : list_at(slice, "endpoints")) {
        const Json* ready = find(endpoint, "conditions.ready");
        if (ready && ready->is_bool() && !ready->get_bool()) continue;
        for (const Json& address : list_at(endpoint, "addresses")) {
          all.push_back(fmt::format("{}:{}", scalar_text(address), text_at(port, "port")));
        }
      }
    }
  }
  const std::size_t shown = std::min<std::size_t>(all.size(), 3);
  std::string out = fmt::format(
      "{}", fmt::join(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown), ","));
  if (all.size() > shown) out += fmt::format(" + {} more...", all.size() - shown);
  return out;
}

std::string joined(const JsonArray& list) {
  std::string out;
  for (const Json& one : list) out += (out.empty() ? "" : ",") + scalar_text(one);
  return out;
}

}  // namespace

Status describe_service(Session& session, Page& page, const Json& service) {
  const std::string name = text_at(service, "metadata.name"),
                    ns = text_at(service, "metadata.namespace");
  page.line(0, "Name:\t{}", name);
  page.line(0, "Namespace:\t{}", ns);
  page.labels("Labels", map_at(service, "metadata.labels"));
  page.annotations("Annotations", map_at(service, "metadata.annotations"));
  page.line(0, "Selector:\t{}", label_text(map_at(service, "spec.selector")));
  page.line(0, "Type:\t{}", text_at(service, "spec.type"));
  if (const auto policy = text_at(service, "spec.ipFamilyPolicy"); !policy.empty())
    page.line(0, "IP Family Policy:\t{}", policy);
  const JsonArray& families = list_at(service, "spec.ipFamilies");
  page.line(0, "IP Families:\t{}", families.empty() ? "<none>" : joined(families));
  page.line(0, "IP:\t{}", text_at(service, "spec.clusterIP"));
  const JsonArray& ips = list_at(service, "spec.clusterIPs");
  page.line(0, "IPs:\t{}", ips.empty() ? "<none>" : joined(ips));
  if (const JsonArray& more = list_at(service, "spec.externalIPs"); !more.empty())
    page.line(0, "External IPs:\t{}", joined(more));
  if (const auto host = text_at(service, "spec.externalName"); !host.empty())
    page.line(0, "External Name:\t{}", host);
  std::string ingress;
  for (const Json& one : list_at(service, "status.loadBalancer.ingress")) {
    ingress += (ingress.empty() ? "" : ", ") + text_at(one, "ip", text_at(one, "hostname"));
  }
  if (!ingress.empty()) page.line(0, "LoadBalancer Ingress:\t{}", ingress);
  const Resource type{
      .group = "discovery.k8s.io", .version = "v1", .plural = "endpointslices", .namespaced = true};
  auto slices = session.list(type.path(ns),
                             "labelSelector=" + encode_query("kubernetes.io/service-name=" + name));
  const JsonArray found = slices ? list_at(*slices, "items") : JsonArray();
  for (const Json& port : list_at(service, "spec.ports")) {
    const std::string port_name = text_at(port, "name");
    const std::string shown = port_name.empty() ? "<unset>" : port_name,
                      protocol = text_at(port, "protocol", "TCP");
    page.line(0, "Port:\t{}\t{}/{}", shown, number_at(port, "port"), protocol);
    page.line(0, "TargetPort:\t{}/{}", text_at(port, "targetPort"), protocol);
    if (number_at(port, "nodePort") > 0)
      page.line(0, "NodePort:\t{}\t{}/{}", shown, number_at(port, "nodePort"), protocol);
    page.line(0, "Endpoints:\t{}", endpoints_text(found, port_name));
  }
  page.line(0, "Session Affinity:\t{}", text_at(service, "spec.sessionAffinity"));
  for (const auto& [title, path] :
       {std::pair{"External Traffic Policy", "spec.externalTrafficPolicy"},
        std::pair{"Internal Traffic Policy", "spec.internalTrafficPolicy"}}) {
    if (const auto text = text_at(service, path); !text.empty())
      page.line(0, "{}:\t{}", title, text);
  }
  return {};
}

}  // namespace keelson::cli
