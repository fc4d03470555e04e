#include "core/api/error.hpp"

#include "core/api/kinds.hpp"

namespace keelson::api {
namespace {

// `pods "x"`, `deployments.apps "x"`.
std::string quoted(Kind kind, std::string_view name) {
  std::string text = info(kind).qualified;
  text.append(" \"").append(name).append("\"");
  return text;
}

ApiError about(Reason reason, Kind kind, std::string_view name, std::string message) {
  const KindInfo& described = info(kind);
  ApiError error;
  error.reason = reason;
  error.message = std::move(message);
  error.name = std::string(name);
  error.group = described.group;
  error.kind = described.plural;
  return error;
}

ApiError plain(Reason reason, std::string message) {
  ApiError error;
  error.reason = reason;
  error.message = std::move(message);
  return error;
}

}  // namespace

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::none: return "";
    case Reason::bad_request: return "BadRequest";
    case Reason::unauthorized: return "Unauthorized";
    case Reason::forbidden: return "Forbidden";
    case Reason::not_found: return "NotFound";
    case Reason::method_not_allowed: return "MethodNotAllowed";
    case Reason::not_acceptable: return "NotAcceptable";
    case Reason::already_exists: return "AlreadyExists";
    case Reason::conflict: return "Conflict";
    case Reason::gone: return "Gone";
    case Reason::expired: return "Expired";
    case Reason::invalid: return "Invalid";
    case Reason::unsupported_media_type: return "UnsupportedMediaType";
    case Reason::too_many_requests: return "TooManyRequests";
    case Reason::internal_error: return "InternalError";
    case Reason::server_timeout: return "ServerTimeout";
    case Reason::timeout: return "Timeout";
    case Reason::service_unavailable: return "ServiceUnavailable";
    case Reason::request_entity_too_large: return "RequestEntityTooLarge";
    case Reason::unclassified: return "";
    case Reason::unknown_outcome: return "UnknownOutcome";
  }
  KEELSON_ASSERT(false);
}

int http_code(Reason reason) {
  switch (reason) {
    case Reason::none:
    case Reason::unknown_outcome: return 0;
    case Reason::bad_request: return 400;
    case Reason::unauthorized: return 401;
    case Reason::forbidden: return 403;
    case Reason::not_found: return 404;
    case Reason::method_not_allowed: return 405;
    case Reason::not_acceptable: return 406;
    case Reason::already_exists:
    case Reason::conflict: return 409;
    case Reason::gone:
    case Reason::expired: return 410;
    case Reason::request_entity_too_large: return 413;
    case Reason::unsupported_media_type: return 415;
    case Reason::invalid: return 422;
    case Reason::too_many_requests: return 429;
    case Reason::unclassified:
    case Reason::internal_error:
    case Reason::server_timeout: return 500;  // not 504: what NewServerTimeout of Kubernetes sends
    case Reason::service_unavailable: return 503;
    case Reason::timeout: return 504;
  }
  KEELSON_ASSERT(false);
}

ApiError not_found(Kind kind, std::string_view name) {
  return about(Reason::not_found, kind, name, quoted(kind, name) + " not found");
}

ApiError already_exists(Kind kind, std::string_view name) {
  return about(Reason::already_exists, kind, name, quoted(kind, name) + " already exists");
}

ApiError conflict(Kind kind, std::string_view name, std::string_view why) {
  std::string message = "Operation cannot be fulfilled on " + quoted(kind, name) + ": ";
  message += why;
  return about(Reason::conflict, kind, name, std::move(message));
}

ApiError conflict_modified(Kind kind, std::string_view name) {
  return conflict(kind, name,
                  "the object has been modified; please apply your changes to the latest version "
                  "and try again");
}

ApiError bad_request(std::string message) { return plain(Reason::bad_request, std::move(message)); }

ApiError forbidden(Kind kind, std::string_view name, std::string_view why) {
  std::string message = name.empty() ? info(kind).qualified : quoted(kind, name);
  message.append(" is forbidden: ").append(why);
  return about(Reason::forbidden, kind, name, std::move(message));
}

ApiError expired(std::string message) { return plain(Reason::expired, std::move(message)); }

ApiError too_many_requests(std::string message, int32_t retry_after_seconds) {
  ApiError error = plain(Reason::too_many_requests, std::move(message));
  error.retry_after_seconds = retry_after_seconds;
  return error;
}

ApiError internal_error(std::string message) {
  return plain(Reason::internal_error, std::move(message));
}

ApiError service_unavailable(std::string message) {
  return plain(Reason::service_unavailable, std::move(message));
}

ApiError timeout(std::string message) { return plain(Reason::timeout, std::move(message)); }

ApiError unknown_outcome(std::string message) {
  return plain(Reason::unknown_outcome, std::move(message));
}

meta::v1::Status to_status_message(const ApiError& error) {
  meta::v1::Status status;
  status.mutable_metadata();
  if (error.ok()) {
    status.set_status("Success");
    return status;
  }
  status.set_status("Failure");
  status.set_message(error.message);
  status.set_reason(std::string(to_string(error.reason)));
  status.set_code(http_code(error.reason));
  if (!error.name.empty() || !error.group.empty() || !error.kind.empty() || !error.uid.empty() ||
      !error.causes.empty() || error.retry_after_seconds != 0 || error.generic) {
    StatusDetails& details = *status.mutable_details();
    details.set_name(error.name);
    details.set_group(error.group);
    details.set_kind(error.kind);
    details.set_uid(error.uid);
    details.set_retry_after_seconds(error.retry_after_seconds);
    for (const Cause& cause : error.causes) {
      StatusCause& out = *details.add_causes();
      out.set_reason(cause.reason);
      out.set_message(cause.message);
      out.set_field(cause.field);
    }
  }
  return status;
}

}  // namespace keelson::api
