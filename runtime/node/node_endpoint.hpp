// What a node serves on its port 10250, over HTTPS with the node's serving certificate:
//
//   /healthz                    "ok", for anybody
//   /metrics, /metrics/resource figures in Prometheus' form, with kubelet's names
//   /stats/summary              what containers and the node use, kubelet's JSON
//   /pods                       the pods that the node has, a PodList
//   /keelson/v1/streams/KIND    logs, exec, attach, connections (README.md has the wire)
//
// All but /healthz is for the API server alone: a client certificate of the cluster's CA in one of
// the `users`' names, or of a member of system:masters.
//
// Threading: the thread of the loop; IO is on threads of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/agent/container_streams.hpp"
#include "core/base/log.hpp"
#include "runtime/http/server.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/node/exposition.hpp"

namespace keelson::node {

class ServedStream;

struct NodeEndpointOptions {
  std::string node_name;
  std::string address = "0.0.0.0";
  uint16_t port = 10250;  // 0: any free one, see port()
  // PEM files; read again when they change, so renewed certificates need no restart.
  std::string cert_file, key_file, client_ca_file;
  std::vector<std::string> users = {"kube-apiserver"};
};

// What the endpoint shows beside streams; what is empty is answered with 404, but for /healthz.
struct NodeFacts {
  std::function<Status()> health;  // why the agent is not well; its message is shown
  std::function<std::vector<api::Ref<api::Pod>>()> pods;
  StatsSampler* stats = nullptr;
  // More lines for /metrics, in Prometheus' text form.
  std::function<std::string()> metrics;
};

class NodeEndpoint final : private rest::Handler {
 public:
  // Serves at once. `streams` and what `facts` refers to must outlive it. Code::invalid: the
  // address or a file is of no use; unavailable: the port is taken.
  static Result<std::unique_ptr<NodeEndpoint>> start(runtime::AsioLoop& loop, Log& log,
                                                     NodeEndpointOptions options,
                                                     agent::ContainerStreams& streams,
                                                     NodeFacts facts = {});
  // Ends all streams.
  ~NodeEndpoint();

  uint16_t port() const;

 private:
  NodeEndpoint(NodeEndpointOptions options, agent::ContainerStreams& streams, NodeFacts facts);
  void handle(rest::HttpRequest request, rest::ExchangePtr exchange) override;
  void serve_stream(std::string_view kind, const rest::HttpRequest& request,
                    rest::Exchange& exchange);
  bool allowed(const rest::HttpRequest& request) const;
  std::string pod_list() const;

  NodeEndpointOptions options_;
  agent::ContainerStreams& streams_;
  NodeFacts facts_;
  std::vector<std::weak_ptr<ServedStream>> served_;
  RequestCounts requests_;
  const std::shared_ptr<int> here_ = std::make_shared<int>(0);  // gone with the endpoint
  std::unique_ptr<http::HttpServer> server_;
};

}  // namespace keelson::node
