#include "core/rest/documents.hpp"

#include <fmt/format.h>

#include "core/base/hash.hpp"
#include "core/rest/discovery.hpp"

namespace keelson::rest {

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

HttpResponse health(const Uri& uri, bool ready) {
  const std::string& what = uri.segments.front();
  if (uri.segments.size() > 1 && uri.segments[1] != "ping" && uri.segments[1] != "etcd") {
    return text_response(404, "404 page not found\n");
  }
  const bool ok = ready || what == "livez";
  if (uri.segments.size() == 1 && (uri.has("verbose") || !ok)) {
    std::string text = "[+]ping ok\n";
    text += ready ? "[+]store ok\n" : "[-]store failed: reason withheld\n";
    text += what + (ok ? " check passed\n" : " check failed\n");
    return text_response(ok ? 200 : 500, std::move(text));
  }
  return ok ? text_response(200, "ok") : text_response(500, "not ready\n");
}

}  // namespace

HttpResponse Documents::serve(const HttpRequest& request, const Uri& uri, const Manner& manner,
                              bool ready) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (uri.segments.empty()) {
    return {200, {{"Content-Type", "application/json"}}, pretty_json(root_paths())};
  }
  const std::string& first = uri.segments.front();
  if (first == "healthz" || first == "livez" || first == "readyz") return health(uri, ready);
  if (!reads) return error_response(method_not_allowed(), manner);
  if (first == "version" && uri.segments.size() == 1) {
    return {200, {{"Content-Type", "application/json"}}, pretty_json(version_info())};
  }
  if (first == "api" || first == "apis") return discovery(request, uri, manner);
  return not_found(uri);
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

HttpResponse Documents::not_found(const Uri& uri) const {
  (void)uri;
  return {404, {{"Content-Type", "application/json"}}, pretty_json(root_paths())};
}

}  // namespace keelson::rest
