#include "core/rest/versions.hpp"

#include <algorithm>
#include <iterator>

#include <boost/json.hpp>
#include <google/protobuf/unknown_field_set.h>

#include "core/api/json_decode.hpp"
#include "core/api/json_text.hpp"
#include "core/api/patch.hpp"

namespace keelson::rest {

namespace {

namespace json = boost::json;

// events.k8s.io/v1 has the same data under new names (KEP-383).
constexpr Rename kEventFields[] = {
    {"involvedObject", "regarding"},      {"message", "note"},
    {"reportingComponent", "reportingController"}, {"source", "deprecatedSource"},
    {"firstTimestamp", "deprecatedFirstTimestamp"}, {"lastTimestamp", "deprecatedLastTimestamp"},
    {"count", "deprecatedCount"}};
// Its fields' numbers in the stored version, by their own. Source: k8s.io/api/{events,core}/v1/generated.proto.
constexpr int kEventNumbers[] = {0, 1, 10, 11, 14, 15, 12, 3, 2, 13, 4, 9, 5, 6, 7, 8};
constexpr Rename kEndpointFields[] = {{"deprecatedTopology", "topology"}};
constexpr Rename kAccessFields[] = {{"groups", "group"}};

constexpr std::string_view kLegacySigner = "kubernetes.io/legacy-unknown";
constexpr const char* kDefaultUsages[] = {"digital signature", "key encipherment"};

void rename(json::object& object, const char* from, const char* to) {
  const auto it = object.find(from);
  if (it == object.end()) return;
  json::value value = std::move(it->value());
  object.erase(it);
  object.insert_or_assign(to, std::move(value));
}

void rename_all(json::object& object, std::span<const Rename> fields, bool to_stored) {
  for (const Rename& field : fields) {
    to_stored ? rename(object, field.shown, field.stored)
              : rename(object, field.stored, field.shown);
  }
}

json::object* member(json::object& object, const char* name) {
  json::value* value = object.if_contains(name);
  return value && value->is_object() ? &value->get_object() : nullptr;
}

// certificates.k8s.io/v1beta1 demanded less. Source: its defaults in Kubernetes 1.20, which looks
// into the PKCS#10, too, to name the signer of kubelets that do not; they all have since 1.18.
void fill_spec(json::object& body) {
  json::object* spec = member(body, "spec");
  if (!spec) return;
  if (!spec->contains("signerName")) spec->insert_or_assign("signerName", kLegacySigner);
  if (!spec->contains("usages")) {
    spec->insert_or_assign("usages",
                           json::array(std::begin(kDefaultUsages), std::end(kDefaultUsages)));
  }
}

void fill_conditions(json::object& body) {
  json::object* status = member(body, "status");
  json::value* conditions = status ? status->if_contains("conditions") : nullptr;
  if (!conditions || !conditions->is_array()) return;
  for (json::value& condition : conditions->get_array()) {
    if (!condition.is_object()) continue;
    json::object& members = condition.get_object();
    const bool directive = members.contains("$patch");  // of a strategic merge patch
    if (!directive && !members.contains("status")) members.insert_or_assign("status", "True");
  }
}

void fill(api::CertificateSigningRequest& request) {
  if (request.has_spec()) {
    auto& spec = *request.mutable_spec();
    if (spec.signer_name().empty()) spec.set_signer_name(std::string(kLegacySigner));
    if (spec.usages().empty()) {
      spec.mutable_usages()->Add(std::begin(kDefaultUsages), std::end(kDefaultUsages));
    }
  }
  if (!request.has_status()) return;
  for (auto& condition : *request.mutable_status()->mutable_conditions()) {
    if (condition.status().empty()) condition.set_status("True");
  }
}

void rename_members(api::Kind kind, json::object& body, bool to_stored) {
  switch (kind) {
    case api::Kind::events: rename_all(body, kEventFields, to_stored); break;
    case api::Kind::endpoint_slices:
      if (json::value* endpoints = body.if_contains("endpoints"); endpoints && endpoints->is_array()) {
        for (json::value& endpoint : endpoints->get_array()) {
          if (endpoint.is_object()) rename_all(endpoint.get_object(), kEndpointFields, to_stored);
        }
      }
      break;
    default: break;
  }
}

bool about_access(const Resource& resource) {
  return resource.version == "v1beta1" &&
         (resource.name == "subjectaccessreviews" || resource.name == "localsubjectaccessreviews");
}

void convert(const Resource& resource, json::object& body, bool to_stored) {
  if (!resource.info) {
    json::object* spec = about_access(resource) ? member(body, "spec") : nullptr;
    if (spec) rename_all(*spec, kAccessFields, to_stored);
    if (!to_stored) body.insert_or_assign("apiVersion", resource.group_version());
    return;
  }
  const api::Kind kind = resource.info->kind;
  rename_members(kind, body, to_stored);
  if (to_stored && kind == api::Kind::certificate_signing_requests) {
    fill_spec(body);
    fill_conditions(body);
  }
  body.insert_or_assign("apiVersion",
                        to_stored ? resource.info->api_version : resource.group_version());
}

// Of "/note" or "/endpoints/0/topology": the member that is called otherwise.
std::string stored_pointer(const Resource& resource, std::string_view pointer) {
  std::span<const Rename> fields = kEventFields;
  std::string_view rest = pointer;
  if (resource.info->kind == api::Kind::endpoint_slices) {
    if (!rest.starts_with("/endpoints/")) return std::string(pointer);
    fields = kEndpointFields;
    rest.remove_prefix(std::min(rest.find('/', 11), rest.size()));
  } else if (resource.info->kind != api::Kind::events) {
    return std::string(pointer);
  }
  for (const Rename& field : fields) {
    const std::string shown = std::string("/") + field.shown;
    if (rest != shown && !rest.starts_with(shown + "/")) continue;
    return std::string(pointer.substr(0, pointer.size() - rest.size())) + "/" + field.stored +
           std::string(rest.substr(shown.size()));
  }
  return std::string(pointer);
}

// An object or a part of one, as patches have it.
void store_members(const Resource& resource, json::object& body) {
  rename_members(resource.info->kind, body, true);
  json::value* version = body.if_contains("apiVersion");
  if (version && version->is_string() && version->get_string() == resource.group_version()) {
    *version = resource.info->api_version;
  }
}

// What a step of a JSON patch puts to that place, as the part of a whole that it is. Nothing is
// called otherwise deeper than in an element of a list.
void store_value(const Resource& resource, std::string_view pointer, json::value& value) {
  if (pointer.empty()) {
    if (value.is_object()) store_members(resource, value.get_object());
    return;
  }
  if (!pointer.starts_with('/')) return;
  const std::string_view name = pointer.substr(1, pointer.find('/', 1) - 1);
  const std::string_view rest = pointer.substr(1 + name.size());
  const bool element = !rest.empty();
  if (element && rest.find('/', 1) != std::string_view::npos) return;
  json::value part = std::move(value);
  if (element) {
    json::array list;
    list.push_back(std::move(part));
    part = std::move(list);
  }
  json::object whole;
  whole.emplace(name, std::move(part));
  store_members(resource, whole);
  json::value& stored = whole.begin()->value();
  value = element ? std::move(stored.get_array().front()) : std::move(stored);
}

void store_step(const Resource& resource, json::object& step) {
  json::value* path = step.if_contains("path");
  json::value* value = step.if_contains("value");
  if (path && path->is_string() && value) store_value(resource, path->get_string(), *value);
  for (const char* member : {"path", "from"}) {
    json::value* pointer = step.if_contains(member);
    if (pointer && pointer->is_string()) *pointer = stored_pointer(resource, pointer->get_string());
  }
}

// What becomes of members that a patch has twice is decided here, where they are still there to be
// seen.
api::ApiError judge_duplicates(const std::vector<api::JsonProblem>& twice,
                               const api::Request& request, const json::value& patch,
                               std::vector<std::string>& warnings) {
  if (twice.empty() || request.field_validation == api::FieldValidation::ignore) return {};
  std::string all;
  for (const api::JsonProblem& one : twice) {
    all += (all.empty() ? "" : ", ") + one.message;
    if (request.field_validation == api::FieldValidation::warn) warnings.push_back(one.message);
  }
  if (request.field_validation != api::FieldValidation::strict) return {};
  if (request.patch_type == api::PatchType::apply) {
    return api::bad_request("error strict decoding YAML: " + all);
  }
  return api::unfit_patch(request.patch_type, patch, request.patch,
                          "strict decoding error: " + all);
}

api::ApiError no_legacy_signer(const Resource& resource, const std::string& name) {
  api::ApiError error;
  error.reason = api::Reason::invalid;
  error.name = name;
  error.group = resource.group;
  error.kind = resource.kind;
  error.causes.push_back({"FieldValueInvalid",
                          "Invalid value: \"" + std::string(kLegacySigner) +
                              "\": the legacy signerName is not allowed via this API version",
                          "spec.signerName"});
  error.message = error.kind + "." + error.group + " \"" + error.name +
                  "\" is invalid: " + error.causes[0].field + ": " + error.causes[0].message;
  return error;
}

bool newer_signing_request(const Resource& resource) {
  return resource.info && resource.info->kind == api::Kind::certificate_signing_requests &&
         !resource.converted();
}

// 0: none.
int stored_number(int shown) {
  return shown < static_cast<int>(std::size(kEventNumbers)) ? kEventNumbers[shown] : 0;
}
int shown_number(int stored) {
  const auto* found = std::ranges::find(kEventNumbers, stored);
  return found == std::end(kEventNumbers) ? 0 : static_cast<int>(found - std::begin(kEventNumbers));
}

// The same fields by other numbers; what cannot be read stays as it is.
std::string renumbered(std::string raw, int (*number_of)(int)) {
  google::protobuf::UnknownFieldSet before, after;
  if (!before.ParseFromString(raw)) return raw;
  for (int i = 0; i < before.field_count(); ++i) {
    const google::protobuf::UnknownField& field = before.field(i);
    const int number = number_of(field.number());
    if (number == 0) continue;
    if (field.type() == google::protobuf::UnknownField::TYPE_VARINT) {
      after.AddVarint(number, field.varint());
    } else if (field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
      after.AddLengthDelimited(number, field.length_delimited());
    }
  }
  std::string out;
  return after.SerializeToString(&out) ? out : raw;
}

std::string filled(std::string raw) {
  api::CertificateSigningRequest request;
  if (!request.ParseFromString(raw)) return raw;
  fill(request);
  return request.SerializeAsString();
}

}  // namespace

std::span<const Rename> renames(std::string_view group, std::string_view version,
                                std::string_view message) {
  if (group == "events.k8s.io" && message == "keelson.api.core.v1.Event") return kEventFields;
  if (group == "discovery.k8s.io" && version == "v1beta1" &&
      message == "keelson.api.discovery.v1.Endpoint") {
    return kEndpointFields;
  }
  if (group == "authorization.k8s.io" && version == "v1beta1" &&
      message == "keelson.api.authorization.v1.SubjectAccessReviewSpec") {
    return kAccessFields;
  }
  return {};
}

bool optional_in(std::string_view group, std::string_view version, std::string_view message,
                 std::string_view member) {
  if (group != "certificates.k8s.io" || version != "v1beta1") return false;
  return (message == "keelson.api.certificates.v1.CertificateSigningRequestSpec" &&
          member == "signerName") ||
         (message == "keelson.api.certificates.v1.CertificateSigningRequestCondition" &&
          member == "status");
}

std::string to_version(const Resource& resource, std::string_view stored) {
  json::value tree = api::reread_json(stored);
  if (!tree.is_object()) return std::string(stored);
  convert(resource, tree.get_object(), false);
  return json::serialize(tree);
}

void from_version(const Resource& resource, json::object& body) { convert(resource, body, true); }

api::ApiError refuse_new(const Resource& resource, const api::Message& message) {
  if (!newer_signing_request(resource)) return {};
  const auto& request = static_cast<const api::CertificateSigningRequest&>(message);
  if (request.spec().signer_name() != kLegacySigner) return {};
  return no_legacy_signer(resource, request.metadata().name());
}

api::ApiError refuse_new(const Resource& resource, const std::string& name,
                         std::string_view configuration) {
  if (!newer_signing_request(resource)) return {};
  api::ParsedJson parsed = api::parse_yaml(configuration, nullptr);
  if (!parsed.error.empty() || !parsed.value.is_object()) return {};
  const json::object* spec = member(parsed.value.get_object(), "spec");
  const json::value* signer = spec ? spec->if_contains("signerName") : nullptr;
  if (!signer || !signer->is_string() || signer->get_string() != kLegacySigner) return {};
  return no_legacy_signer(resource, name);
}

std::string from_version_protobuf(const Resource& resource, std::string raw) {
  if (!resource.converted()) return raw;
  switch (resource.info->kind) {
    case api::Kind::events: return renumbered(std::move(raw), stored_number);
    case api::Kind::certificate_signing_requests: return filled(std::move(raw));
    default: return raw;
  }
}

std::string to_version_protobuf(const Resource& resource, std::string raw) {
  return resource.converted() && resource.info->kind == api::Kind::events
             ? renumbered(std::move(raw), shown_number)
             : raw;
}

api::ApiError store_patch(const Resource& resource, api::Request& request,
                          std::vector<std::string>& warnings) {
  if (!resource.converted()) return {};
  const bool apply = request.patch_type == api::PatchType::apply;
  std::vector<api::JsonProblem> twice;
  api::ParsedJson parsed =
      apply ? api::parse_yaml(request.patch, &twice) : api::parse_json(request.patch, &twice);
  if (!parsed.error.empty()) return {};  // whoever applies it says what is wrong
  if (api::ApiError error = judge_duplicates(twice, request, parsed.value, warnings)) return error;
  if (request.patch_type == api::PatchType::json) {
    if (!parsed.value.is_array()) return {};
    for (json::value& step : parsed.value.get_array()) {
      if (step.is_object()) store_step(resource, step.get_object());
    }
  } else {
    if (!parsed.value.is_object()) return {};
    json::object& body = parsed.value.get_object();
    store_members(resource, body);
    if (resource.info->kind == api::Kind::certificate_signing_requests) {
      if (apply) fill_spec(body);  // it may be new; what is there already cannot be changed
      fill_conditions(body);
    }
  }
  request.patch = json::serialize(parsed.value);
  return {};
}

std::string stored_fields(const Resource& resource, std::string_view selector) {
  if (!resource.converted() || resource.info->kind != api::Kind::events) {
    return std::string(selector);
  }
  std::string out;
  while (!selector.empty()) {
    const std::string_view term = selector.substr(0, selector.find(','));
    selector.remove_prefix(std::min(term.size() + 1, selector.size()));
    const std::string_view name = term.substr(0, term.find_first_of(".=!"));
    if (!out.empty()) out += ',';
    for (const Rename& field : kEventFields) {
      if (name == field.shown) out += field.stored;
    }
    const bool known = std::ranges::any_of(kEventFields, [&](const Rename& f) { return name == f.shown; });
    out += known ? term.substr(name.size()) : term;
  }
  return out;
}

}  // namespace keelson::rest
