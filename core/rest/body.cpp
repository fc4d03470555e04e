#include "core/rest/body.hpp"

#include <boost/json.hpp>

#include "core/api/json_decode.hpp"
#include "core/api/protobuf.hpp"
#include "core/rest/versions.hpp"

namespace keelson::rest {

namespace {

namespace json = boost::json;

api::ParsedJson parse(Encoding encoding, std::string_view body,
                      std::vector<api::JsonProblem>* duplicates) {
  return encoding == Encoding::yaml ? api::parse_yaml(body, duplicates)
                                    : api::parse_json(body, duplicates);
}

DecodedBody refused(std::string message) {
  DecodedBody body;
  body.error = api::bad_request(std::move(message));
  return body;
}

// The bodies are objects of the stored kind, not of a part of it (a Scale, a Binding).
bool is_stored(const Resource& resource) {
  return resource.info &&
         resource.message == api::new_message(resource.info->kind)->GetDescriptor();
}

std::shared_ptr<api::Message> new_body(const Resource& resource) {
  return std::shared_ptr<api::Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(resource.message)->New());
}

// The beginning of a body, for an error. Source: summarizeData in apiserver's create handler.
std::string summary(std::string_view body) {
  constexpr std::size_t length_max = 30;
  if (body.empty()) return "<empty>";
  if (body.size() > length_max) return std::string(body.substr(0, length_max)) + " ...";
  return std::string(body);
}

std::string text_of(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

// A stored kind by its own name under another apiVersion or the wrong path.
std::string mismatch(const Resource& resource, const std::string& api_version,
                     const std::string& kind) {
  const std::string expected = resource.kind_group.empty()
                                   ? resource.kind_version
                                   : resource.kind_group + "/" + resource.kind_version;
  const std::string version = api_version.substr(api_version.find('/') + 1);
  if (kind != resource.kind) {
    const std::string prefix = kind + " in version \"" + version + "\" cannot be handled as a " +
                               resource.kind + ": ";
    if (!api::find_kind(api_version, kind)) {
      return prefix + "no kind \"" + kind + "\" is registered for version \"" + api_version +
             "\" in scheme \"keelson\"";
    }
    return prefix + "converting (" + version + "." + kind + ") to (" +
           (resource.kind_group.empty() ? std::string("core")
                                        : resource.kind_group.substr(0, resource.kind_group.find('.'))) +
           "." + resource.kind + "): unknown conversion";
  }
  return "the API version in the data (" + api_version +
         ") does not match the expected API version (" + expected + ")";
}

bool version_fits(const Resource& resource, const std::string& api_version) {
  const std::string expected = resource.kind_group.empty()
                                   ? resource.kind_version
                                   : resource.kind_group + "/" + resource.kind_version;
  if (api_version == expected) return true;
  // An eviction is the same under each of its versions.
  if (resource.endpoint == Endpoint::eviction) return api_version.starts_with("policy/");
  // A Kubernetes server converts between the versions of a group; ours that it knows of.
  return resource.info && resource.endpoint != Endpoint::scale &&
         resource.endpoint != Endpoint::binding && api_version == resource.info->api_version;
}

DecodedBody decode_protobuf(const Resource& resource, std::string_view body) {
  Result<api::ProtobufBody> opened = api::open_protobuf(body);
  if (!opened) return refused(opened.error().message);
  if (opened->kind != resource.kind || !version_fits(resource, opened->api_version)) {
    return refused(mismatch(resource, opened->api_version, opened->kind));
  }
  DecodedBody decoded;
  if (is_stored(resource)) {
    if (opened->api_version == resource.group_version()) {
      opened->raw = from_version_protobuf(resource, std::move(opened->raw));
    }
    Result<api::Decoded> into = api::decode_object_protobuf(*opened, resource.info->kind);
    if (!into) return refused(into.error().message);
    decoded.message = into->object->body();
    decoded.revision = into->object->revision();
    return decoded;
  }
  std::shared_ptr<api::Message> message = new_body(resource);
  if (Status status = api::decode_message_protobuf(opened->raw, *message); !status.ok()) {
    return refused(status.message());
  }
  decoded.message = std::move(message);
  return decoded;
}

}  // namespace

DecodedBody decode_body(const Resource& resource, Encoding encoding, std::string_view body,
                        const api::DecodeOptions& options) {
  if (encoding == Encoding::protobuf) return decode_protobuf(resource, body);
  const std::string unrecognized =
      "the object provided is unrecognized (must be of type " + resource.kind + "): ";
  std::vector<api::JsonProblem> found;
  const bool watch = options.unknown != api::DecodeOptions::Unknown::ignore;
  api::ParsedJson parsed = parse(encoding, body, watch ? &found : nullptr);
  if (encoding == Encoding::yaml && !parsed.error.empty()) {
    return refused("error converting YAML to JSON: " + parsed.error);
  }
  if (!parsed.error.empty() || !parsed.value.is_object()) {
    return refused(unrecognized + "couldn't get version/kind; json parse error: " +
                   (parsed.error.empty() ? "the document is no object" : parsed.error) + " (" +
                   summary(body) + ")");
  }
  json::object& object = parsed.value.get_object();
  std::string kind = text_of(object, "kind"), version = text_of(object, "apiVersion");
  if (kind.empty()) object["kind"] = kind = resource.kind;
  if (version.empty()) {
    version = resource.kind_group.empty() ? resource.kind_version
                                          : resource.kind_group + "/" + resource.kind_version;
    object["apiVersion"] = version;
  }
  if (kind != resource.kind || !version_fits(resource, version)) {
    return refused(mismatch(resource, version, kind));
  }
  DecodedBody decoded;
  if (is_stored(resource)) {
    if (resource.converted() && version != resource.info->api_version) {
      from_version(resource, object);
    }
    api::Decoded into;
    if (auto problem = api::decode_object_tree(parsed.value, options, std::move(found), into)) {
      return refused(std::move(problem->message));
    }
    decoded.message = into.object->body();
    decoded.revision = into.object->revision();
    decoded.warnings = std::move(into.warnings);
    return decoded;
  }
  if (resource.endpoint == Endpoint::review) from_version(resource, object);
  object.erase("kind");
  object.erase("apiVersion");
  std::shared_ptr<api::Message> message = new_body(resource);
  if (Status status = api::from_json(parsed.value, *message, options, &decoded.warnings);
      !status.ok()) {
    return refused(kind + " in version \"" + version.substr(version.find('/') + 1) +
                   "\" cannot be handled as a " + kind + ": " + status.message());
  }
  decoded.message = std::move(message);
  return decoded;
}

api::ApiError decode_options_body(Encoding encoding, std::string_view body, api::Message& into) {
  if (body.empty()) return {};
  if (encoding == Encoding::protobuf) {
    const Result<api::ProtobufBody> opened = api::open_protobuf(body);
    if (!opened) return api::bad_request(opened.error().message);
    const Status status = api::decode_message_protobuf(opened->raw, into);
    return status.ok() ? api::ApiError{} : api::bad_request(status.message());
  }
  const api::ParsedJson parsed = parse(encoding, body, nullptr);
  if (!parsed.error.empty()) return api::bad_request("json parse error: " + parsed.error);
  if (Status status = api::from_json(parsed.value, into); !status.ok()) {
    return api::bad_request(status.message());
  }
  return {};
}

}  // namespace keelson::rest
