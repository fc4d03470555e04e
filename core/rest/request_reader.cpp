#include "core/rest/request_reader.hpp"

#include "core/api/create_on_update.hpp"
#include "core/auth/names.hpp"
#include "core/rest/body.hpp"
#include "core/rest/options.hpp"
#include "core/rest/versions.hpp"

namespace keelson::rest {

namespace {

using api::ApiError;
using api::Verb;

std::optional<api::PatchType> patch_type(std::string_view content_type) {
  const std::string type = media_type(content_type);
  if (type == "application/json-patch+json") return api::PatchType::json;
  if (type == "application/merge-patch+json") return api::PatchType::merge;
  if (type == "application/strategic-merge-patch+json") return api::PatchType::strategic;
  if (type == "application/apply-patch+yaml") return api::PatchType::apply;
  return std::nullopt;
}

api::Subresource subresource_of(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::status: return api::Subresource::status;
    case Endpoint::scale: return api::Subresource::scale;
    case Endpoint::binding: return api::Subresource::binding;
    case Endpoint::eviction: return api::Subresource::eviction;
    case Endpoint::finalize: return api::Subresource::finalize;
    case Endpoint::approval: return api::Subresource::approval;
    case Endpoint::ephemeral_containers: return api::Subresource::ephemeral_containers;
    default: return api::Subresource::none;
  }
}

void read_eviction(api::Request& request) {
  const auto& eviction = static_cast<const api::Eviction&>(*request.body);
  if (!eviction.has_delete_options()) return;
  const api::DeleteOptions& options = eviction.delete_options();
  if (options.has_grace_period_seconds()) {
    request.grace_period_seconds = options.grace_period_seconds();
  }
  request.expected.uid = options.preconditions().uid();
  for (const std::string& value : options.dry_run()) request.dry_run |= value == "All";
}

// Whoever sends a body to a name says the name in it, too; whether it is the same is for the API
// server to compare. Source: Kubernetes' checkName, which demands it of PUTs.
ApiError check_named(const api::Request& request) {
  if (request.verb != Verb::update) return {};
  const api::ObjectMeta& meta = request.subresource == api::Subresource::scale
                                    ? static_cast<const api::Scale&>(*request.body).metadata()
                                    : api::meta_of(request.kind, *request.body);
  if (!meta.name().empty()) return {};
  return api::bad_request("the name of the object (" + request.name +
                          " based on URL) was undeterminable: name must be provided");
}

ApiError read_body(Call& call, const char* options_name, api::Request& request) {
  if (ApiError error =
          read_write_options(call.uri, options_name, call.header("User-Agent"), request)) {
    return error;
  }
  const std::optional<Encoding> encoding = body_encoding(call.header("Content-Type"));
  if (!encoding) return unsupported_media();
  DecodedBody body = decode_body(*call.resource, *encoding, call.http.body, field_validation(call));
  if (body.error) return body.error;
  call.warn(body.warnings);
  request.body = std::move(body.message);
  if (ApiError error = check_named(request)) return error;
  if (request.verb == Verb::create) {
    if (ApiError error = refuse_new(*call.resource, *request.body)) return error;
  }
  if (body.revision) request.expected.revision = body.revision;
  if (request.subresource == api::Subresource::binding && request.name.empty()) {
    request.name = static_cast<const api::Binding&>(*request.body).metadata().name();
  }
  if (request.subresource == api::Subresource::eviction) read_eviction(request);
  return {};
}

// A write that may turn out to be a creation needs the right to that, too.
void refuse_creation(const Call& call, const auth::Authorizer* authorizer, api::Request& request) {
  if (!authorizer) return;
  auth::Attributes create = call.attributes();
  create.verb = "create";
  const auth::Verdict verdict = authorizer->authorize(create);
  if (verdict.decision == auth::Decision::allow) return;
  request.refuse_create = auth::forbidden(create, verdict.reason);
}

ApiError read_patch(Call& call, const auth::Authorizer* authorizer, api::Request& request) {
  const std::optional<api::PatchType> type = patch_type(call.header("Content-Type"));
  if (!type) return unsupported_patch();
  if (ApiError error =
          read_write_options(call.uri, "PatchOptions", call.header("User-Agent"), request)) {
    return error;
  }
  request.patch_type = *type;
  if (*type == api::PatchType::apply) {
    refuse_creation(call, authorizer, request);
    if (!request.refuse_create) {
      request.refuse_create = refuse_new(*call.resource, request.name, call.http.body);
    }
    // Whose configuration it is must be said; the name of a program is not enough.
    request.field_manager = call.uri.get("fieldManager");
  }
  if (call.uri.has("force")) request.force = call.uri.flag("force");
  request.patch = std::move(call.http.body);
  return store_patch(*call.resource, request, call.warnings);
}

}  // namespace

api::DecodeOptions field_validation(const Call& call) {
  const std::string_view asked = call.uri.get("fieldValidation");
  using Unknown = api::DecodeOptions::Unknown;
  if (asked == "Strict") return {Unknown::strict};
  return {asked == "Ignore" ? Unknown::ignore : Unknown::warn};
}

ApiError read_request(Call& call, const auth::Authorizer* authorizer, api::Request& request) {
  request.kind = call.resource->info->kind;
  request.subresource = subresource_of(call.resource->endpoint);
  request.ns = call.path.ns;
  request.name = call.path.name;
  request.user = call.user.name;
  request.caller = std::make_shared<const api::UserInfo>(call.user);
  request.actor = "http";
  const std::string& verb = call.path.verb;
  ApiError error;
  if (verb == "get") {
    request.verb = Verb::get;
    error = read_list_options(call.uri, *call.resource, request);
    request.label_selector.clear();
    request.field_selector.clear();
  } else if (verb == "list") {
    request.verb = Verb::list;
    error = read_list_options(call.uri, *call.resource, request);
  } else if (verb == "create") {
    request.verb = Verb::create;
    error = read_body(call, "CreateOptions", request);
  } else if (verb == "update") {
    request.verb = Verb::update;
    if (call.resource->endpoint == Endpoint::object && api::creates_on_update(request.kind)) {
      request.create_missing = true;
      refuse_creation(call, authorizer, request);
    }
    error = read_body(call, "UpdateOptions", request);
  } else if (verb == "patch") {
    request.verb = Verb::patch;
    error = read_patch(call, authorizer, request);
  } else {
    request.verb = verb == "delete" ? Verb::remove : Verb::remove_collection;
    error = read_delete_options(call.uri, call.header("Content-Type"), call.http.body, request);
    if (!error && request.verb == Verb::remove_collection) {
      error = read_list_options(call.uri, *call.resource, request);
    }
  }
  return error;
}

}  // namespace keelson::rest
