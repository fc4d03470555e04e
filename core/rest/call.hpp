// One request on its way through the front.
#pragma once

#include "core/rest/answers.hpp"
#include "core/rest/path.hpp"

namespace keelson::rest {

// The one name that a field selector leaves, so that a right to one object is one to watch it.
inline std::string selected_name(std::string_view fields) {
  while (!fields.empty()) {
    const std::size_t end = std::min(fields.find(','), fields.size());
    std::string_view term = fields.substr(0, end);
    fields.remove_prefix(std::min(end + 1, fields.size()));
    if (!term.starts_with("metadata.name=")) continue;
    term.remove_prefix(std::string_view("metadata.name=").size());
    if (term.starts_with('=')) term.remove_prefix(1);
    return std::string(term);
  }
  return {};
}

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
    if (path.name.empty()) {
      wanted.field_selector = uri.get("fieldSelector");
      wanted.name = selected_name(wanted.field_selector);
    }
    return wanted;
  }

  void warn(const std::vector<std::string>& more) {
    warnings.insert(warnings.end(), more.begin(), more.end());
  }
  void respond(HttpResponse response) {
    exchange->respond(std::move(response));
  }
  void fail(const api::ApiError& error) { respond(error_response(error, manner)); }
};

}  // namespace keelson::rest
