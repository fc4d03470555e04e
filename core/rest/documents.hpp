// What is served beside resources and says what the server has: version, discovery, OpenAPI.
#pragma once

#include <optional>

#include "core/rest/answers.hpp"
#include "core/rest/openapi/openapi.hpp"
#include "core/rest/uri.hpp"

namespace keelson::auth {
class ServiceAccountTokens;
}

namespace keelson::rest {

// What OpenAPI documents are about: the catalog, as they need it.
std::vector<ServedResource> served_resources();

class Documents {
 public:
  // `tokens` null: no keys to tell.
  Documents(std::string advertised_address, const auth::ServiceAccountTokens* tokens);

  // Every path that is none of a resource gets an answer, if only a 404.
  HttpResponse serve(const HttpRequest& request, const Uri& uri, const Manner& manner);

 private:
  HttpResponse discovery(const HttpRequest& request, const Uri& uri, const Manner& manner);
  HttpResponse openapi(const HttpRequest& request, const Uri& uri);

  std::string address_;
  const auth::ServiceAccountTokens* tokens_;
  // Answers that are still being sent share it.
  std::shared_ptr<OpenApi> openapi_;
};

}  // namespace keelson::rest
