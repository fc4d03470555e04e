#include "runtime/cri/network_namespace.hpp"

#include <boost/json.hpp>

#include "core/api/json_text.hpp"

namespace keelson::cri {

namespace json = boost::json;

namespace {

const json::value* member(const json::value* value, const char* name) {
  const json::object* object = value != nullptr ? value->if_object() : nullptr;
  return object != nullptr ? object->if_contains(name) : nullptr;
}

std::string text(const json::value* value) {
  const json::string* found = value != nullptr ? value->if_string() : nullptr;
  return found != nullptr ? std::string(found->data(), found->size()) : std::string();
}

}  // namespace

Result<std::string> network_namespace_of(const wire::PodSandboxStatusResponse& answer) {
  const Error silent{Code::unavailable, "the runtime does not say where the pod's network is"};
  const auto info = answer.info().find("info");
  if (info == answer.info().end()) return silent;
  const api::ParsedJson parsed = api::parse_json(info->second, nullptr);
  if (!parsed.error.empty()) return silent;
  const json::value* spaces =
      member(member(member(&parsed.value, "runtimeSpec"), "linux"), "namespaces");
  if (spaces == nullptr || !spaces->is_array()) return silent;
  for (const json::value& space : spaces->get_array()) {
    if (text(member(&space, "type")) != "network") continue;
    std::string path = text(member(&space, "path"));
    if (!path.empty()) return path;
    // Made with the sandbox's process: it is where that one is.
    const json::value* pid = member(&parsed.value, "pid");
    if (pid == nullptr || !pid->is_int64() || pid->get_int64() <= 0) return silent;
    return "/proc/" + std::to_string(pid->get_int64()) + "/ns/net";
  }
  return std::string();
}

}  // namespace keelson::cri
