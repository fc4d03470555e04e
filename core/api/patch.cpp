#include "core/api/patch.hpp"

#include <boost/json/value.hpp>
#include <charconv>

#include "core/api/json.hpp"
#include "core/api/json_decode.hpp"
#include "core/api/json_view.hpp"
#include "core/api/kinds.hpp"
#include "core/api/patch_kinds.hpp"

namespace keelson::api {
namespace {

namespace json = boost::json;

// As Go prints a value with %v: "map[metadata:map[labels:x]]". Messages quote patches in this form.
void print(const json::value& value, std::string& out) {
  constexpr std::size_t length_max = 4096;
  if (out.size() > length_max) return;
  switch (value.kind()) {
    case json::kind::null: out += "<nil>"; return;
    case json::kind::bool_: out += value.get_bool() ? "true" : "false"; return;
    case json::kind::int64: out += std::to_string(value.get_int64()); return;
    case json::kind::uint64: out += std::to_string(value.get_uint64()); return;
    case json::kind::double_: out += number_text(value.get_double()); return;
    case json::kind::string: out += view(value.get_string()); return;
    case json::kind::array: {
      out += '[';
      bool first = true;
      for (const json::value& element : value.get_array()) {
        if (!std::exchange(first, false)) out += ' ';
        print(element, out);
      }
      out += ']';
      return;
    }
    case json::kind::object: {
      std::vector<const json::key_value_pair*> members;
      for (const auto& member : value.get_object()) members.push_back(&member);
      std::sort(members.begin(), members.end(),
                [](const auto* a, const auto* b) { return a->key() < b->key(); });
      out += "map[";
      bool first = true;
      for (const json::key_value_pair* member : members) {
        if (!std::exchange(first, false)) out += ' ';
        out += view(member->key());
        out += ':';
        print(member->value(), out);
      }
      out += ']';
      return;
    }
  }
}

ApiError unprocessable() {
  ApiError error;
  error.reason = Reason::invalid;
  error.message = "the server rejected our request due to an error in our request";
  error.generic = true;  // which operation it was is not told, as Kubernetes does not
  return error;
}

ApiError to_error(const PatchFailure& failure) {
  switch (failure.kind) {
    case PatchFailure::Kind::none: return {};
    case PatchFailure::Kind::malformed: return bad_request(failure.message);
    case PatchFailure::Kind::unapplied: return unprocessable();
    case PatchFailure::Kind::too_large: {
      ApiError error;
      error.reason = Reason::request_entity_too_large;
      error.message = failure.message;
      return error;
    }
  }
  KEELSON_ASSERT(false);
}

// Strategic merge patches are restored from maps, not from text, and say so: clients' test suites
// look for "cannot restore map from string".
std::string restored(const std::string& why) {
  constexpr std::string_view start = "json: cannot unmarshal ";
  if (!why.starts_with(start)) return why;
  std::string from = why.substr(start.size(), why.find(' ', start.size()) - start.size());
  const std::size_t type = why.rfind(" of type ");
  if (type == std::string::npos) return why;
  const std::string to = why.substr(type + 9);
  if (from == "array") from = "slice";
  if (from == "object") from = "map";
  if (from == "number") from = "int64";
  const std::string path = why.substr(0, type);
  const std::size_t place = path.find('.');
  const std::string where = place == std::string::npos ? "" : " (" + path.substr(place + 1) + ")";
  if (to.starts_with("map[")) return "cannot restore map from " + from + where;
  if (to.starts_with("[]")) return "cannot restore slice from " + from + where;
  if (to.starts_with("v1.")) return "cannot restore struct from: " + from + where;
  return why;
}

bool sets_resource_version(PatchType type, const json::value& patch) {
  if (type != PatchType::json) {
    const json::object* object = patch.if_object();
    const json::value* meta = object ? object->if_contains("metadata") : nullptr;
    const json::object* members = meta ? meta->if_object() : nullptr;
    return members && members->contains("resourceVersion");
  }
  for (const json::value& operation : patch.get_array()) {
    const json::object& members = operation.get_object();
    const json::value& op = members.at("op");
    const std::string_view path = view(members.at("path").get_string());
    if (op == "test" || op == "remove") continue;
    if (path == "/metadata/resourceVersion" || path == "/metadata" || path.empty()) return true;
  }
  return false;
}

PatchFailure apply(PatchType type, json::value& document, const json::value& patch,
                   const MessagePlan& plan) {
  if (type == PatchType::json) return apply_json_patch(document, patch);
  if (!patch.is_object()) {
    return {PatchFailure::Kind::malformed, "error decoding patch: a merge patch is an object", {}};
  }
  if (type == PatchType::strategic) {
    return apply_strategic_patch(document.get_object(), patch.get_object(), plan);
  }
  apply_merge_patch(document, patch);
  return {};
}

bool same_type(const json::value& document, const KindInfo& kind) {
  const json::object* object = document.if_object();
  if (!object) return false;
  const json::value* name = object->if_contains("kind");
  const json::value* version = object->if_contains("apiVersion");
  return (!name || (name->is_string() && view(name->get_string()) == kind.name)) &&
         (!version || (version->is_string() && view(version->get_string()) == kind.api_version));
}

Patched refuse(ApiError error) {
  Patched out;
  out.error = std::move(error);
  return out;
}

}  // namespace

ApiError unfit_patch(PatchType type, const json::value& patch, std::string_view text,
                     const std::string& why) {
  std::string shown;
  if (type == PatchType::strategic) {
    print(patch, shown);
  } else {
    shown = text.substr(0, 4096);
  }
  Cause cause;
  cause.reason = "FieldValueInvalid";
  std::string quoted;
  append_json_string(shown, quoted);
  cause.message = "Invalid value: " + quoted + ": " + why;
  cause.field = "patch";
  ApiError error;
  error.reason = Reason::invalid;
  error.message = " \"\" is invalid: patch: " + cause.message;
  error.causes.push_back(std::move(cause));
  return error;
}

Patched apply_patch(const Object& before, PatchType type, std::string_view text,
                    FieldValidation validation) {
  const bool watch = validation != FieldValidation::ignore;
  std::vector<JsonProblem> found;
  const ParsedJson patch = parse_json(text, watch ? &found : nullptr);
  if (!patch.error.empty()) {
    return refuse(bad_request("error decoding patch: " + patch.error));
  }
  json::value document = to_json(before);
  const MessagePlan& plan = plan_of(before.message());
  if (const PatchFailure failure = apply(type, document, patch.value, plan)) {
    return refuse(to_error(failure));
  }
  const KindInfo& kind = info(before.kind());
  if (!document.is_object()) {
    return refuse(unfit_patch(type, patch.value, text, "the result is no object"));
  }
  if (!same_type(document, kind)) {
    return refuse(bad_request("a patch cannot change the kind or apiVersion of " + kind.name +
                              " \"" + before.name() + "\""));
  }
  Patched out;
  out.message = new_message(before.kind());
  if (std::optional<JsonProblem> problem =
          decode_tree(document, *out.message, watch ? &found : nullptr)) {
    const std::string why =
        type == PatchType::strategic ? restored(problem->message) : problem->message;
    return refuse(unfit_patch(type, patch.value, text, why));
  }
  const DecodeOptions options{validation == FieldValidation::strict
                                  ? DecodeOptions::Unknown::strict
                                  : DecodeOptions::Unknown::warn};
  if (auto problem = judge_fields(std::move(found), options, &out.warnings)) {
    return refuse(unfit_patch(type, patch.value, text, problem->message));
  }
  ObjectMeta& meta = mutable_meta_of(before.kind(), *out.message);
  keep_reset_of_managed_fields(document, meta);
  const std::string version = meta.resource_version();
  meta.clear_resource_version();
  if (!version.empty() && sets_resource_version(type, patch.value)) {
    uint64_t value = 0;
    const auto [end, bad] =
        std::from_chars(version.data(), version.data() + version.size(), value);
    if (bad != std::errc{} || end != version.data() + version.size()) {
      return refuse(bad_request("metadata.resourceVersion: Invalid value: \"" + version +
                                "\": must be a decimal number"));
    }
    // The epoch is the server's affair: clients know the value alone.
    out.revision = Revision{before.revision().epoch, value};
  }
  return out;
}

}  // namespace keelson::api
