// Values that containers take from their own pod, as environment variables or files.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/api/quantity.hpp"
#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

using std::string_view_literals::operator""sv;

// Sorted: errors list them as they stand here.
constexpr std::array env_fields = {"metadata.name"sv,
                                   "metadata.namespace"sv,
                                   "metadata.uid"sv,
                                   "spec.nodeName"sv,
                                   "spec.serviceAccountName"sv,
                                   "status.hostIP"sv,
                                   "status.hostIPs"sv,
                                   "status.podIP"sv,
                                   "status.podIPs"sv};
constexpr std::array volume_fields = {"metadata.annotations"sv, "metadata.labels"sv,
                                      "metadata.name"sv, "metadata.namespace"sv, "metadata.uid"sv};
// Fields that a pod has but not every reference may use.
constexpr std::array pod_fields = {"metadata.annotations"sv,
                                   "metadata.labels"sv,
                                   "metadata.name"sv,
                                   "metadata.namespace"sv,
                                   "metadata.uid"sv,
                                   "spec.hostNetwork"sv,
                                   "spec.nodeName"sv,
                                   "spec.restartPolicy"sv,
                                   "spec.schedulerName"sv,
                                   "spec.serviceAccountName"sv,
                                   "status.hostIP"sv,
                                   "status.hostIPs"sv,
                                   "status.nominatedNodeName"sv,
                                   "status.phase"sv,
                                   "status.podIP"sv,
                                   "status.podIPs"sv};
constexpr std::array resource_fields = {
    "limits.cpu"sv,   "limits.ephemeral-storage"sv,   "limits.memory"sv,
    "requests.cpu"sv, "requests.ephemeral-storage"sv, "requests.memory"sv};

bool contains(std::span<const std::string_view> list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// metadata.labels['key'] and metadata.annotations['key'] name one entry.
bool check_subscript(Errors& errors, const Path& path, std::string_view field) {
  size_t open = field.find("['");
  if (open == field.npos || !field.ends_with("']")) return false;
  std::string_view map = field.substr(0, open);
  if (map != "metadata.labels" && map != "metadata.annotations") {
    errors.invalid(path, field, fmt::format("field label does not support subscript: {}", map));
    return true;
  }
  std::string key(field.substr(open + 2, field.size() - open - 4));
  if (map == "metadata.annotations") {
    for (char& c : key) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
  }
  errors.invalid(path, key, check_qualified_name(key));
  return true;
}

void validate_field(Errors& errors, const Path& path, const ObjectFieldSelector& selector,
                    std::span<const std::string_view> supported) {
  if (selector.api_version().empty()) return errors.required(path.child("apiVersion"));
  if (selector.field_path().empty()) return errors.required(path.child("fieldPath"));
  const Path place = path.child("fieldPath");
  const std::string& field = selector.field_path();
  if (check_subscript(errors, place, field) || contains(supported, field)) return;
  if (!contains(pod_fields, field)) {
    errors.invalid(place, field,
                   fmt::format("error converting fieldPath: field label not supported: {}", field));
  } else {
    errors.not_supported(place, field, supported);
  }
}

void check_divisor(Errors& errors, const Path& path, std::string_view resource,
                   const Quantity& divisor) {
  if (divisor.string().empty() || divisor.string() == "0") return;  // stands for 1
  keelson::Result<QuantityValue> value = QuantityValue::parse(divisor.string());
  if (!value.ok()) return errors.invalid(path, divisor.string(), value.error().message);
  auto among = [&](std::span<const std::string_view> units) {
    return contains(units, value->to_string());
  };
  constexpr std::array cpu_units = {"1m"sv, "1"sv};
  constexpr std::array byte_units = {"1"sv,   "1k"sv,  "1M"sv,  "1G"sv,  "1T"sv,  "1P"sv, "1E"sv,
                                     "1Ki"sv, "1Mi"sv, "1Gi"sv, "1Ti"sv, "1Pi"sv, "1Ei"sv};
  std::string_view name = resource.substr(resource.find('.') + 1);
  if (name == "cpu") {
    if (!among(cpu_units)) {
      errors.invalid(path, name,
                     "only divisor's values 1m and 1 are supported with the cpu resource");
    }
  } else if (!among(byte_units)) {
    std::string_view what = name == "ephemeral-storage" ? "local ephemeral storage" : name;
    errors.invalid(path, name,
                   fmt::format("only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, "
                               "1Ti, 1Pi, 1Ei are supported with the {} resource",
                               what));
  }
}

}  // namespace

void validate_env_field(Errors& errors, const Path& path, const ObjectFieldSelector& selector) {
  validate_field(errors, path, selector, env_fields);
}

void validate_volume_field(Errors& errors, const Path& path, const ObjectFieldSelector& selector) {
  validate_field(errors, path, selector, volume_fields);
}

void validate_resource_field(Errors& errors, const Path& path,
                             const ResourceFieldSelector& selector, bool names_container) {
  if (names_container && selector.container_name().empty()) {
    return errors.required(path.child("containerName"));
  }
  if (selector.resource().empty()) return errors.required(path.child("resource"));
  std::string_view resource = selector.resource();
  bool huge_pages =
      resource.starts_with("limits.hugepages-") || resource.starts_with("requests.hugepages-");
  if (!huge_pages && !contains(resource_fields, resource)) {
    errors.not_supported(path.child("resource"), resource, resource_fields);
  }
  check_divisor(errors, path.child("divisor"), resource, selector.divisor());
}

}  // namespace keelson::api
