#include "core/rest/openapi/extensions.hpp"

#include "core/rest/openapi/json_out.hpp"

namespace keelson::rest::openapi {
namespace {

constexpr std::string_view kind_extension = "x-kubernetes-group-version-kind";

std::string quoted(std::string_view text) {
  JsonOut out;
  out.value(text);
  return std::move(out.text);
}

void write(JsonOut& out, const GroupVersionKind& kind) {
  out.open('{');
  out.member("group", kind.group);
  out.member("kind", kind.kind);
  out.member("version", kind.version);
  out.close('}');
}

}  // namespace

Extensions extensions_of(const Schema& schema) {
  Extensions out;
  if (!schema.kinds.empty()) {
    JsonOut json;
    json.open('[');
    for (const GroupVersionKind& kind : schema.kinds) write(json, kind);
    json.close(']');
    out.emplace_back(kind_extension, std::move(json.text));
  }
  if (!schema.list_map_keys.empty()) {
    JsonOut json;
    json.strings(schema.list_map_keys);
    out.emplace_back("x-kubernetes-list-map-keys", std::move(json.text));
  }
  const auto add = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) out.emplace_back(name, quoted(text));
  };
  add("x-kubernetes-list-type", schema.list_type);
  add("x-kubernetes-map-type", schema.map_type);
  add("x-kubernetes-patch-merge-key", schema.merge_key);
  add("x-kubernetes-patch-strategy", schema.patch_strategy);
  return out;
}

Extensions extensions_of(const Operation& operation) {
  Extensions out;
  if (!operation.action.empty()) {
    out.emplace_back("x-kubernetes-action", quoted(operation.action));
  }
  JsonOut json;
  write(json, operation.kind);
  out.emplace_back(kind_extension, std::move(json.text));
  return out;
}

}  // namespace keelson::rest::openapi
