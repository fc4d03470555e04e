#include "core/rest/front.hpp"

#include <algorithm>
#include <map>

#include "core/api/json.hpp"
#include "core/auth/impersonation.hpp"
#include "core/auth/names.hpp"
#include "core/rest/answers.hpp"
#include "core/rest/bearer.hpp"
#include "core/rest/body.hpp"
#include "core/rest/call.hpp"
#include "core/rest/documents.hpp"
#include "core/rest/exposition.hpp"
#include "core/rest/fair_queue.hpp"
#include "core/rest/health.hpp"
#include "core/rest/heartbeat.hpp"
#include "core/rest/metrics.hpp"
#include "core/rest/options.hpp"
#include "core/rest/request_reader.hpp"
#include "core/rest/reviews.hpp"
#include "core/rest/streams/handshake.hpp"
#include "core/rest/streams/subresources.hpp"
#include "core/rest/tables/loose.hpp"
#include "core/rest/versions.hpp"
#include "core/rest/warnings.hpp"
#include "core/rest/watch_stream.hpp"

namespace keelson::rest {

namespace {

using api::ApiError;
using api::Reason;
using api::Verb;

// As a Kubernetes server, which lets watches go after half an hour to an hour; not all at once.
constexpr Duration kWatchMin = 30min;
constexpr int64_t kWatchSpreadSeconds = 1800;

constexpr std::size_t kWaitingPerUserMax = 4096;

constexpr std::string_view kStatusPath = "/keelson/v1/status";

// Kinds that are not served, whose absence clients take for a broken server: kubectl looks for custom kinds
// before it says that it does not know a kind, and Kubernetes' end-to-end suite lists
// ReplicationControllers before its first test. There are none, and that is the answer.
constexpr struct {
  const char *group, *version, *resource, *kind;
} kNoneOf[] = {{"apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinitionList"},
               {"", "v1", "replicationcontrollers", "ReplicationControllerList"}};

std::optional<std::string> none_of(const Path& path) {
  if (path.verb != "list") return std::nullopt;
  for (const auto& one : kNoneOf) {
    if (path.group != one.group || path.version != one.version || path.resource != one.resource) continue;
    const std::string group = path.group.empty() ? std::string() : path.group + "/";
    return R"({"kind":")" + std::string(one.kind) + R"(","apiVersion":")" + group + path.version +
           R"(","metadata":{"resourceVersion":"1"},"items":[]})";
  }
  return std::nullopt;
}

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

}  // namespace

struct Front::Impl {
  Impl(apiserver::ApiServer& server_in, Loop& loop_in, Log& log_in,
       auth::AccessControl* access_in, NodeStreams* streams_in, FrontOptions options_in)
      : server(server_in),
        loop(loop_in),
        log(log_in),
        access(access_in),
        streams(
            [this](api::Kind kind, std::string ns, std::string name,
                   Callback<void(api::Response)> done) {
              server.handle(api::get(kind, std::move(ns), std::move(name)), std::move(done));
            },
            loop_in, streams_in),
        options(std::move(options_in)),
        documents(options.advertised_address, access ? &access->tokens() : nullptr),
        reviews(access),
        metrics(options.usage),
        queue(loop, kWaitingPerUserMax) {}

  ~Impl() {
    for (auto& [id, watch] : watches) watch->close();
  }

  // Calls that are under way when the front goes may end later; then nobody is left to hear of it.
  template <class F>
  auto tie(F f) const {
    return [alive = std::weak_ptr<char>(life), f = std::move(f)](auto&&... args) {
      if (!alive.expired()) f(std::forward<decltype(args)>(args)...);
    };
  }

  // --- From a request to a call ----------------------------------------------------------------------

  void handle(HttpRequest http, ExchangePtr exchange) {
    auto call = std::make_shared<Call>();
    call->http = std::move(http);
    unwrap_protocol_token(call->http);
    call->exchange = std::move(exchange);
    std::optional<Uri> uri = parse_target(call->http.target);
    if (!uri) return call->fail(api::bad_request("malformed request target"));
    call->uri = std::move(*uri);
    call->manner.pretty =
        wants_pretty(call->uri.get("pretty"), call->uri.has("pretty"), call->header("User-Agent"));
    if (call->http.body.size() > options.body_max) {
      ApiError error;
      error.reason = Reason::request_entity_too_large;
      error.message =
          "Request entity too large: limit is " + std::to_string(options.body_max);
      return call->fail(error);
    }
    call->path = read_path(call->http.method, call->uri);
    if (!authenticate(*call)) return call->fail(unauthorized());
    if (ApiError error = impersonate(*call)) return call->fail(error);
    if (ApiError error = authorize(*call)) return call->fail(error);
    if (!call->path.resource_request) return call->exchange->respond(beside_resources(*call));
    route(call);
  }

  // Also while there is no store.
  HttpResponse beside_resources(const Call& call) {
    const std::string_view first = call.uri.segments.empty() ? "" : call.uri.segments.front();
    if (first == "healthz" || first == "livez" || first == "readyz") {
      return health_response(call.uri, health_parts(options.process, server.ready()));
    }
    const bool get = call.http.method == "GET";
    if (get && call.uri.path == "/metrics") {
      std::string text = metrics_text(server);
      if (options.process.metrics) text += options.process.metrics();
      return {200, {{"Content-Type", kMetricsType}}, std::move(text)};
    }
    if (get && call.uri.path == kStatusPath && options.process.status) {
      return {200, {{"Content-Type", "application/json"}}, options.process.status()};
    }
    return documents.serve(call.http, call.uri, call.manner);
  }

  bool authenticate(Call& call) const {
    if (call.http.peer.user) {
      call.user = *call.http.peer.user;
    } else if (const std::string_view header = call.header("Authorization");
               header.starts_with(kBearer)) {
      if (!access) return false;
      std::optional<auth::UserInfo> user =
          access->authenticator().authenticate(header.substr(kBearer.size()));
      if (!user) return false;
      call.user = std::move(*user);
    } else {
      if (!options.anonymous) return false;
      call.user.name = auth::kAnonymous;
      call.user.groups = {auth::kUnauthenticated};
      return true;
    }
    if (!call.user.in_group(auth::kAuthenticated)) {
      call.user.groups.emplace_back(auth::kAuthenticated);
    }
    return true;
  }

  ApiError authorize(const Call& call) const {
    if (!access) return {};
    const auth::Attributes wanted = call.attributes();
    const auth::Verdict verdict = access->authorizer().authorize(wanted);
    if (verdict.decision == auth::Decision::allow) return {};
    return auth::forbidden(wanted, verdict.reason);
  }

  // Acting as somebody else, where the headers ask for it and the caller may.
  ApiError impersonate(Call& call) const {
    if (!access) {
      call.exchange->name_user(call.user, nullptr);
      return {};
    }
    std::vector<auth::HeaderField> headers;
    for (const Header& header : call.http.headers) headers.push_back({header.name, header.value});
    auth::Impersonation as = auth::impersonate(call.user, headers, access->authorizer());
    const bool another = as.asked && as.error.ok();
    call.exchange->name_user(call.user, another ? &as.user : nullptr);
    if (another) call.user = std::move(as.user);
    return std::move(as.error);
  }

  void route(const std::shared_ptr<Call>& call) {
    const Path& path = call->path;
    const Catalog& catalog = Catalog::get();
    if (std::optional<std::string> none = none_of(path)) {
      return call->respond(json_response(200, std::move(*none), call->manner));
    }
    if (!catalog.serves(path.group, path.version)) {
      return call->exchange->respond(text_response(404, "404 page not found\n"));
    }
    const Resource* resource =
        catalog.find(path.group, path.version, path.resource, path.subresource);
    const bool misplaced = resource && (resource->namespaced ? path.ns.empty() && !path.name.empty()
                                                             : !path.ns.empty());
    if (!resource || misplaced || (!path.rest.empty() && resource->endpoint != Endpoint::proxy)) {
      return call->fail(no_such_resource());
    }
    call->resource = resource;
    if (!resource->deprecation.empty()) call->warn({resource->deprecation});
    const bool known = std::find(resource->verbs.begin(), resource->verbs.end(), path.verb) !=
                       resource->verbs.end();
    const bool nowhere = resource->namespaced && path.ns.empty();
    const bool aimless =
        (path.verb == "create" && resource->subresource.empty() && (!path.name.empty() || nowhere)) ||
        (path.verb == "deletecollection" && nowhere);
    if (!known || aimless) return call->fail(method_not_allowed());
    if (resource->info && Subresources::serves(resource->info->kind, resource->subresource)) {
      return stream(*call);
    }
    const bool shapes = resource->endpoint == Endpoint::object ||
                        resource->endpoint == Endpoint::status ||
                        resource->endpoint == Endpoint::scale ||
                        resource->endpoint == Endpoint::approval ||
                        resource->endpoint == Endpoint::usage ||
                        resource->endpoint == Endpoint::ephemeral_containers;
    const std::optional<Accepted> accepted = negotiate(call->header("Accept"), shapes);
    if (!accepted || (accepted->encoding == Encoding::protobuf && path.verb == "watch")) {
      return call->fail(not_acceptable());
    }
    call->manner.accepted = *accepted;
    if (path.verb == "watch") return watch(call);
    if (!queue.enter(call->user.name, [this, call] { dispatch(call); })) {
      call->fail(api::too_many_requests(
          "Too many requests, please try again later.", 1));
    }
  }

  void dispatch(const std::shared_ptr<Call>& call) {
    switch (call->resource->endpoint) {
      case Endpoint::object:
      case Endpoint::status:
      case Endpoint::scale:
      case Endpoint::finalize:
      case Endpoint::binding:
      case Endpoint::eviction:
      case Endpoint::approval:
      case Endpoint::ephemeral_containers: return resource_call(call);
      case Endpoint::token:
      case Endpoint::review: return review_call(*call);
      case Endpoint::usage: return usage_call(call);
      default: return call->fail(no_such_resource());
    }
  }

  // --- Calls of the API ------------------------------------------------------------------------------

  void resource_call(const std::shared_ptr<Call>& call) {
    api::Request request;
    ApiError error = read_request(*call, access ? &access->authorizer() : nullptr, request);
    if (!error) error = read_table_options(*call);
    if (error) return call->fail(error);
    if (request.kind == api::Kind::leases && request.verb == Verb::update && request.body) {
      const auto body = std::static_pointer_cast<const api::Lease>(request.body);
      if (std::optional<api::Beat> beat = beat_of(*body)) {
        return heartbeat(call, std::move(request), std::move(*beat));
      }
    }
    server.handle(std::move(request), tie([this, call](api::Response response) {
      answer(*call, std::move(response));
    }));
  }

  // Answered with what was sent.
  void heartbeat(const std::shared_ptr<Call>& call, api::Request request, api::Beat beat) {
    auto lease = std::make_shared<const api::Object>(api::Kind::leases, std::move(request.body));
    request.verb = Verb::renew;
    request.expected = {};
    request.beat = std::move(beat);
    server.handle(std::move(request), tie([this, call, lease](api::Response response) {
      if (response.ok()) response.object = lease;
      answer(*call, std::move(response));
    }));
  }

  void review_call(Call& call) {
    const std::optional<Encoding> encoding = body_encoding(call.header("Content-Type"));
    if (!encoding) return call.fail(unsupported_media());
    DecodedBody body =
        decode_body(*call.resource, *encoding, call.http.body, field_validation(call));
    if (body.error) return call.fail(body.error);
    call.warn(body.warnings);
    Reviews::Outcome outcome = reviews.answer(call, *body.message);
    if (outcome.error) return call.fail(outcome.error);
    std::string json = typed_json(*call.resource, *outcome.message);
    if (call.resource->endpoint == Endpoint::review && call.resource->version != "v1") {
      json = to_version(*call.resource, json);
    }
    HttpResponse response = json_response(201, std::move(json), call.manner);
    add_warnings(response, call.warnings);
    call.respond(std::move(response));
  }

  void usage_call(const std::shared_ptr<Call>& call) {
    api::Request request;
    if (ApiError error = metrics.read(*call, request)) return call->fail(error);
    if (ApiError error = read_table_options(*call)) return call->fail(error);
    server.handle(std::move(request), tie([this, call](api::Response response) {
      metrics.respond(*call, std::move(response));
    }));
  }

  ApiError read_table_options(Call& call) const {
    call.table.now = loop.wall_now();
    const std::string_view include = call.uri.get("includeObject");
    if (include == "None") {
      call.table.include = IncludeObject::none;
    } else if (include == "Object") {
      call.table.include = IncludeObject::object;
    } else if (!include.empty() && include != "Metadata") {
      return api::bad_request("unrecognized includeObject value: " + in_quotes(include));
    }
    return {};
  }

  void answer(Call& call, api::Response response) {
    if (!response.ok()) return call.fail(response.error);
    call.warn(response.warnings);
    HttpResponse http = success(call, response);
    add_warnings(http, call.warnings);
    call.respond(std::move(http));
  }

  HttpResponse success(const Call& call, const api::Response& response) {
    const Resource& resource = *call.resource;
    const std::string& verb = call.path.verb;
    if (verb == "list" || verb == "deletecollection") {
      return list_response(resource, response, call.manner, call.table, encoder);
    }
    const int status = verb == "create" || response.created ? 201 : 200;
    if (resource.endpoint == Endpoint::binding || resource.endpoint == Endpoint::eviction) {
      api::meta::v1::Status done;
      done.mutable_metadata();
      done.set_status("Success");
      done.set_code(201);
      return message_response(201, done, call.manner);
    }
    if (verb == "delete" && !response.object) {
      if (response.message) {
        return message_response(200, *response.message, call.manner);
      }
      return deleted_response(resource, call.path.name, response.removed_uid, call.manner);
    }
    if (!response.object && response.message) {
      if (resource.endpoint == Endpoint::scale && call.manner.accepted.shape != Shape::object) {
        const LooseRow row = scale_row(*response.message, call.table.now);
        return loose_response(status, scale_columns(), {&row, 1}, false, call.manner, call.table);
      }
      return message_response(status, *response.message, call.manner);
    }
    return object_response(status, resource, response.object, call.manner, call.table, encoder);
  }

  // --- Logs, exec and the like ---------------------------------------------------------------------

  void stream(Call& call) {
    StreamCall wanted;
    wanted.ns = call.path.ns;
    wanted.name = call.path.name;
    wanted.path = call.path.rest;
    if (call.uri.path.ends_with('/')) wanted.path += '/';
    wanted.request = std::move(call.http);
    wanted.exchange = call.exchange;
    streams.serve(call.resource->info->kind, call.resource->subresource, std::move(wanted));
  }

  // --- Watches -----------------------------------------------------------------------------------------

  void watch(const std::shared_ptr<Call>& call) {
    WatchOptions watch;
    ApiError error = read_watch_options(call->uri, *call->resource, watch);
    if (!error) error = read_table_options(*call);
    if (error) return call->fail(error);
    if (!server.ready()) {
      return call->fail(api::service_unavailable("the API server is not ready yet"));
    }
    watch.request.ns = call->path.ns;
    watch.request.user = call->user.name;
    watch.request.actor = "http";
    if (!call->path.name.empty()) {
      std::string& fields = watch.request.field_selector;
      fields += (fields.empty() ? "metadata.name=" : ",metadata.name=") + call->path.name;
    }
    const uint64_t id = ++last_watch;
    Duration timeout = kWatchMin + std::chrono::seconds(static_cast<int64_t>(id) * 619 %
                                                        kWatchSpreadSeconds);
    if (watch.timeout_seconds && *watch.timeout_seconds > 0) {
      timeout = std::chrono::seconds(std::min<int64_t>(*watch.timeout_seconds, 86'400));
    }
    auto stream = std::make_shared<WatchStream>(
        WatchStream::Setting{server, loop, encoder, *call->resource, call->manner,
                             call->table.include, timeout, websocket_upgrade(call->http)},
        call->exchange,
        [this, id, alive = std::weak_ptr<char>(life)] {
          if (!alive.expired()) watches.erase(id);
        });
    watches.emplace(id, stream);
    stream->start(std::move(watch.request));
  }

  apiserver::ApiServer& server;
  Loop& loop;
  Log& log;
  auth::AccessControl* access;
  Subresources streams;
  FrontOptions options;
  Documents documents;
  Reviews reviews;
  Metrics metrics;
  Encoder encoder;
  FairQueue queue;
  uint64_t last_watch = 0;
  std::map<uint64_t, std::shared_ptr<WatchStream>> watches;
  std::shared_ptr<char> life = std::make_shared<char>();
};

Front::Front(apiserver::ApiServer& server, Loop& loop, Log& log,
             auth::AccessControl* access, NodeStreams* streams, FrontOptions options)
    : impl_(std::make_unique<Impl>(server, loop, log, access, streams, std::move(options))) {}

Front::~Front() = default;

void Front::handle(HttpRequest request, ExchangePtr exchange) {
  impl_->handle(std::move(request), std::move(exchange));
}

}  // namespace keelson::rest
