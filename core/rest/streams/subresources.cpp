#include "core/rest/streams/subresources.hpp"

#include <algorithm>
#include <charconv>

#include "core/rest/streams/answers.hpp"
#include "core/rest/streams/handshake.hpp"
#include "core/rest/streams/log_options.hpp"
#include "core/rest/streams/log_session.hpp"
#include "core/rest/streams/port_forward.hpp"
#include "core/rest/streams/spdy_command.hpp"
#include "core/rest/streams/websocket_command.hpp"

namespace keelson::rest {

namespace {

void refuse(Exchange& exchange, std::string message) {
  answer_error(exchange, api::bad_request(std::move(message)));
}

api::ApiError method_not_allowed() {
  api::ApiError error;
  error.reason = api::Reason::method_not_allowed;
  error.message = "the server does not allow this method on the requested resource";
  return error;
}

std::string no_protocol(const std::string& offered) {
  return "requested protocol(s) are not supported: " + offered;
}

// As kubelet reads them: nobody can have both a terminal and an error stream.
agent::CommandOptions read_command_options(const Query& query) {
  agent::CommandOptions options;
  options.command = query.all("command");
  options.tty = query.flag("tty");
  options.input = query.flag("stdin");
  options.output = query.flag("stdout");
  options.errors = query.flag("stderr") && !options.tty;
  return options;
}

// Nothing, and `trouble` says why.
std::vector<uint16_t> read_ports(const Query& query, std::string& trouble) {
  std::vector<uint16_t> ports;
  for (const std::string& value : query.all("ports")) {
    for (const std::string& text : split_list(value)) {
      uint16_t port = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
      if (error != std::errc() || end != text.data() + text.size()) {
        trouble = "unable to parse \"" + text + "\" as a port: strconv.ParseUint: parsing \"" + text +
                  "\": " +
                  (error == std::errc::result_out_of_range ? "value out of range" : "invalid syntax");
        return {};
      }
      if (port == 0) {
        trouble = "port \"" + text + "\" must be > 0";
        return {};
      }
      ports.push_back(port);
    }
  }
  if (ports.empty()) trouble = "query parameter \"port\" is required";
  if (ports.size() > WebSocketPortForward::kPortsMax) {
    trouble = "too many ports";
    return {};
  }
  return ports;
}

}  // namespace

Subresources::Subresources(Lookup lookup, Loop& loop, NodeStreams* nodes)
    : lookup_(std::move(lookup)),
      loop_(loop),
      nodes_(nodes),
      self_(std::make_shared<Subresources*>(this)) {}

Subresources::~Subresources() = default;

bool Subresources::serves(api::Kind kind, std::string_view subresource) {
  if (subresource == "proxy") {
    return kind == api::Kind::pods || kind == api::Kind::services || kind == api::Kind::nodes;
  }
  return kind == api::Kind::pods && (subresource == "log" || subresource == "exec" ||
                                     subresource == "attach" || subresource == "portforward");
}

void Subresources::serve(api::Kind kind, std::string_view subresource, StreamCall call) {
  KEELSON_ASSERT(serves(kind, subresource));
  const std::string& method = call.request.method;
  if (subresource == "proxy") {
    if (call.path.empty() && (method == "GET" || method == "HEAD")) {
      // Relative links of what is proxied work only below a directory.
      const std::string& target = call.request.target;
      const std::size_t mark = std::min(target.find('?'), target.size());
      HttpResponse moved;
      moved.status = 301;
      moved.headers = {{"Location", target.substr(0, mark) + "/" + target.substr(mark)}};
      call.exchange->respond(std::move(moved));
      return;
    }
    if (kind == api::Kind::nodes) return proxy_node(std::move(call));
    if (kind == api::Kind::services) return proxy_service(std::move(call));
    // "name", "name:port" or "scheme:name:port".
    std::string name = call.name;
    if (const std::size_t first = name.find(':'); first != std::string::npos) {
      const std::size_t second = name.find(':', first + 1);
      name = second == std::string::npos ? name.substr(0, first)
                                         : name.substr(first + 1, second - first - 1);
    }
    return with_pod(std::move(call), std::move(name), &Subresources::proxy_pod);
  }
  if (method != "GET" && (subresource == "log" || method != "POST")) {
    answer_error(*call.exchange, method_not_allowed());
    return;
  }
  const PodAction act = subresource == "log"      ? &Subresources::log
                        : subresource == "exec"   ? &Subresources::exec
                        : subresource == "attach" ? &Subresources::attach
                                                  : &Subresources::port_forward;
  std::string name = call.name;
  with_pod(std::move(call), std::move(name), act);
}

void Subresources::with_pod(StreamCall call, std::string name, PodAction act) {
  std::string ns = call.ns;
  lookup_(api::Kind::pods, std::move(ns), std::move(name),
          [weak = std::weak_ptr(self_), act,
           call = std::make_unique<StreamCall>(std::move(call))](api::Response found) {
            const auto self = weak.lock();
            if (!self) return;
            if (!found.ok()) return answer_error(*call->exchange, found.error);
            ((*self)->*act)(std::move(*call), api::Ref<api::Pod>(std::move(found.object)));
          });
}

agent::ContainerStreams* Subresources::node_of(const std::string& name, Exchange& exchange) {
  if (nodes_ == nullptr) {
    answer_error(exchange, api::service_unavailable("this API server does not reach nodes"));
    return nullptr;
  }
  const auto node = nodes_->of(name);
  if (node.ok()) return *node;
  answer_unreachable(exchange, node.error().message);
  return nullptr;
}

void Subresources::log(StreamCall call, api::Ref<api::Pod> pod) {
  const Query query = Query::of(call.request.target);
  LogQuery read = read_log_options(query, pod.name());
  if (!read.error.ok()) return answer_error(*call.exchange, read.error);
  ChosenContainer chosen = choose_container(*pod, query.text("container"));
  if (!chosen.error.ok()) return answer_error(*call.exchange, chosen.error);
  if (pod->spec().node_name().empty()) {
    HttpResponse empty;
    empty.headers = {{"Content-Type", "text/plain"}};
    call.exchange->respond(std::move(empty));
    return;
  }
  agent::ContainerStreams* const node = node_of(pod->spec().node_name(), *call.exchange);
  if (node == nullptr) return;
  const api::ApiError missing = check_log_exists(*pod, chosen.name, read.options.previous);
  if (!missing.ok()) return answer_error(*call.exchange, missing);

  std::optional<Upgrade> upgrade;
  if (upgrade_kind(call.request) == UpgradeKind::websocket) {
    const auto offered = header_list(call.request, "Sec-WebSocket-Protocol");
    if (offered.empty()) upgrade = Upgrade{.websocket = true};
    for (const std::string& name : offered) {
      if (upgrade || (name != "binary.k8s.io" && name != "base64.binary.k8s.io")) continue;
      upgrade = Upgrade{.websocket = true, .protocol = name, .text = name != "binary.k8s.io"};
    }
    if (!upgrade) {
      return refuse(*call.exchange,
                    no_protocol(joined_header(call.request, "Sec-WebSocket-Protocol")));
    }
  }
  std::make_shared<LogSession>(keeper_, std::move(upgrade))
      ->begin(*node, {std::move(pod), std::move(chosen.name)}, read.options,
              std::move(call.exchange));
}

void Subresources::command(StreamCall call, api::Ref<api::Pod> pod, bool attach) {
  const Query query = Query::of(call.request.target);
  ChosenContainer chosen = choose_container(*pod, query.text("container"));
  if (!chosen.error.ok()) return answer_error(*call.exchange, chosen.error);
  if (pod->spec().node_name().empty()) {
    return refuse(*call.exchange, "pod " + pod.name() + " does not have a host assigned");
  }
  RemoteCommand::Call wanted{{std::move(pod), std::move(chosen.name)}, read_command_options(query),
                             attach};
  const agent::CommandOptions& options = wanted.options;
  if (!options.input && !options.output && !options.errors) {
    return refuse(*call.exchange, "you must specify at least 1 of stdin, stdout, stderr");
  }
  if (attach) {
    wanted.options.command.clear();
  } else if (options.command.empty() || options.command[0].empty()) {
    return refuse(*call.exchange, "you must specify at least one command for the container");
  }
  const UpgradeKind kind = upgrade_kind(call.request);
  if (kind != UpgradeKind::websocket && kind != UpgradeKind::spdy) {
    return refuse(*call.exchange, "Upgrade request required");
  }
  agent::ContainerStreams* const node = node_of(wanted.container.pod->spec().node_name(), *call.exchange);
  if (node == nullptr) return;

  if (kind == UpgradeKind::websocket) {
    const std::string offered = joined_header(call.request, "Sec-WebSocket-Protocol");
    auto protocol = choose_channel_protocol(offered, 1, 5);
    if (!protocol) return refuse(*call.exchange, no_protocol(offered));
    std::make_shared<WebSocketCommand>(keeper_, std::move(wanted), std::move(*protocol))
        ->begin(*node, std::move(call.exchange));
    return;
  }
  const auto offered = header_list(call.request, "X-Stream-Protocol-Version");
  const auto version = choose_command_version(offered);
  if (!version) {
    return answer_no_protocol(*call.exchange, offered,
                              {command_protocol(4), command_protocol(3), command_protocol(2),
                               command_protocol(1)});
  }
  std::make_shared<SpdyCommand>(keeper_, std::move(wanted), *version, loop_)
      ->begin(*node, std::move(call.exchange));
}

void Subresources::port_forward(StreamCall call, api::Ref<api::Pod> pod) {
  if (pod->spec().node_name().empty()) {
    return refuse(*call.exchange, "pod " + pod.name() + " does not have a host assigned");
  }
  const UpgradeKind kind = upgrade_kind(call.request);
  if (kind != UpgradeKind::websocket && kind != UpgradeKind::spdy) {
    return refuse(*call.exchange, "Upgrade request required");
  }
  agent::ContainerStreams* const node = node_of(pod->spec().node_name(), *call.exchange);
  if (node == nullptr) return;

  if (kind == UpgradeKind::spdy) {
    const auto offered = header_list(call.request, "X-Stream-Protocol-Version");
    if (std::ranges::find(offered, kPortForwardProtocol) == offered.end()) {
      return answer_no_protocol(*call.exchange, offered, {kPortForwardProtocol});
    }
    std::make_shared<SpdyPortForward>(keeper_, *node, std::move(pod), false)
        ->begin(std::move(call.exchange));
    return;
  }
  const std::string offered = joined_header(call.request, "Sec-WebSocket-Protocol");
  const auto names = split_list(offered);
  if (std::ranges::find(names, kPortForwardTunnel) != names.end()) {
    std::make_shared<SpdyPortForward>(keeper_, *node, std::move(pod), true)
        ->begin(std::move(call.exchange));
    return;
  }
  // Only v4 is spoken, whatever else a client offers before it.
  auto protocol = choose_channel_protocol(offered, 4, 4);
  if (!protocol) return refuse(*call.exchange, no_protocol(offered));
  std::string trouble;
  std::vector<uint16_t> ports = read_ports(Query::of(call.request.target), trouble);
  if (!trouble.empty()) return refuse(*call.exchange, std::move(trouble));
  std::make_shared<WebSocketPortForward>(keeper_, *node, std::move(pod), std::move(ports),
                                         std::move(*protocol))
      ->begin(std::move(call.exchange));
}

}  // namespace keelson::rest
