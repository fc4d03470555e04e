// What an API call answers when it fails: the content of a Kubernetes Status object of status
// Failure. The wording of messages is Kubernetes' own; clients print and grep it.
// Source: k8s.io/apimachinery api/errors as observed on a real server.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/types.hpp"
#include "core/base/result.hpp"

namespace keelson::api {

enum class Reason : uint8_t {
  none,  // no error
  bad_request, unauthorized, forbidden, not_found, method_not_allowed, not_acceptable,
  already_exists, conflict, gone, expired, invalid, unsupported_media_type, too_many_requests,
  internal_error, server_timeout,
  unclassified,  // 500 without a reason: an error that Kubernetes passes on as it is
  timeout, service_unavailable, request_entity_too_large,
  // Made by clients, not by servers: no answer came, the effect is unknown.
  unknown_outcome,
};
std::string_view to_string(Reason reason);  // "NotFound", "AlreadyExists", ...
int http_code(Reason reason);               // 404, 409, ...; 0 for none and unknown_outcome

struct Cause {
  std::string reason;   // "FieldValueInvalid"
  std::string message;  // "Invalid value: 70000: must be between 1 and 65535, inclusive"
  std::string field;    // "spec.containers[1].ports[0].containerPort"
};

// Reason::none means success.
struct ApiError {
  Reason reason = Reason::none;
  std::string message;
  std::string name, group, kind, uid;  // details: kind is the plural, or the Kind for invalid
  std::vector<Cause> causes;
  int32_t retry_after_seconds = 0;
  // Made without knowing the object: `details` are there even if they say nothing.
  bool generic = false;
  // The store refused the caller's role token (never sent on the wire: a 403 there).
  bool fenced = false;

  bool ok() const { return reason == Reason::none; }
  explicit operator bool() const { return !ok(); }
};

ApiError not_found(Kind kind, std::string_view name);
ApiError already_exists(Kind kind, std::string_view name);
// "Operation cannot be fulfilled on pods "x": <why>"
ApiError conflict(Kind kind, std::string_view name, std::string_view why);
// "... the object has been modified; please apply your changes to the latest version and try again"
ApiError conflict_modified(Kind kind, std::string_view name);
ApiError bad_request(std::string message);
ApiError forbidden(Kind kind, std::string_view name, std::string_view why);
ApiError expired(std::string message);  // 410
ApiError too_many_requests(std::string message, int32_t retry_after_seconds);
ApiError internal_error(std::string message);
ApiError service_unavailable(std::string message);
ApiError timeout(std::string message);
ApiError unknown_outcome(std::string message);

meta::v1::Status to_status_message(const ApiError& error);

}  // namespace keelson::api
