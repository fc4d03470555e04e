#include "core/rest/path.hpp"

#include <span>

namespace keelson::rest {

namespace {

std::string verb_of(std::string_view method, const Path& path, const Uri& uri) {
  if (method == "GET" || method == "HEAD") {
    if (path.watch) return "watch";
    if (!path.name.empty()) return "get";
    return uri.flag("watch") ? "watch" : "list";
  }
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return path.name.empty() ? "deletecollection" : "delete";
  return {};
}

}  // namespace

Path read_path(std::string_view method, const Uri& uri) {
  Path path;
  std::span<const std::string> at(uri.segments);
  const auto take = [&at]() -> std::string {
    if (at.empty()) return {};
    std::string first = at.front();
    at = at.subspan(1);
    return first;
  };
  const bool core = at.size() >= 3 && at[0] == "api";
  const bool grouped = at.size() >= 4 && at[0] == "apis";
  if (!core && !grouped) {
    for (const char c : method) {
      path.verb += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return path;
  }
  path.resource_request = true;
  take();
  if (grouped) path.group = take();
  path.version = take();
  if (at.size() > 1 && at.front() == "watch") {
    path.watch = true;
    take();
  }
  // A namespace is a resource itself, and the place of others.
  const bool of_namespace =
      at.size() >= 3 && at[0] == "namespaces" && at[2] != "status" && at[2] != "finalize";
  if (of_namespace) {
    take();
    path.ns = take();
  }
  path.resource = take();
  path.name = take();
  path.subresource = take();
  for (const std::string& segment : at) path.rest += "/" + segment;
  path.verb = verb_of(method, path, uri);
  return path;
}

}  // namespace keelson::rest
