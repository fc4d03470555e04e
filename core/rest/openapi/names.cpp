#include "core/rest/openapi/names.hpp"

#include <array>
#include <utility>

namespace keelson::rest::openapi {
namespace {

constexpr std::string_view our_root = "keelson.api.";

// Types whose Go package is not that of the API group.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> elsewhere = {
    {{"keelson.api.meta.v1.Quantity", "io.k8s.apimachinery.pkg.api.resource.Quantity"},
     {"keelson.api.meta.v1.IntOrString", "io.k8s.apimachinery.pkg.util.intstr.IntOrString"},
     {"keelson.api.meta.v1.RawExtension", "io.k8s.apimachinery.pkg.runtime.RawExtension"}}};

// Where the Go packages of a group stand.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> roots = {
    {{"meta", "io.k8s.apimachinery.pkg.apis."}, {"metrics", "io.k8s.metrics.pkg.apis."}}};

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// "rbac.authorization.k8s.io": "RbacAuthorization".
std::string group_words(std::string_view group) {
  constexpr std::string_view suffix = ".k8s.io";
  if (group.empty()) return "Core";
  if (group.ends_with(suffix)) group.remove_suffix(suffix.size());
  std::string out;
  bool start = true;
  for (const char c : group) {
    if (c == '.' || c == '-') {
      start = true;
      continue;
    }
    out += start ? upper(c) : c;
    start = false;
  }
  return out;
}

}  // namespace

std::string definition_name(const google::protobuf::Descriptor& message,
                            const VersionAlias& alias) {
  for (const auto& [ours, theirs] : elsewhere) {
    if (message.full_name() == ours) return std::string(theirs);
  }
  std::string rest = message.file()->package();
  if (rest.starts_with(our_root)) rest.erase(0, our_root.size());  // "core.v1"
  if (alias.covers(message)) {
    const std::string group = alias.group.substr(0, alias.group.find('.'));
    rest = (group.empty() ? "core" : group) + "." + alias.version;
  }
  const std::string_view group = std::string_view(rest).substr(0, rest.find('.'));
  std::string_view root = "io.k8s.api.";
  for (const auto& [name, other] : roots) {
    if (name == group) root = other;
  }
  return std::string(root).append(rest).append(".").append(message.name());
}

std::string group_version_path(std::string_view group, std::string_view version) {
  std::string path(group.empty() ? "api/" : "apis/");
  if (!group.empty()) path.append(group).append("/");
  return path.append(version);
}

std::string id_part(std::string_view group, std::string_view version) {
  return group_words(group) + capitalised(version);
}

std::string tag_of(std::string_view group, std::string_view version) {
  std::string words = group_words(group);
  if (words[0] >= 'A' && words[0] <= 'Z') words[0] = static_cast<char>(words[0] - 'A' + 'a');
  return words.append("_").append(version);
}

std::string capitalised(std::string_view word) {
  std::string out(word);
  if (!out.empty()) out[0] = upper(out[0]);
  return out;
}

}  // namespace keelson::rest::openapi
