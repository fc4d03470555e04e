#include "core/api/kinds.hpp"

#include <algorithm>
#include <array>

#include "core/base/assert.hpp"

namespace keelson::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return lower(c); });
  return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return lower(x) == lower(y);
         });
}

bool has_member(const Descriptor& message, const char* field, const char* member) {
  const FieldDescriptor* f = message.FindFieldByName(field);
  return f && f->message_type() && f->message_type()->FindFieldByName(member);
}

KindInfo describe(Kind kind, const Descriptor& message) {
  const KindRule& rule = message.options().GetExtension(keelson::api::kind);
  KEELSON_ASSERT_WHY(!rule.plural().empty(), message.full_name().c_str());
  KindInfo info;
  info.kind = kind;
  info.group = rule.group();
  info.version = rule.version();
  info.api_version = rule.group().empty() ? rule.version() : rule.group() + "/" + rule.version();
  info.name = message.name();
  info.plural = rule.plural();
  info.singular = rule.singular().empty() ? lower(info.name) : rule.singular();
  info.short_names.assign(rule.short_names().begin(), rule.short_names().end());
  info.categories.assign(rule.categories().begin(), rule.categories().end());
  info.namespaced = !rule.cluster_scoped();
  info.has_status = message.FindFieldByName("status") != nullptr;
  // Scalable is what asks for a number of replicas and reports one.
  info.has_scale =
      has_member(message, "spec", "replicas") && has_member(message, "status", "replicas");
  info.qualified = info.group.empty() ? info.plural : info.plural + "." + info.group;
  info.qualified_name = info.group.empty() ? info.name : info.name + "." + info.group;
  return info;
}

const std::array<KindInfo, kind_count>& registry() {
  static const std::array<KindInfo, kind_count> kinds = {
#define X(enumerator, Type) describe(Kind::enumerator, *Type::descriptor()),
      KEELSON_KINDS(X)
#undef X
  };
  return kinds;
}

bool is_called(const KindInfo& info, std::string_view name) {
  if (equal_ignoring_case(info.plural, name) || equal_ignoring_case(info.singular, name) ||
      equal_ignoring_case(info.name, name)) {
    return true;
  }
  return std::any_of(info.short_names.begin(), info.short_names.end(),
                     [&](const std::string& s) { return equal_ignoring_case(s, name); });
}

}  // namespace

const KindInfo& info(Kind kind) { return registry()[static_cast<std::size_t>(kind)]; }

std::span<const KindInfo> all_kinds() { return registry(); }

const KindInfo* find_kind(std::string_view api_version, std::string_view name) {
  for (const KindInfo& info : registry()) {
    if (info.name == name && info.api_version == api_version) return &info;
  }
  return nullptr;
}

const KindInfo* find_resource(std::string_view typed) {
  for (const KindInfo& info : registry()) {
    if (is_called(info, typed)) return &info;
  }
  // "deployments.apps" and "deployments.v1.apps"; "pods.v1." names the core group.
  const std::size_t dot = typed.find('.');
  if (dot == std::string_view::npos) return nullptr;
  const std::string_view name = typed.substr(0, dot);
  const std::string_view rest = typed.substr(dot + 1);
  for (const KindInfo& info : registry()) {
    if (!is_called(info, name)) continue;
    if (equal_ignoring_case(rest, info.group) ||
        equal_ignoring_case(rest, info.version + "." + info.group)) {
      return &info;
    }
  }
  return nullptr;
}

}  // namespace keelson::api
