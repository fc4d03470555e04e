// What a path asks for: a resource, or one of the documents beside them.
// Source: apiserver/pkg/endpoints/request/requestinfo.go.
#pragma once

#include <string>
#include <string_view>

#include "core/rest/uri.hpp"

namespace keelson::rest {

struct Path {
  bool resource_request = false;  // below /api/VERSION or /apis/GROUP/VERSION
  std::string group, version, ns, resource, name, subresource;
  std::string rest;  // what follows a proxy subresource, with its slash
  bool watch = false;  // the old form /api/v1/watch/...
  // "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"; of documents: the
  // method in lower case. Empty: no method of the API.
  std::string verb;
};

Path read_path(std::string_view method, const Uri& uri);

}  // namespace keelson::rest
