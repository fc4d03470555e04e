#include "core/api/request.hpp"

namespace keelson::api {

std::string_view to_string(Verb verb) {
  switch (verb) {
    case Verb::get: return "get";
    case Verb::list: return "list";
    case Verb::create: return "create";
    case Verb::update: return "update";
    case Verb::patch: return "patch";
    case Verb::remove: return "delete";
    case Verb::remove_collection: return "deletecollection";
    case Verb::renew: return "renew";
    case Verb::list_beats: return "listbeats";
  }
  KEELSON_ASSERT(false);
}

std::string_view to_string(Subresource subresource) {
  switch (subresource) {
    case Subresource::none: return "";
    case Subresource::status: return "status";
    case Subresource::scale: return "scale";
    case Subresource::binding: return "binding";
    case Subresource::eviction: return "eviction";
    case Subresource::finalize: return "finalize";
    case Subresource::approval: return "approval";
    case Subresource::ephemeral_containers: return "ephemeralcontainers";
    case Subresource::token: return "token";
  }
  KEELSON_ASSERT(false);
}

std::string_view to_string(WatchType type) {
  switch (type) {
    case WatchType::added: return "ADDED";
    case WatchType::modified: return "MODIFIED";
    case WatchType::removed: return "DELETED";
    case WatchType::bookmark: return "BOOKMARK";
    case WatchType::error: return "ERROR";
  }
  KEELSON_ASSERT(false);
}

Request get(Kind kind, std::string ns, std::string name) {
  Request request;
  request.verb = Verb::get;
  request.kind = kind;
  request.ns = std::move(ns);
  request.name = std::move(name);
  return request;
}

Request list(Kind kind, std::string ns) {
  Request request;
  request.verb = Verb::list;
  request.kind = kind;
  request.ns = std::move(ns);
  return request;
}

Request create(const ObjectPtr& object) {
  Request request;
  request.verb = Verb::create;
  request.kind = object->kind();
  request.ns = object->ns();
  request.name = object->name();
  request.body = object->body();
  return request;
}

Request update(const ObjectPtr& object) {
  Request request = create(object);
  request.verb = Verb::update;
  request.expected.uid = object->uid();
  if (object->revision()) request.expected.revision = object->revision();
  return request;
}

Request update_status(const ObjectPtr& object) {
  Request request = update(object);
  request.subresource = Subresource::status;
  return request;
}

Request remove(const Object& object) {
  Request request;
  request.verb = Verb::remove;
  request.kind = object.kind();
  request.ns = object.ns();
  request.name = object.name();
  request.expected.uid = object.uid();
  return request;
}

Request create_token(std::string ns, std::string account, TokenRequest asked) {
  Request request;
  request.verb = Verb::create;
  request.kind = Kind::service_accounts;
  request.subresource = Subresource::token;
  request.ns = std::move(ns);
  request.name = std::move(account);
  request.body = std::make_shared<const TokenRequest>(std::move(asked));
  return request;
}

}  // namespace keelson::api
