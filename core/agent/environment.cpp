#include "core/agent/environment.hpp"

#include <algorithm>

#include "core/agent/references.hpp"
#include "core/api/quantity.hpp"

namespace keelson::agent {

namespace {

void set(Environment& environment, const std::string& name, std::string value) {
  const auto at = std::find_if(environment.begin(), environment.end(),
                               [&](const auto& known) { return known.first == name; });
  if (at != environment.end()) at->second = std::move(value);
  else environment.emplace_back(name, std::move(value));
}

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

// In units of the divisor, rounded up. A limit that is not set is all that the node has.
std::string resource_value(const api::ResourceFieldSelector& wanted, const api::Pod& pod,
                           const api::Container& own, const Surroundings& here) {
  const api::Container* container = &own;
  for (const api::Container& each : pod.spec().containers()) {
    if (!wanted.container_name().empty() && each.name() == wanted.container_name()) container = &each;
  }
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

// The entries of a ConfigMap or Secret.
const google::protobuf::Map<std::string, std::string>& data_of(const api::Object& object) {
  return object.kind() == api::Kind::secrets ? object.as<api::Secret>().data()
                                             : object.as<api::ConfigMap>().data();
}

}  // namespace

std::string expand(const std::string& text, const Environment& environment) {
  if (text.find('$') == std::string::npos) return text;
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
    } else if (text[i + 1] == '$') {
      out += '$';
      ++i;
    } else if (const std::size_t end = text.find(')', i); text[i + 1] == '(' && end != std::string::npos) {
      const std::string name = text.substr(i + 2, end - i - 2);
      const auto known = std::find_if(environment.begin(), environment.end(),
                                      [&](const auto& each) { return each.first == name; });
      out += known == environment.end() ? text.substr(i, end + 1 - i) : known->second;
      i = end;
    } else {
      out += '$';
    }
  }
  return out;
}

Environment environment_of(const api::Pod& pod, const api::Container& container,
                           const Surroundings& here, const std::vector<api::ObjectPtr>& referenced) {
  Environment out;
  auto next = referenced.begin();
  const auto referred = [&] { return next == referenced.end() ? nullptr : *next++; };
  for (const api::EnvFromSource& from : container.env_from()) {
    if (!from.has_config_map_ref() && !from.has_secret_ref()) continue;
    const api::ObjectPtr object = referred();
    if (!object) continue;
    const auto& data = data_of(*object);
    std::vector<std::string> keys;
    for (const auto& [key, value] : data) keys.push_back(key);
    std::sort(keys.begin(), keys.end());
    for (const std::string& key : keys) set(out, from.prefix() + key, data.at(key));
  }
  Environment composed;  // what $(NAME) may refer to: the variables before
  for (const api::EnvVar& variable : container.env()) {
    const api::EnvVarSource& from = variable.value_from();
    std::string value;
    if (!variable.has_value_from()) {
      value = expand(variable.value(), composed);
    } else if (from.has_field_ref()) {
      value = field_value(from.field_ref().field_path(), pod, here);
    } else if (from.has_resource_field_ref()) {
      value = resource_value(from.resource_field_ref(), pod, container, here);
    } else if (from.has_config_map_key_ref() || from.has_secret_key_ref()) {
      const std::string& key = from.has_secret_key_ref() ? from.secret_key_ref().key()
                                                         : from.config_map_key_ref().key();
      const api::ObjectPtr object = referred();
      if (!object || !data_of(*object).contains(key)) continue;
      value = data_of(*object).at(key);
    }
    set(composed, variable.name(), value);
    set(out, variable.name(), std::move(value));
  }
  return out;
}

}  // namespace keelson::agent
