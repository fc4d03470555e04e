#include "tools/cli/cluster/make.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace keelson::cli {

std::vector<std::string> split_list(std::string_view text, char at) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find(at, begin), text.size());
    if (end > begin) out.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::string container_name(std::string_view image) {
  image = image.substr(image.rfind('/') + 1);
  image = image.substr(0, image.find_first_of(":@"));
  std::string out;
  for (const char c : image) {
    if (c >= 'A' && c <= 'Z') {
      out += char(c - 'A' + 'a');
    } else {
      out += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
    }
  }
  while (out.ends_with('-')) out.pop_back();
  return out;
}

Result<JsonObject> parse_pairs(std::string_view text, std::string_view what) {
  JsonObject out;
  for (const std::string& pair : split_list(text)) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return usage_error(fmt::format("invalid {}: {}, expected key=value", what, pair));
    }
    out[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return out;
}

Result<JsonArray> parse_env(const std::vector<std::string>& pairs) {
  JsonArray out;
  for (const std::string& pair : pairs) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) return usage_error("invalid env: " + pair);
    out.push_back({{"name", pair.substr(0, equals)}, {"value", pair.substr(equals + 1)}});
  }
  return out;
}

Json int_or_string(const std::string& text) {
  const bool number =
      !text.empty() && text.size() < 10 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return number ? Json(std::stoll(text)) : Json(text);
}

std::string pod_spec_path(const Json& object) {
  if (text_at(object, "kind") == "Pod") return "spec";
  if (find(object, "spec.template.spec")) return "spec.template.spec";
  if (find(object, "spec.jobTemplate.spec.template.spec"))
    return "spec.jobTemplate.spec.template.spec";
  return "";
}

Status create_object(Session& session, std::string_view group, std::string_view plural, Json object,
                     Telling telling) {
  Resource resource;
  if (session.dry_run() == "client") {
    // Nothing is asked: the type is what the object says.
    resource.group = group;
    resource.plural = plural;
    const std::string kind = text_at(object, "kind");
    for (const char c : kind) resource.singular += c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
    resource.kind = kind;
    return session.report(resource, object, "created");
  }
  const auto known = session.discovery();
  if (!known) return known.error();
  const Resource* served = (*known)->find(group, plural);
  if (!served) {
    return usage_error(fmt::format("the server doesn't have a resource type \"{}\"", plural));
  }
  const std::string ns = served->namespaced ? session.ns : "";
  if (served->namespaced) {
    Json& meta = at_path(object, "metadata");
    if (meta.is_object() && !meta.get_object().contains("namespace"))
      meta.get_object()["namespace"] = ns;
  }
  auto made = session.send("POST", served->path(ns), object);
  if (!made) {
    Error error = made.error();
    constexpr std::string_view kServer = "Error from server";
    if (telling == Telling::failed_to_create && error.message.starts_with(kServer)) {
      const std::string words = error.message.substr(error.message.find(": ") + 2);
      error.message = fmt::format("error: failed to create {}: {}", served->singular, words);
    }
    return error;
  }
  return session.report(*served, *made, "created");
}

}  // namespace keelson::cli
