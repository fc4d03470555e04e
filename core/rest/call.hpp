// One request on its way through the front.
#pragma once

#include "core/rest/answers.hpp"
#include "core/rest/path.hpp"

namespace keelson::rest {

struct Call {
  HttpRequest http;
  ExchangePtr exchange;
  Uri uri;
  Path path;
  auth::UserInfo user;
  const Resource* resource = nullptr;
  Manner manner;
  TableRequest table;
  std::vector<std::string> warnings;
  std::function<void()> on_end;  // once, when the call is over

  ~Call() {
    if (on_end) on_end();
  }

  std::string_view header(std::string_view name) const { return http.header(name); }

  auth::Attributes attributes() const {
    auth::Attributes wanted;
    wanted.user = user;
    wanted.verb = path.verb;
    wanted.resource_request = path.resource_request;
    wanted.group = path.group;
    wanted.version = path.version;
    wanted.resource = path.resource;
    wanted.subresource = path.subresource;
    wanted.ns = path.ns;
    wanted.name = path.name;
    // A namespace is in itself, for those who may do something in there.
    if (path.group.empty() && path.resource == "namespaces") wanted.ns = path.name;
    wanted.path = uri.path;
    if (path.name.empty()) wanted.field_selector = uri.get("fieldSelector");
    return wanted;
  }

  void respond(HttpResponse response) {
    exchange->respond(std::move(response));
    end();
  }
  void fail(const api::ApiError& error) { respond(error_response(error, manner)); }
  void end() {
    if (on_end) std::exchange(on_end, nullptr)();
  }
};

}  // namespace keelson::rest
