// Everything that is served beside resources: health, version, discovery, OpenAPI.
#pragma once

#include <optional>

#include "core/rest/answers.hpp"
#include "core/rest/uri.hpp"

namespace keelson::rest {

class Documents {
 public:
  explicit Documents(std::string advertised_address) : address_(std::move(advertised_address)) {}

  // `ready`: the server can answer requests for resources. Every path that is none of a resource gets
  // an answer, if only a 404.
  HttpResponse serve(const HttpRequest& request, const Uri& uri, const Manner& manner, bool ready);

 private:
  HttpResponse discovery(const HttpRequest& request, const Uri& uri, const Manner& manner);
  HttpResponse not_found(const Uri& uri) const;

  std::string address_;
};

}  // namespace keelson::rest
