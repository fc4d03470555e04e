// Requests, limits and other maps of quantities.
#include <fmt/format.h>

#include <algorithm>

#include "core/api/quantity.hpp"
#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

std::vector<std::string_view> sorted_names(const ResourceMap& map) {
  std::vector<std::string_view> names;
  names.reserve(map.size());
  for (const auto& [name, quantity] : map) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

bool huge_page(std::string_view name) {
  return name.starts_with("hugepages-");
}

bool native(std::string_view name) {
  return name.find('/') == name.npos || name.find("kubernetes.io/") != name.npos;
}

bool standard_for_containers(std::string_view name) {
  return name == "cpu" || name == "memory" || name == "ephemeral-storage" || huge_page(name);
}

// Resources that come in units can be neither split nor promised twice.
bool whole_units(std::string_view name) {
  return !native(name) || name == "pods" || name.starts_with("attachable-volumes-");
}
bool overcommit_allowed(std::string_view name) {
  return native(name) && !huge_page(name);
}

void check_resource_name(Errors& errors, const Path& path, std::string_view name, bool container) {
  const size_t before = errors.size();
  errors.invalid(path, name, check_qualified_name(name));
  if (errors.size() != before || name.find('/') != name.npos) return;
  if (standard_for_containers(name)) return;
  if (container) {
    errors.invalid(path, name, "must be a standard resource type or fully qualified");
    errors.invalid(path, name, "must be a standard resource for containers");
  }
}

// Nothing if the quantity is malformed, which is an error of its own.
std::optional<QuantityValue> check_quantity(Errors& errors, const Path& path, std::string_view name,
                                            const Quantity& quantity) {
  keelson::Result<QuantityValue> parsed = QuantityValue::parse(quantity.string());
  if (!parsed.ok()) {
    errors.invalid(path, quantity.string(), parsed.error().message);
    return std::nullopt;
  }
  const QuantityValue& value = parsed.value();
  if (value.negative()) {
    errors.invalid(path, value.to_string(), negative_reason);
  }
  if (whole_units(name) && value != QuantityValue::of(value.value())) {
    errors.invalid(path, value.to_string(), "must be an integer");
  }
  return value;
}

void check_map(Errors& errors, const Path& path, const ResourceMap& map, bool container) {
  for (std::string_view name : sorted_names(map)) {
    const Path place = path.key(name);
    check_resource_name(errors, place, name, container);
    check_quantity(errors, place, name, map.at(std::string(name)));
  }
}

}  // namespace

void validate_container_quantities(Errors& errors, const Path& path, const ResourceMap& map) {
  check_map(errors, path, map, true);
}

void validate_node_quantities(Errors& errors, const Path& path, const ResourceMap& map) {
  check_map(errors, path, map, false);
}

void validate_resources(Errors& errors, const Path& path, const ResourceRequirements& resources) {
  validate_container_quantities(errors, path.child("limits"), resources.limits());
  const Path requests = path.child("requests");
  for (std::string_view name : sorted_names(resources.requests())) {
    const Path place = requests.key(name);
    check_resource_name(errors, place, name, true);
    std::optional<QuantityValue> request =
        check_quantity(errors, place, name, resources.requests().at(std::string(name)));
    auto found = resources.limits().find(std::string(name));
    if (found == resources.limits().end()) {
      if (!overcommit_allowed(name)) {
        errors.required(path.child("limits"), "Limit must be set for non overcommitable resources");
      }
      continue;
    }
    keelson::Result<QuantityValue> limit = QuantityValue::parse(found->second.string());
    if (!request || !limit.ok()) continue;
    if (!overcommit_allowed(name) && *request != *limit) {
      errors.invalid(requests, request->to_string(),
                     fmt::format("must be equal to {} limit", name));
    } else if (*request > *limit) {
      errors.invalid(requests, request->to_string(),
                     fmt::format("must be less than or equal to {} limit", name));
    }
  }
}

}  // namespace keelson::api
