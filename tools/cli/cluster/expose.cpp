// expose: a service of what a workload runs.
#include <fmt/format.h>

#include "tools/cli/cluster/make.hpp"
#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

Result<JsonObject> selector_of(const Session& session, const Found& found) {
  if (session.flags.has("selector")) return parse_pairs(session.flags.get("selector"), "selector");
  const std::string kind = text_at(found.object, "kind");
  JsonObject labels;
  if (kind == "Pod") {
    labels = map_at(found.object, "metadata.labels");
    if (labels.empty())
      return usage_error(
          "couldn't retrieve selectors via --selector flag or introspection: the pod has no labels "
          "and cannot be exposed");
    return labels;
  }
  if (kind == "Service") {
    labels = map_at(found.object, "spec.selector");
  } else if (find(found.object, "spec.selector.matchLabels")) {
    labels = map_at(found.object, "spec.selector.matchLabels");
    if (!list_at(found.object, "spec.selector.matchExpressions").empty()) {
      return usage_error("couldn't convert expressions of the selector: give --selector");
    }
  } else if (kind == "ReplicationController") {
    labels = map_at(found.object, "spec.selector");
  }
  if (labels.empty()) {
    return usage_error(fmt::format("cannot expose a {}", kind));
  }
  return labels;
}

// Those of --port, else all that the containers (or a service) name.
Result<std::vector<std::pair<int64_t, std::string>>> ports_of(const Session& session,
                                                              const Found& found) {
  std::vector<std::pair<int64_t, std::string>> out;
  const std::string protocol = session.flags.get("protocol");
  if (session.flags.has("port")) {
    for (const std::string& text : split_list(session.flags.get("port"))) {
      const Json port = int_or_string(text);
      if (!port.is_int64()) return usage_error(fmt::format("invalid port {}", text));
      out.emplace_back(port.get_int64(), protocol.empty() ? "TCP" : protocol);
    }
    return out;
  }
  const auto add = [&](int64_t port, const std::string& given) {
    out.emplace_back(port, protocol.empty() ? given : protocol);
  };
  if (text_at(found.object, "kind") == "Service") {
    for (const Json& port : list_at(found.object, "spec.ports")) {
      add(number_at(port, "port"), text_at(port, "protocol", "TCP"));
    }
  } else if (const std::string path = pod_spec_path(found.object); !path.empty()) {
    for (const Json& container : list_at(found.object, path + ".containers")) {
      for (const Json& port : list_at(container, "ports")) {
        add(number_at(port, "containerPort"), text_at(port, "protocol", "TCP"));
      }
    }
  }
  if (out.empty()) return usage_error("couldn't find port via --port flag or introspection");
  return out;
}

Status expose_one(Session& session, const Found& found) {
  auto selector = selector_of(session, found);
  if (!selector) return selector.error();
  auto ports = ports_of(session, found);
  if (!ports) return ports.error();
  const Flags& flags = session.flags;
  JsonArray list;
  for (std::size_t i = 0; i < ports->size(); ++i) {
    const auto& [port, protocol] = (*ports)[i];
    JsonObject one{{"port", port}, {"protocol", protocol}};
    one["targetPort"] =
        flags.has("target-port") ? int_or_string(flags.get("target-port")) : Json(port);
    if (ports->size() > 1) one["name"] = fmt::format("port-{}", i + 1);
    list.push_back(std::move(one));
  }
  Json object{{"apiVersion", "v1"},
              {"kind", "Service"},
              {"metadata", {{"name", flags.get("name", found.name)}}},
              {"spec", {{"ports", std::move(list)}, {"selector", std::move(*selector)}}}};
  JsonObject labels = map_at(found.object, "metadata.labels");
  if (flags.has("labels")) {
    auto given = parse_pairs(flags.get("labels"), "label");
    if (!given) return given.error();
    labels = std::move(*given);
  }
  if (!labels.empty()) at_path(object, "metadata.labels") = std::move(labels);
  for (const auto& [flag, path] :
       {std::pair{"type", "spec.type"}, std::pair{"cluster-ip", "spec.clusterIP"},
        std::pair{"session-affinity", "spec.sessionAffinity"},
        std::pair{"load-balancer-ip", "spec.loadBalancerIP"}}) {
    if (flags.has(flag)) at_path(object, path) = flags.get(flag);
  }
  if (flags.has("external-ip")) {
    JsonArray ips;
    for (const std::string& ip : split_list(flags.get("external-ip"))) ips.push_back(Json(ip));
    at_path(object, "spec.externalIPs") = std::move(ips);
  }
  Resource services{.group = "",
                    .version = "v1",
                    .plural = "services",
                    .singular = "service",
                    .kind = "Service",
                    .namespaced = true};
  if (session.dry_run() == "client") return session.report(services, object, "exposed");
  auto made = session.send("POST", services.path(found.ns), object);
  if (!made) return made.error();
  return session.report(services, *made, "exposed");
}

Status expose(Session& session) {
  auto found = fetch(session, session.flags.args(), true);
  if (!found) return found.error();
  for (const Found& one : *found) {
    if (auto ok = expose_one(session, one); !ok) session.complain(ok.error());
  }
  return {};
}

}  // namespace

std::vector<Verb> expose_verbs() {
  auto flags = with_report(file_flags());
  const std::vector<FlagSpec> own = {
      {"port", "PORTS", "of the service (else those of the containers)"},
      {"target-port", "PORT", "of the containers, by number or name"},
      {"protocol", "NAME", "TCP, UDP or SCTP"},
      {"type", "TYPE", "ClusterIP, NodePort, LoadBalancer or ExternalName"},
      {"name", "NAME", "of the service"},
      {"selector", "LABELS", "of the pods"},
      {"l,labels", "LABELS", "of the service"},
      {"cluster-ip", "IP", "its address; None: a headless service"},
      {"external-ip", "IPS", "further addresses"},
      {"load-balancer-ip", "IP", "the load balancer's"},
      {"session-affinity", "KIND", "None or ClientIP"}};
  flags.insert(flags.end(), own.begin(), own.end());
  return {{"expose", "TYPE NAME [--port=N]", "make a service of a workload", flags, expose,
           "  keelson expose deployment kel --type=NodePort --port=80\n"}};
}

}  // namespace keelson::cli
