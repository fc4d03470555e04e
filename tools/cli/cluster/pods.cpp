#include "tools/cli/cluster/pods.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tools/cli/cluster/describe.hpp"

namespace keelson::cli {

namespace {

bool is_ready(const Json& pod) {
  if (find(pod, "metadata.deletionTimestamp")) return false;  // on its way out
  for (const Json& condition : list_at(pod, "status.conditions")) {
    if (text_at(condition, "type") == "Ready") return text_at(condition, "status") == "True";
  }
  return false;
}

}  // namespace

Result<std::vector<Found>> pods_of(Session& session, const std::string& word) {
  const bool typed = word.find('/') != std::string::npos;
  auto object = fetch_one(
      session, typed ? std::vector<std::string>{word} : std::vector<std::string>{"pods", word});
  if (!object) return object.error();
  if (object->resource.kind == "Pod") return std::vector<Found>{std::move(*object)};
  const std::string selector = selector_text(object->object);
  if (selector.empty()) {
    return usage_error(fmt::format("cannot attach to *{}: selector for {} not implemented",
                                   object->resource.kind, object->resource.plural));
  }
  auto type = session.resource("pods");
  if (!type) return type.error();
  auto list = session.list(type->path(object->ns), "labelSelector=" + encode_query(selector));
  if (!list) return list.error();
  std::vector<Found> out;
  for (const Json& pod : list_at(*list, "items")) {
    out.push_back({*type, object->ns, text_at(pod, "metadata.name"), pod});
  }
  std::stable_sort(out.begin(), out.end(), [](const Found& a, const Found& b) {
    if (is_ready(a.object) != is_ready(b.object)) return is_ready(a.object);
    return text_at(a.object, "metadata.creationTimestamp") <
           text_at(b.object, "metadata.creationTimestamp");
  });
  if (out.empty()) return usage_error(fmt::format("no pods found for {}", object->called()));
  return out;
}

Result<std::string> container_of(Session& session, const Json& pod, const std::string& given) {
  std::vector<std::string> names;
  for (const Json& one : list_at(pod, "spec.containers")) names.push_back(text_at(one, "name"));
  std::vector<std::string> all = names;
  for (const char* more : {"spec.initContainers", "spec.ephemeralContainers"}) {
    for (const Json& one : list_at(pod, more)) all.push_back(text_at(one, "name"));
  }
  const std::string pod_name = text_at(pod, "metadata.name");
  if (!given.empty()) {
    if (std::find(all.begin(), all.end(), given) != all.end()) return given;
    return usage_error(fmt::format("container {} is not valid for pod {}", given, pod_name));
  }
  if (names.empty()) return usage_error(fmt::format("pod {} has no containers", pod_name));
  const Json* annotations = find(pod, "metadata.annotations");
  const Json* chosen =
      annotations ? member(*annotations, "kubectl.kubernetes.io/default-container") : nullptr;
  if (chosen && std::find(all.begin(), all.end(), scalar_text(*chosen)) != all.end())
    return scalar_text(*chosen);
  if (all.size() > 1) {
    session.io.err(
        fmt::format("Defaulted container \"{}\" out of: {}\n", names[0], fmt::join(all, ", ")));
  }
  return names[0];
}

}  // namespace keelson::cli
