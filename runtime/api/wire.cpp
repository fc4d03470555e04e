#include "runtime/api/wire.hpp"

#include <boost/json.hpp>
#include <charconv>

#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "core/base/assert.hpp"
#include "core/rest/heartbeat.hpp"

namespace keelson::runtime {

namespace json = boost::json;
using api::Reason;
using api::Subresource;
using api::Verb;

namespace {

std::string escape(std::string_view text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (kPlain.find(c) != kPlain.npos) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

class Target {
 public:
  explicit Target(std::string path) : text_(std::move(path)) {}
  void add(std::string_view key, std::string_view value) {
    text_ += queried_ ? '&' : '?';
    queried_ = true;
    text_.append(key).append("=").append(escape(value));
  }
  void add_unless_empty(std::string_view key, std::string_view value) {
    if (!value.empty()) add(key, value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  bool queried_ = false;
};

std::string collection_path(api::Kind kind, const std::string& ns) {
  const api::KindInfo& info = api::info(kind);
  std::string path = info.group.empty() ? "/api/" + info.version
                                        : "/apis/" + info.group + "/" + info.version;
  if (info.namespaced && !ns.empty()) path += "/namespaces/" + escape(ns);
  return path + "/" + info.plural;
}

std::string_view method_of(Verb verb) {
  switch (verb) {
    case Verb::create: return "POST";
    case Verb::update:
    case Verb::renew: return "PUT";
    case Verb::patch: return "PATCH";
    case Verb::remove:
    case Verb::remove_collection: return "DELETE";
    default: return "GET";
  }
}

std::string_view patch_type(api::PatchType type) {
  switch (type) {
    case api::PatchType::json: return "application/json-patch+json";
    case api::PatchType::merge: return "application/merge-patch+json";
    case api::PatchType::strategic: return "application/strategic-merge-patch+json";
    case api::PatchType::apply: return "application/apply-patch+yaml";
  }
  return "";
}

// The stored kind's body carries the revision that it must still have; others stand as they are.
std::string body_of(const api::Request& request) {
  const bool stored = request.subresource == Subresource::none ||
                      request.subresource == Subresource::status ||
                      request.subresource == Subresource::finalize ||
                      request.subresource == Subresource::approval ||
                      request.subresource == Subresource::ephemeral_containers;
  if (!stored) {
    json::value tree = api::to_json(*request.body);
    const auto* name = request.subresource == Subresource::binding   ? "Binding"
                       : request.subresource == Subresource::scale   ? "Scale"
                       : request.subresource == Subresource::token   ? "TokenRequest"
                                                                     : "Eviction";
    const auto* version = request.subresource == Subresource::binding ? "v1"
                          : request.subresource == Subresource::scale ? "autoscaling/v1"
                          : request.subresource == Subresource::token ? "authentication.k8s.io/v1"
                                                                      : "policy/v1";
    tree.as_object()["kind"] = name;
    tree.as_object()["apiVersion"] = version;
    return json::serialize(tree);
  }
  const api::Revision revision = request.expected.revision.value_or(api::Revision{});
  if (request.expected.uid.empty()) {
    return api::encode_object(api::Object(request.kind, request.body, revision));
  }
  std::unique_ptr<api::Message> copy(request.body->New());
  copy->CopyFrom(*request.body);
  api::mutable_meta_of(request.kind, *copy).set_uid(request.expected.uid);
  return api::encode_object(api::Object(request.kind, std::move(copy), revision));
}

std::string delete_options(const api::Request& request) {
  json::object options{{"kind", "DeleteOptions"}, {"apiVersion", "v1"}};
  if (request.grace_period_seconds) options["gracePeriodSeconds"] = *request.grace_period_seconds;
  switch (request.propagation) {
    case api::Propagation::unset: break;
    case api::Propagation::background: options["propagationPolicy"] = "Background"; break;
    case api::Propagation::foreground: options["propagationPolicy"] = "Foreground"; break;
    case api::Propagation::orphan: options["propagationPolicy"] = "Orphan"; break;
  }
  json::object preconditions;
  if (!request.expected.uid.empty()) preconditions["uid"] = request.expected.uid;
  if (request.expected.revision) {
    preconditions["resourceVersion"] = api::to_string(*request.expected.revision);
  }
  if (!preconditions.empty()) options["preconditions"] = std::move(preconditions);
  return json::serialize(options);
}

Reason reason_of(std::string_view name, int status) {
  for (auto i = static_cast<int>(Reason::bad_request); i < static_cast<int>(Reason::unknown_outcome);
       ++i) {
    const auto reason = static_cast<Reason>(i);
    if (!name.empty() && api::to_string(reason) == name) return reason;
  }
  for (auto i = static_cast<int>(Reason::bad_request); i < static_cast<int>(Reason::unknown_outcome);
       ++i) {
    const auto reason = static_cast<Reason>(i);
    if (api::http_code(reason) == status) return reason;
  }
  return status >= 500 ? Reason::service_unavailable : Reason::unclassified;
}

api::ApiError error_of(const api::meta::v1::Status& status, int code) {
  api::ApiError error;
  error.reason = reason_of(status.reason(), code);
  error.message = status.message();
  error.name = status.details().name();
  error.group = status.details().group();
  error.kind = status.details().kind();
  error.uid = status.details().uid();
  error.retry_after_seconds = status.details().retry_after_seconds();
  for (const auto& cause : status.details().causes()) {
    error.causes.push_back({cause.reason(), cause.message(), cause.field()});
  }
  return error;
}

api::Revision revision_of(std::string_view text) {
  api::Revision revision;
  std::from_chars(text.data(), text.data() + text.size(), revision.value);
  return revision;
}

// Items of lists and of watches' ends carry no kind of their own.
api::ObjectPtr object_of(api::Kind kind, const json::value& tree) {
  std::unique_ptr<api::Message> message = api::new_message(kind);
  if (!api::from_json(tree, *message)) return nullptr;
  api::ObjectMeta& meta = api::mutable_meta_of(kind, *message);
  const api::Revision revision = revision_of(meta.resource_version());
  meta.clear_resource_version();
  return std::make_shared<const api::Object>(kind, std::move(message), revision);
}

std::string_view text_of(const json::value& tree, std::initializer_list<std::string_view> path) {
  const json::value* at = &tree;
  for (const std::string_view name : path) {
    const json::object* object = at->if_object();
    at = object ? object->if_contains(name) : nullptr;
    if (!at) return {};
  }
  const json::string* text = at->if_string();
  return text ? std::string_view(text->data(), text->size()) : std::string_view();
}

api::Response unreadable(std::string why) {
  api::Response response;
  // It was a success; which, is unknown.
  response.error = api::unknown_outcome("the server's answer cannot be read: " + std::move(why));
  return response;
}

api::Response list_of(api::Kind kind, const json::value& tree) {
  api::Response response;
  response.revision = revision_of(text_of(tree, {"metadata", "resourceVersion"}));
  response.continue_token = text_of(tree, {"metadata", "continue"});
  const json::value* items = tree.as_object().if_contains("items");
  if (!items || !items->is_array()) {
    return items && !items->is_null() ? unreadable("no items") : response;
  }
  for (const json::value& item : items->get_array()) {
    api::ObjectPtr object = object_of(kind, item);
    if (!object) return unreadable("an item of it");
    response.items.push_back(std::move(object));
  }
  return response;
}

}  // namespace

http::Request to_http(const api::Request& request) {
  KEELSON_ASSERT(request.verb != Verb::list_beats);
  http::Request out;
  out.method = method_of(request.verb);
  out.headers.push_back({"Accept", "application/json"});
  std::string path = collection_path(request.kind, request.ns);
  const bool named = !request.name.empty() && (request.verb != Verb::create ||
                                               request.subresource != Subresource::none);
  if (named) path += "/" + escape(request.name);
  if (request.subresource != Subresource::none) {
    path += "/" + std::string(api::to_string(request.subresource));
  }
  Target target(std::move(path));
  target.add_unless_empty("labelSelector", request.label_selector);
  target.add_unless_empty("fieldSelector", request.field_selector);
  if (request.limit > 0) target.add("limit", std::to_string(request.limit));
  target.add_unless_empty("continue", request.continue_token);
  if (request.resource_version &&
      (request.verb == Verb::list || request.verb == Verb::get)) {
    target.add("resourceVersion", api::to_string(*request.resource_version));
    if (request.exact_revision) target.add("resourceVersionMatch", "Exact");
  }
  if (request.dry_run) target.add("dryRun", "All");
  target.add_unless_empty("fieldManager", request.field_manager);
  if (request.force) target.add("force", *request.force ? "true" : "false");
  out.target = target.take();
  std::string type = "application/json";
  switch (request.verb) {
    case Verb::create:
    case Verb::update: out.body = body_of(request); break;
    case Verb::renew:
      out.body = api::encode_object(*api::make_object(rest::lease_of(request.beat)));
      break;
    case Verb::patch:
      out.body = request.patch;
      type = patch_type(request.patch_type);
      break;
    case Verb::remove:
    case Verb::remove_collection: out.body = delete_options(request); break;
    default: return out;
  }
  out.headers.push_back({"Content-Type", std::move(type)});
  return out;
}

http::Request to_http(const api::WatchRequest& request) {
  Target target(collection_path(request.kind, request.ns));
  target.add("watch", "true");
  target.add_unless_empty("labelSelector", request.label_selector);
  target.add_unless_empty("fieldSelector", request.field_selector);
  if (request.after && *request.after) {
    target.add("resourceVersion", api::to_string(*request.after));
  }
  if (request.bookmarks) target.add("allowWatchBookmarks", "true");
  if (request.send_initial_events) {
    target.add("sendInitialEvents", "true");
    target.add("resourceVersionMatch", "NotOlderThan");
  }
  http::Request out;
  out.headers.push_back({"Accept", "application/json"});
  out.target = target.take();
  return out;
}

api::ApiError error_of(const http::Response& answer) {
  api::meta::v1::Status status;
  if (answer.body.starts_with('{') && api::decode_message(answer.body, status)) {
    return error_of(status, answer.status);
  }
  status.set_message("the server answered " + std::to_string(answer.status) + ": " +
                     answer.body.substr(0, 200));
  return error_of(status, answer.status);
}

api::Response from_http(const api::Request& request, const http::Response& answer) {
  api::Response response;
  if (answer.status / 100 != 2) {
    response.error = error_of(answer);
    return response;
  }
  json::error_code error;
  const json::value tree = json::parse(answer.body, error);
  if (error || !tree.is_object()) return unreadable(error.message());
  if (request.verb == Verb::list || request.verb == Verb::remove_collection) {
    return list_of(request.kind, tree);
  }
  const std::string_view kind = text_of(tree, {"kind"});
  if (kind == "Status") {
    response.removed_uid = text_of(tree, {"details", "uid"});
    return response;
  }
  response.created = answer.status == 201;
  if (request.subresource == Subresource::scale) {
    auto scale = std::make_shared<api::Scale>();
    if (!api::from_json(tree, *scale)) return unreadable("a Scale");
    response.message = std::move(scale);
    return response;
  }
  if (request.subresource == Subresource::token) {
    auto token = std::make_shared<api::TokenRequest>();
    if (!api::from_json(tree, *token)) return unreadable("a TokenRequest");
    response.message = std::move(token);
    return response;
  }
  response.object = object_of(request.kind, tree);
  if (!response.object) return unreadable(std::string(kind));
  response.revision = response.object->revision();
  return response;
}

api::WatchEvent read_event(api::Kind kind, std::string_view line) {
  api::WatchEvent event;
  event.type = api::WatchType::error;
  event.error.reason = Reason::unclassified;
  json::error_code error;
  const json::value tree = json::parse(line, error);
  const json::value* object =
      !error && tree.is_object() ? tree.get_object().if_contains("object") : nullptr;
  const std::string_view type = object ? text_of(tree, {"type"}) : std::string_view();
  if (type.empty()) return event;
  if (type == "ERROR") {
    api::meta::v1::Status status;
    if (api::from_json(*object, status)) event.error = error_of(status, status.code());
    return event;
  }
  if (type == "BOOKMARK") {
    event.type = api::WatchType::bookmark;
    event.revision = revision_of(text_of(*object, {"metadata", "resourceVersion"}));
    event.initial_end =
        text_of(*object, {"metadata", "annotations", "k8s.io/initial-events-end"}) == "true";
    event.error = {};
    return event;
  }
  event.object = object_of(kind, *object);
  if (!event.object) return event;
  event.revision = event.object->revision();
  event.type = type == "ADDED"     ? api::WatchType::added
               : type == "DELETED" ? api::WatchType::removed
                                   : api::WatchType::modified;
  event.error = {};
  return event;
}

}  // namespace keelson::runtime
