// create service ...: services of pods labelled app=NAME.
#include <fmt/format.h>

#include "tools/cli/cluster/create.hpp"
#include "tools/cli/cluster/make.hpp"
#include "tools/cli/cluster/targets.hpp"

namespace keelson::cli {

namespace {

// "80:8080" of --tcp: port and target port.
Result<JsonArray> ports_of(const Flags& flags) {
  JsonArray ports;
  for (const std::string& list : flags.all("tcp")) {
    for (const std::string& given : split_list(list)) {
      const auto colon = given.find(':');
      const Json port = int_or_string(given.substr(0, colon));
      if (!port.is_int64()) return usage_error(fmt::format("invalid port {}", given));
      JsonObject one{{"name", colon == std::string::npos
                                  ? given
                                  : given.substr(0, colon) + "-" + given.substr(colon + 1)},
                     {"port", port},
                     {"protocol", "TCP"},
                     {"targetPort",
                      colon == std::string::npos ? port : int_or_string(given.substr(colon + 1))}};
      if (flags.has("node-port")) {
        const auto node_port = flags.number("node-port", 0);
        if (!node_port) return node_port.error();
        if (*node_port > 0) one["nodePort"] = *node_port;
      }
      ports.push_back(std::move(one));
    }
  }
  return ports;
}

Status create_service(Session& session, std::string_view type) {
  auto name = one_name(session);
  if (!name) return name.error();
  auto ports = ports_of(session.flags);
  if (!ports) return ports.error();
  if (ports->empty() && session.flags.get("clusterip") != "None") {
    return usage_error("at least one tcp port specifier must be provided");
  }
  Json object = new_object("v1", "Service", *name);
  at_path(object, "metadata.labels") = JsonObject{{"app", *name}};
  at_path(object, "spec") = {{"type", type}, {"selector", JsonObject{{"app", *name}}}};
  if (!ports->empty()) at_path(object, "spec.ports") = std::move(*ports);
  if (session.flags.has("clusterip"))
    at_path(object, "spec.clusterIP") = session.flags.get("clusterip");
  return create_object(session, "", "services", std::move(object));
}

Status create_cluster_ip(Session& session) {
  return create_service(session, "ClusterIP");
}
Status create_node_port(Session& session) {
  return create_service(session, "NodePort");
}
Status create_load_balancer(Session& session) {
  return create_service(session, "LoadBalancer");
}

Status create_external_name(Session& session) {
  auto name = one_name(session);
  if (!name) return name.error();
  if (!session.flags.has("external-name"))
    return usage_error("required flag(s) \"external-name\" not set");
  Json object = new_object("v1", "Service", *name);
  at_path(object, "metadata.labels") = JsonObject{{"app", *name}};
  at_path(object, "spec") = {{"type", "ExternalName"},
                             {"externalName", session.flags.get("external-name")},
                             {"selector", JsonObject{{"app", *name}}}};
  return create_object(session, "", "services", std::move(object));
}

}  // namespace

std::vector<Verb> create_service_verbs() {
  const FlagSpec tcp{"tcp", "PORT[:TARGET]", "a port (repeatable)"};
  return {
      {"create service clusterip", "NAME --tcp=PORT:TARGET", "create a service within the cluster",
       with_report({tcp, {"clusterip", "IP", "its address; None: a headless service"}}),
       create_cluster_ip},
      {"create service nodeport", "NAME --tcp=PORT:TARGET",
       "create a service on a port of every node",
       with_report({tcp, {"node-port", "N", "that port"}}), create_node_port},
      {"create service loadbalancer", "NAME --tcp=PORT:TARGET",
       "create a service behind a load balancer", with_report({tcp}), create_load_balancer},
      {"create service externalname", "NAME --external-name=HOST", "create an alias of a DNS name",
       with_report({{"external-name", "HOST", "the name"}, tcp}), create_external_name}};
}

}  // namespace keelson::cli
