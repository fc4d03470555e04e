#include "runtime/node/node_endpoint.hpp"

#include <algorithm>

#include "core/api/json.hpp"
#include "core/rest/streams/answers.hpp"
#include "runtime/node/served_stream.hpp"

namespace keelson::node {

namespace {

// A reader may rest for a while (kubectl logs into a pager); the API server gives up on its client
// earlier.
constexpr Duration kWriteStall = std::chrono::minutes(5);

void answer(rest::Exchange& exchange, const char* type, std::string body) {
  rest::HttpResponse response;
  response.headers = {{"Content-Type", type}};
  response.body = std::move(body);
  exchange.respond(std::move(response));
}

// Of kubelet's metric: what it calls the same thing. What is not served shares one.
std::string path_label(const std::string& path) {
  if (path.starts_with(kStreamPath)) {
    const auto kind = stream_kind(std::string_view(path).substr(kStreamPath.size()));
    if (!kind) return "";
    switch (*kind) {
      case StreamKind::logs: return "containerLogs";
      case StreamKind::exec: return "exec";
      case StreamKind::attach: return "attach";
      case StreamKind::find:
      case StreamKind::connect: return "portForward";
    }
  }
  for (const char* known : {"healthz", "metrics", "metrics/resource", "pods", "stats/summary"}) {
    if (path == "/" + std::string(known)) return known;
  }
  return "";
}

constexpr char kJson[] = "application/json";
constexpr char kPrometheus[] = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace

NodeEndpoint::NodeEndpoint(NodeEndpointOptions options, agent::ContainerStreams& streams,
                           NodeFacts facts)
    : options_(std::move(options)), streams_(streams), facts_(std::move(facts)) {}

NodeEndpoint::~NodeEndpoint() {
  for (const auto& weak : served_) {
    if (const auto stream = weak.lock()) stream->abandon();
  }
}

Result<std::unique_ptr<NodeEndpoint>> NodeEndpoint::start(runtime::AsioLoop& loop, Log& log,
                                                          NodeEndpointOptions options,
                                                          agent::ContainerStreams& streams,
                                                          NodeFacts facts) {
  if (options.client_ca_file.empty()) {
    return Error{Code::invalid,
                 "the node's endpoint needs the cluster's CA to know its API server"};
  }
  std::unique_ptr<NodeEndpoint> endpoint(
      new NodeEndpoint(std::move(options), streams, std::move(facts)));
  const NodeEndpointOptions& chosen = endpoint->options_;
  http::ServerOptions server;
  server.address = chosen.address;
  server.port = chosen.port;
  server.tls = http::ServerTls{chosen.cert_file, chosen.key_file, chosen.client_ca_file};
  server.limits.write_stall = kWriteStall;
  server.limits.body_bytes = 64 * 1024;  // nothing is asked for with a body
  // A request that is on its way when the endpoint goes is for nobody any more.
  const http::PostToCore post = [&loop,
                                 here = std::weak_ptr<int>(endpoint->here_)](http::Work work) {
    loop.post_from_any_thread([here, work = std::move(work)]() mutable {
      if (!here.expired()) work();
    });
  };
  auto started = http::HttpServer::start(std::move(server), *endpoint, post, log);
  if (!started) return started.error();
  endpoint->server_ = std::move(*started);
  return endpoint;
}

uint16_t NodeEndpoint::port() const {
  return server_->port();
}

bool NodeEndpoint::allowed(const rest::HttpRequest& request) const {
  if (!request.peer.user) return false;
  const auth::UserInfo& user = *request.peer.user;
  return std::ranges::find(options_.users, user.name) != options_.users.end() ||
         std::ranges::find(user.groups, "system:masters") != user.groups.end();
}

void NodeEndpoint::handle(rest::HttpRequest request, rest::ExchangePtr exchange) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  ++requests_[path_label(path)];
  if (path == "/healthz" || path.starts_with("/healthz/")) {
    const Status health = facts_.health ? facts_.health() : Status();
    if (health.ok()) return answer(*exchange, "text/plain; charset=utf-8", "ok");
    return rest::answer_text(*exchange, 500, health.message() + "\n");
  }
  if (!allowed(request)) {
    return rest::answer_text(*exchange, request.peer.user ? 403 : 401,
                             request.peer.user ? "Forbidden (user=" + request.peer.user->name + ")"
                                               : std::string("Unauthorized"));
  }
  if (path.starts_with(kStreamPath)) {
    return serve_stream(std::string_view(path).substr(kStreamPath.size()), request, *exchange);
  }
  if (request.method != "GET" && request.method != "HEAD") {
    return rest::answer_text(*exchange, 405, "Method Not Allowed\n");
  }
  if (path == "/pods" && facts_.pods) return answer(*exchange, kJson, pod_list());
  if (facts_.stats != nullptr) {
    if (path == "/stats/summary" || path == "/stats/summary/") {
      return answer(*exchange, kJson, summary_json(options_.node_name, *facts_.stats));
    }
    if (path == "/metrics/resource") {
      return answer(*exchange, kPrometheus, resource_metrics(*facts_.stats));
    }
  }
  if (path == "/metrics") {
    std::string text = endpoint_metrics(options_.node_name, server_->stats(), requests_);
    if (facts_.stats != nullptr) text += runtime_metrics(*facts_.stats);
    if (facts_.metrics) text += facts_.metrics();
    return answer(*exchange, kPrometheus, std::move(text));
  }
  rest::answer_text(*exchange, 404, "404 page not found\n");
}

void NodeEndpoint::serve_stream(std::string_view name, const rest::HttpRequest& request,
                                rest::Exchange& exchange) {
  const std::optional<StreamKind> kind = stream_kind(name);
  if (!kind) return rest::answer_text(exchange, 404, "404 page not found\n");
  if (request.header("Upgrade") != kStreamProtocol) {
    return rest::answer_text(exchange, 400,
                             "streams are upgraded to " + std::string(kStreamProtocol) + "\n");
  }
  std::erase_if(served_, [](const auto& weak) { return weak.expired(); });
  const auto stream = ServedStream::make(*kind, streams_);
  served_.push_back(stream);
  exchange.upgrade({.websocket = false, .protocol = kStreamProtocol}, stream->pipe_user());
}

std::string NodeEndpoint::pod_list() const {
  std::string out = R"({"kind":"PodList","apiVersion":"v1","metadata":{},"items":[)";
  bool first = true;
  for (const api::Ref<api::Pod>& pod : facts_.pods()) {
    if (!std::exchange(first, false)) out += ',';
    api::append_object(pod.object(), out);
  }
  return out + "]}\n";
}

}  // namespace keelson::node
