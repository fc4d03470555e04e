#include "runtime/process/config.hpp"

#include <boost/json.hpp>
#include <functional>

#include "core/api/yaml.hpp"
#include "runtime/process/config_check.hpp"

namespace keelson::runtime {

namespace json = boost::json;

namespace {

constexpr std::string_view kVersion = "keelson.io/v1";

// One description of the fields serves reading and writing.
struct Field {
  std::string name;
  std::function<std::string(const json::value&)> read;  // what is wrong; empty: nothing
  std::function<json::value()> write;
};

Field field(std::string name, std::string& to) {
  return {std::move(name),
          [&to](const json::value& value) -> std::string {
            if (!value.is_string()) return "must be a text";
            to = value.get_string();
            return {};
          },
          [&to] { return json::value(to); }};
}

Field field(std::string name, bool& to) {
  return {std::move(name),
          [&to](const json::value& value) -> std::string {
            if (!value.is_bool()) return "must be true or false";
            to = value.get_bool();
            return {};
          },
          [&to] { return json::value(to); }};
}

template <class Number>
Field number(std::string name, Number& to, int64_t least, int64_t most) {
  return {std::move(name),
          [&to, least, most](const json::value& value) -> std::string {
            const int64_t n = value.is_int64() ? value.get_int64() : least - 1;
            if (n < least || n > most) {
              return "must be a number from " + std::to_string(least) + " to " +
                     std::to_string(most);
            }
            to = static_cast<Number>(n);
            return {};
          },
          [&to] { return json::value(static_cast<int64_t>(to)); }};
}

Field field(std::string name, std::vector<std::string>& to) {
  return {std::move(name),
          [&to](const json::value& value) -> std::string {
            if (!value.is_array()) return "must be a list of texts";
            to.clear();
            for (const json::value& item : value.get_array()) {
              if (!item.is_string()) return "must be a list of texts";
              to.emplace_back(item.get_string());
            }
            return {};
          },
          [&to] { return json::value(json::array(to.begin(), to.end())); }};
}

Field field(std::string name, std::map<std::string, std::string>& to) {
  return {std::move(name),
          [&to](const json::value& value) -> std::string {
            if (!value.is_object()) return "must be a map of texts";
            to.clear();
            for (const auto& [key, item] : value.get_object()) {
              if (!item.is_string()) return "must be a map of texts";
              to[std::string(key)] = item.get_string();
            }
            return {};
          },
          [&to] {
            json::object out;
            for (const auto& [key, value] : to) out[key] = value;
            return json::value(std::move(out));
          }};
}

std::vector<Field> fields_of(ControlPlaneConfig& c) {
  return {field("name", c.name),
          field("advertiseAddress", c.advertise_address),
          field("bindAddress", c.bind_address),
          number("port", c.port, 1, 65535),
          field("pkiDir", c.pki_dir),
          field("cluster", c.cluster),
          field("store", c.store),
          field("storeUser", c.store_user),
          field("storePasswordFile", c.store_password_file),
          number("storeReplicas", c.store_replicas, 0, 8),
          field("serviceCIDR", c.service_cidr),
          field("podCIDR", c.pod_cidr),
          number("nodeCIDRPrefix", c.node_cidr_prefix, 8, 30),
          field("timing", c.timing),
          field("historyWindow", c.history_window),
          field("accessLog", c.access_log),
          field("schedulerConfig", c.scheduler_config),
          field("logJSON", c.log_json)};
}

std::vector<Field> fields_of(NodeConfig& c) {
  return {field("name", c.name),
          field("address", c.address),
          field("servers", c.servers),
          field("pkiDir", c.pki_dir),
          field("stateDir", c.state_dir),
          field("logDir", c.log_dir),
          field("manifestDir", c.manifest_dir),
          field("containerd", c.containerd),
          field("cgroupParent", c.cgroup_parent),
          field("cniConfDir", c.cni_conf_dir),
          field("bridge", c.bridge),
          field("podCIDR", c.pod_cidr),
          field("serviceCIDR", c.service_cidr),
          field("clusterDNS", c.cluster_dns),
          field("clusterDomain", c.cluster_domain),
          field("upstreamDNS", c.upstream_dns),
          number("port", c.port, 1, 65535),
          number("maxPods", c.max_pods, 1, 10'000),
          field("timing", c.timing),
          number("readyDelayMilliseconds", c.ready_delay_ms, 0, 60'000),
          number("leaveDelayMilliseconds", c.leave_delay_ms, 0, 60'000),
          field("labels", c.labels),
          field("taints", c.taints),
          field("reserved", c.reserved),
          field("seccompDefault", c.seccomp_default),
          field("logJSON", c.log_json)};
}

Error wrong(const std::string& source, std::string_view name, const std::string& what) {
  return {Code::invalid, source + ": " + std::string(name) + ": " + what};
}

Status read(const std::string& text, const std::string& source, std::string_view kind,
            const std::vector<Field>& fields) {
  auto documents = api::yaml_documents(text, source);
  if (!documents) return documents.error();
  if (documents->size() != 1 || !documents->front().is_object()) {
    return {Code::invalid, source + ": must hold one " + std::string(kind)};
  }
  for (const auto& [key, value] : documents->front().get_object()) {
    if (key == "apiVersion" || key == "kind") {
      const std::string_view wanted = key == "kind" ? kind : kVersion;
      if (value != json::value(wanted)) {
        return wrong(source, key, "must be \"" + std::string(wanted) + "\"");
      }
      continue;
    }
    const auto it = std::find_if(fields.begin(), fields.end(),
                                 [&, name = std::string_view(key)](const Field& f) {
                                   return f.name == name;
                                 });
    if (it == fields.end()) return wrong(source, key, "there is no such field");
    if (const std::string why = it->read(value); !why.empty()) return wrong(source, key, why);
  }
  return {};
}

std::string write(std::string_view kind, const std::vector<Field>& fields) {
  json::object out{{"apiVersion", kVersion}, {"kind", kind}};
  for (const Field& field : fields) out[field.name] = field.write();
  return api::yaml_text(out);
}

}  // namespace

Result<ControlPlaneConfig> parse_control_plane_config(const std::string& text,
                                                      const std::string& source) {
  ControlPlaneConfig config;
  if (Status status = read(text, source, "ControlPlaneConfiguration", fields_of(config)); !status) {
    return status.error();
  }
  for (const auto& [name, value] : {std::pair("name", &config.name),
                                    std::pair("advertiseAddress", &config.advertise_address)}) {
    if (value->empty()) return wrong(source, name, "must be set");
  }
  if (config.timing != "keelson" && config.timing != "kubernetes") {
    return wrong(source, "timing", "must be \"keelson\" or \"kubernetes\"");
  }
  if (Status status = check(config); !status) return Error{status.code(), source + ": " + status.message()};
  return config;
}

Result<NodeConfig> parse_node_config(const std::string& text, const std::string& source) {
  NodeConfig config;
  if (Status status = read(text, source, "NodeConfiguration", fields_of(config)); !status) {
    return status.error();
  }
  for (const auto& [name, value] :
       {std::pair("name", &config.name), std::pair("address", &config.address)}) {
    if (value->empty()) return wrong(source, name, "must be set");
  }
  if (config.timing != "keelson" && config.timing != "kubernetes") {
    return wrong(source, "timing", "must be \"keelson\" or \"kubernetes\"");
  }
  if (config.servers.empty()) return wrong(source, "servers", "must name a server");
  if (Status status = check(config); !status) return Error{status.code(), source + ": " + status.message()};
  return config;
}

std::string to_text(const ControlPlaneConfig& config) {
  ControlPlaneConfig copy = config;
  return write("ControlPlaneConfiguration", fields_of(copy));
}

std::string to_text(const NodeConfig& config) {
  NodeConfig copy = config;
  return write("NodeConfiguration", fields_of(copy));
}

}  // namespace keelson::runtime
