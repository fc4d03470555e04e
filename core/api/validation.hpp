// Defaulting and validation of every kind, worded as Kubernetes words it. Both are pure functions
// of the object; all errors of an object are reported at once, in the order of its fields.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/api/error.hpp"
#include "core/api/object.hpp"

namespace keelson::api {

// Fills in what the field options and the kind's rules say about absent fields.
void apply_defaults(Kind kind, Message& message);

// The API sees the object for the first time. `message` has its name and namespace set.
ApiError validate_create(Kind kind, const Message& message);
// Spec changes: immutable fields, allowed transitions. Both are complete objects of the same name.
ApiError validate_update(Kind kind, const Message& now, const Message& before);
ApiError validate_status_update(Kind kind, const Message& now, const Message& before);
// A pod that differs from what it was in its ephemeral containers at most.
ApiError validate_ephemeral_containers_update(const Pod& now, const Pod& before);

// Name rules used elsewhere too. Empty result: valid; else the reasons, as Kubernetes words them.
std::vector<std::string> check_dns1123_subdomain(std::string_view name);
std::vector<std::string> check_dns1123_label(std::string_view name);
std::vector<std::string> check_dns1035_label(std::string_view name);
std::vector<std::string> check_label_value(std::string_view value);
std::vector<std::string> check_qualified_name(std::string_view name);

// An int or a percentage of `total`, rounded up or down; a malformed one, which validation refuses,
// is 0.
int32_t scaled_value(const IntOrString& value, int32_t total, bool round_up);
IntOrString int_value(int32_t value);
IntOrString string_value(std::string value);

}  // namespace keelson::api
