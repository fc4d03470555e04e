// The proxy subresource: which pod and port are meant.
#include <charconv>

#include "core/rest/streams/answers.hpp"
#include "core/rest/streams/proxy_session.hpp"
#include "core/rest/streams/subresources.hpp"

namespace keelson::rest {

namespace {

// "name", "name:port" or "scheme:name:port", with a scheme of http, https or none.
struct Target {
  std::string scheme, name, port;
  bool valid = false;
};

Target split(const std::string& id) {
  Target target;
  const std::size_t first = id.find(':');
  const std::size_t second = first == std::string::npos ? first : id.find(':', first + 1);
  if (second != std::string::npos) {
    target.scheme = id.substr(0, first);
    target.name = id.substr(first + 1, second - first - 1);
    target.port = id.substr(second + 1);
  } else {
    target.name = id.substr(0, first);
    if (first != std::string::npos) target.port = id.substr(first + 1);
  }
  const bool scheme = target.scheme.empty() || target.scheme == "http" || target.scheme == "https";
  target.valid = scheme && !target.name.empty() && target.port.find(':') == std::string::npos;
  return target;
}

uint16_t to_port(const std::string& text) {
  uint16_t port = 0;
  const auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), port);
  return trouble == std::errc() && end == text.data() + text.size() ? port : 0;
}

// As a path must be written in a request line.
std::string escaped(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("/-._~!$&'()*+,;=:@").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      static constexpr char kDigits[] = "0123456789ABCDEF";
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

// The path and query that the pod sees.
std::string target_there(const StreamCall& call) {
  const std::size_t mark = call.request.target.find('?');
  const std::string path = call.path.empty() ? "/" : escaped(call.path);
  return mark == std::string::npos ? path : path + call.request.target.substr(mark);
}

void bad_request(const StreamCall& call, std::string message) {
  answer_error(*call.exchange, api::bad_request(std::move(message)));
}

}  // namespace

void Subresources::proxy_pod(StreamCall call, api::Ref<api::Pod> pod) {
  const Target target = split(call.name);
  if (!target.valid) return bad_request(call, "invalid pod request \"" + call.name + "\"");
  uint16_t port = 80;
  if (!target.port.empty()) {
    port = to_port(target.port);
    if (port == 0) return bad_request(call, "invalid port \"" + target.port + "\"");
  } else {
    for (const api::Container& container : pod->spec().containers()) {
      if (container.ports_size() == 0) continue;
      port = static_cast<uint16_t>(container.ports(0).container_port());
      break;
    }
  }
  if (pod->status().pod_ip().empty()) return bad_request(call, "address not allowed");
  forward(std::move(call), std::move(pod), port);
}

void Subresources::proxy_service(StreamCall call) {
  const Target target = split(call.name);
  if (!target.valid) return bad_request(call, "invalid service request \"" + call.name + "\"");
  std::string ns = call.ns;
  lookup_(api::Kind::services, std::move(ns), target.name,
          [weak = std::weak_ptr(self_),
           call = std::make_unique<StreamCall>(std::move(call))](api::Response found) {
            const auto self = weak.lock();
            if (!self) return;
            if (!found.ok()) return answer_error(*call->exchange, found.error);
            (*self)->proxy_endpoints(std::move(*call), found.object->as<api::Service>());
          });
}

void Subresources::proxy_endpoints(StreamCall call, const api::Service& service) {
  const Target target = split(call.name);
  // The name of the port among the endpoints': a service's only port needs none.
  const api::ServicePort* chosen = nullptr;
  for (const api::ServicePort& port : service.spec().ports()) {
    const bool named = target.port.empty() ? service.spec().ports_size() == 1
                                           : port.name() == target.port ||
                                                 std::to_string(port.port()) == target.port;
    if (named && chosen == nullptr) chosen = &port;
  }
  if (chosen == nullptr) {
    return answer_error(*call.exchange,
                        api::service_unavailable("no service port \"" + target.port +
                                                 "\" found for service \"" + target.name + "\""));
  }
  std::string ns = call.ns;
  lookup_(api::Kind::endpoints, std::move(ns), target.name,
          [weak = std::weak_ptr(self_), port_name = chosen->name(), service = target.name,
           call = std::make_unique<StreamCall>(std::move(call))](api::Response found) mutable {
            const auto self = weak.lock();
            if (!self) return;
            if (found.ok()) {
              for (const auto& subset : found.object->as<api::Endpoints>().subsets()) {
                for (const auto& port : subset.ports()) {
                  if (port.name() != port_name) continue;
                  for (const auto& address : subset.addresses()) {
                    if (address.target_ref().kind() != "Pod") continue;
                    call->name = ":" + address.target_ref().name() + ":" +
                                 std::to_string(port.port());
                    return (*self)->with_pod(std::move(*call), address.target_ref().name(),
                                             &Subresources::proxy_pod);
                  }
                }
              }
            }
            answer_error(*call->exchange, api::service_unavailable(
                                              "no endpoints available for service \"" + service + "\""));
          });
}

void Subresources::forward(StreamCall call, api::Ref<api::Pod> pod, uint16_t port) {
  if (pod->spec().node_name().empty()) {
    return bad_request(call, "pod " + pod.name() + " does not have a host assigned");
  }
  agent::ContainerStreams* const node = node_of(pod->spec().node_name(), *call.exchange);
  if (node == nullptr) return;
  std::string there = target_there(call);
  std::string host = pod->status().pod_ip() + ":" + std::to_string(port);
  std::make_shared<ProxySession>(keeper_, std::move(call.request), std::move(host), std::move(there))
      ->begin([&](agent::ByteStreamUser& user) { return node->connect(pod, port, user); },
              std::move(call.exchange));
}

void Subresources::proxy_node(StreamCall call) {
  const Target target = split(call.name);
  if (!target.valid) return bad_request(call, "invalid node request \"" + call.name + "\"");
  lookup_(api::Kind::nodes, "", target.name,
          [weak = std::weak_ptr(self_), port = target.port,
           call = std::make_unique<StreamCall>(std::move(call))](api::Response found) {
            const auto self = weak.lock();
            if (!self) return;
            if (!found.ok()) return answer_error(*call->exchange, found.error);
            const api::Node& node = found.object->as<api::Node>();
            const int32_t agent_port = node.status().daemon_endpoints().kubelet_endpoint().port();
            const std::string own = std::to_string(agent_port == 0 ? 10250 : agent_port);
            if (!port.empty() && port != own) {
              return bad_request(*call, "only the node agent's port " + own + " can be reached");
            }
            Subresources& owner = **self;
            agent::ContainerStreams* const streams =
                owner.node_of(node.metadata().name(), *call->exchange);
            if (streams == nullptr) return;
            std::string there = target_there(*call);
            std::make_shared<ProxySession>(owner.keeper_, std::move(call->request),
                                           node.metadata().name() + ":" + own, std::move(there))
                ->begin([&](agent::ByteStreamUser& user) { return streams->connect_agent(user); },
                        std::move(call->exchange));
          });
}

}  // namespace keelson::rest
