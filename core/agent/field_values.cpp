#include "core/agent/field_values.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/api/quantity.hpp"

namespace keelson::agent {

namespace {

// The key of metadata.labels['KEY'] and the like; empty: `path` is something else.
std::string subscript(const std::string& path, std::string_view of) {
  if (!path.starts_with(of) || path.size() < of.size() + 4 || !path.ends_with("']")) return {};
  if (path.compare(of.size(), 2, "['") != 0) return {};
  return path.substr(of.size() + 2, path.size() - of.size() - 4);
}

template <class Map>
std::string at(const Map& map, const std::string& key) {
  const auto found = map.find(key);
  return found == map.end() ? std::string() : found->second;
}

// A container of that name, which may be an init container; null: there is none.
const api::Container* container_of(const api::PodSpec& spec, const std::string& name) {
  for (const auto* containers : {&spec.containers(), &spec.init_containers()}) {
    for (const api::Container& each : *containers) {
      if (each.name() == name) return &each;
    }
  }
  return nullptr;
}

}  // namespace

std::string field_value(const std::string& path, const api::Pod& pod, const Surroundings& here) {
  if (path == "metadata.name") return pod.metadata().name();
  if (path == "metadata.namespace") return pod.metadata().namespace_();
  if (path == "metadata.uid") return pod.metadata().uid();
  if (path == "spec.nodeName") return here.node;
  if (path == "spec.serviceAccountName") return pod.spec().service_account_name();
  if (path == "status.hostIP" || path == "status.hostIPs") return here.host_ip;
  if (path == "status.podIP" || path == "status.podIPs") return here.pod_ip;
  if (const std::string key = subscript(path, "metadata.labels"); !key.empty()) {
    return at(pod.metadata().labels(), key);
  }
  if (const std::string key = subscript(path, "metadata.annotations"); !key.empty()) {
    return at(pod.metadata().annotations(), key);
  }
  return {};
}

Result<std::string> resource_value(const api::ResourceFieldSelector& wanted, const api::Pod& pod,
                                   const api::Container& own, const Surroundings& here) {
  const std::string& of = wanted.container_name();
  const api::Container* container = of.empty() ? &own : container_of(pod.spec(), of);
  if (container == nullptr) return {Code::invalid, fmt::format("container {} not found", of)};
  const bool limit = wanted.resource().starts_with("limits.");
  const std::string name = wanted.resource().substr(wanted.resource().find('.') + 1);
  const auto& amounts = limit ? container->resources().limits() : container->resources().requests();
  api::Quantity amount;
  if (const auto set = amounts.find(name); set != amounts.end()) amount = set->second;
  if (limit && api::milli_value_of(amount) == 0 && here.allocatable != nullptr) {
    amount.set_string(at(*here.allocatable, name));
  }
  const bool cpu = name == "cpu";
  const int64_t value = cpu ? api::milli_value_of(amount) : api::value_of(amount);
  int64_t unit = cpu ? api::milli_value_of(wanted.divisor()) : api::value_of(wanted.divisor());
  if (unit <= 0) unit = cpu ? 1000 : 1;
  return std::to_string(value / unit + (value % unit > 0 ? 1 : 0));
}

namespace {

// As a Go program would write it between quotes: that is the published form of these files.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\a': out += "\\a"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\v': out += "\\v"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

std::string lines(const google::protobuf::Map<std::string, std::string>& map) {
  std::vector<std::string> out;
  for (const auto& [key, value] : map) out.push_back(key + "=" + quoted(value));
  std::sort(out.begin(), out.end());
  return fmt::format("{}", fmt::join(out, "\n"));
}

}  // namespace

std::string field_file(const std::string& path, const api::Pod& pod, const Surroundings& here) {
  if (path == "metadata.labels") return lines(pod.metadata().labels());
  if (path == "metadata.annotations") return lines(pod.metadata().annotations());
  return field_value(path, pod, here);
}

}  // namespace keelson::agent
