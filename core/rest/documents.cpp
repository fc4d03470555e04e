#include "core/rest/documents.hpp"

#include <fmt/format.h>

#include "core/auth/service_account_tokens.hpp"
#include "core/base/hash.hpp"
#include "core/rest/discovery.hpp"

namespace keelson::rest {

std::vector<ServedResource> served_resources() {
  std::vector<ServedResource> all;
  for (const Resource& r : Catalog::get().all()) {
    // Kubernetes' servers leave measurements to another server, which documents them; here nobody does.
    if (r.endpoint == Endpoint::usage) continue;
    ServedResource one;
    one.group = r.group;
    one.version = r.version;
    one.kind = r.kind;
    one.plural = r.name;
    one.namespaced = r.namespaced;
    one.verbs = r.verbs;
    one.subresource = r.subresource;
    one.message = r.message;
    one.kind_api_version = (r.kind_group.empty() ? "" : r.kind_group + "/") + r.kind_version;
    all.push_back(std::move(one));
  }
  return all;
}

namespace {

// Clients keep documents by their ETag and ask again with it.
HttpResponse tagged(const HttpRequest& request, HttpResponse response) {
  const std::string tag =
      fmt::format("\"{:016X}\"", hash_bytes(std::get<std::string>(response.body), 0));
  response.headers.push_back({"ETag", tag});
  response.headers.push_back({"Vary", "Accept"});
  if (request.header("If-None-Match") == tag) {
    response.status = 304;
    response.body = std::string();
  }
  return response;
}

}  // namespace

Documents::Documents(std::string advertised_address, const auth::ServiceAccountTokens* tokens)
    : address_(std::move(advertised_address)),
      tokens_(tokens),
      openapi_(std::make_shared<OpenApi>(served_resources(), kServerVersion)) {}

HttpResponse Documents::serve(const HttpRequest& request, const Uri& uri, const Manner& manner) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (uri.segments.empty()) {
    return {200, {{"Content-Type", "application/json"}}, pretty_json(root_paths())};
  }
  const std::string& first = uri.segments.front();
  if (!reads) return error_response(method_not_allowed(), manner);
  if (first == "version" && uri.segments.size() == 1) {
    return {200, {{"Content-Type", "application/json"}}, pretty_json(version_info())};
  }
  if (first == "api" || first == "apis") return discovery(request, uri, manner);
  if (first == "openapi") return openapi(request, uri);
  if (tokens_ && uri.path == "/.well-known/openid-configuration") {
    return {200, {{"Content-Type", "application/json"}}, tokens_->openid_configuration()};
  }
  if (tokens_ && uri.path == "/openid/v1/jwks") {
    return {200, {{"Content-Type", "application/jwk-set+json"}}, tokens_->jwks()};
  }
  return {404, {{"Content-Type", "application/json"}}, pretty_json(root_paths())};
}

HttpResponse Documents::discovery(const HttpRequest& request, const Uri& uri,
                                  const Manner& manner) {
  const Catalog& catalog = Catalog::get();
  const bool core = uri.segments.front() == "api";
  const std::size_t depth = uri.segments.size();
  if (depth == 1) {
    const std::string version = aggregated_version(request.header("Accept"));
    if (!version.empty()) {
      return tagged(request,
                    {200,
                     {{"Content-Type", "application/json;g=apidiscovery.k8s.io;v=" + version +
                                           ";as=APIGroupDiscoveryList"}},
                     aggregated(core, version)});
    }
    return tagged(request,
                  json_response(200, core ? api_versions(address_) : api_groups(), manner));
  }
  if (core) {
    if (depth == 2 && catalog.serves("", uri.segments[1])) {
      return tagged(request, json_response(200, api_resources("", uri.segments[1]), manner));
    }
    return text_response(404, "404 page not found\n");
  }
  if (depth == 2) {
    std::string group = api_group(uri.segments[1]);
    if (!group.empty()) return tagged(request, json_response(200, std::move(group), manner));
  }
  if (depth == 3 && !uri.segments[1].empty() &&
      catalog.serves(uri.segments[1], uri.segments[2])) {
    return tagged(request,
                  json_response(200, api_resources(uri.segments[1], uri.segments[2]), manner));
  }
  return text_response(404, "404 page not found\n");
}

HttpResponse Documents::openapi(const HttpRequest& request, const Uri& uri) {
  const auto document = [&](const char* type, const std::string& etag, const std::string& body) {
    HttpResponse response{200, {{"Content-Type", type}, {"ETag", etag}, {"Vary", "Accept"}}, {}};
    if (request.header("If-None-Match") == etag) {
      response.status = 304;
    } else {
      response.body = Bytes(openapi_, &body);  // big: nobody copies them
    }
    return response;
  };
  const auto& segments = uri.segments;
  if (segments.size() == 2 && segments[1] == "v2") {
    if (request.header("Accept").find("proto-openapi.spec.v2") != std::string_view::npos) {
      return document("application/octet-stream", openapi_->v2_protobuf_etag(),
                      openapi_->v2_protobuf());
    }
    return document("application/json", openapi_->v2_etag(), openapi_->v2_json());
  }
  if (segments.size() < 2 || segments[1] != "v3") return text_response(404, "404 page not found\n");
  if (segments.size() == 2) {
    return tagged(request,
                  {200, {{"Content-Type", "application/json"}}, openapi_->v3_index() + "\n"});
  }
  std::string path;
  for (std::size_t i = 2; i < segments.size(); ++i) path += (i > 2 ? "/" : "") + segments[i];
  const std::string* body = openapi_->v3(path);
  if (!body) return text_response(404, "404 page not found\n");
  HttpResponse response = document("application/json",
                                   "\"" + std::string(openapi_->v3_hash(path)) + "\"", *body);
  if (uri.get("hash") == openapi_->v3_hash(path)) {
    response.headers.push_back({"Cache-Control", "public, immutable"});
  }
  return response;
}

}  // namespace keelson::rest
