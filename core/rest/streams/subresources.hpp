// The subresources that stream or forward: log, exec, attach, portforward and proxy of pods, proxy of
// services and nodes. Everything from the parsed path on: looks the objects up, refuses what makes no
// sense as Kubernetes words it, negotiates the protocol, and runs the session. The caller has
// authenticated and authorized the request.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/api/request.hpp"
#include "core/base/loop.hpp"
#include "core/rest/http.hpp"
#include "core/rest/node_streams.hpp"
#include "core/rest/streams/keeper.hpp"
#include "core/rest/streams/query.hpp"

namespace keelson::rest {

struct StreamCall {
  std::string ns, name;  // of a proxied thing the name is as in the path: "https:web:443"
  // proxy: what follows in the path, decoded: "/index.html"; empty if nothing does, not even '/'.
  std::string path;
  HttpRequest request;
  ExchangePtr exchange;
};

class Subresources {
 public:
  // Reads one object; answers never from inside the call. ApiServer::handle with api::get() does.
  using Lookup = std::function<void(api::Kind kind, std::string ns, std::string name,
                                    Callback<void(api::Response)> done)>;

  // `nodes` null: there is nobody to ask, and every call is answered with 503. Both must outlive this;
  // connections that were upgraded must be closed before it goes.
  Subresources(Lookup lookup, Loop& loop, NodeStreams* nodes);
  ~Subresources();

  // Whether serve() is for this: (pods, "exec"), (nodes, "proxy"), ...
  static bool serves(api::Kind kind, std::string_view subresource);
  // REQUIRES: serves(kind, subresource).
  void serve(api::Kind kind, std::string_view subresource, StreamCall call);

  // Requests that wait for an object or a node, or stream without having been upgraded.
  std::size_t waiting() const { return keeper_.size(); }

 private:
  using PodAction = void (Subresources::*)(StreamCall, api::Ref<api::Pod>);
  void with_pod(StreamCall call, std::string name, PodAction act);
  // The streams of a node; answers by itself if there are none.
  agent::ContainerStreams* node_of(const std::string& node, Exchange& exchange);

  void log(StreamCall call, api::Ref<api::Pod> pod);
  void exec(StreamCall call, api::Ref<api::Pod> pod) { command(std::move(call), std::move(pod), false); }
  void attach(StreamCall call, api::Ref<api::Pod> pod) { command(std::move(call), std::move(pod), true); }
  void command(StreamCall call, api::Ref<api::Pod> pod, bool attach);
  void port_forward(StreamCall call, api::Ref<api::Pod> pod);
  void proxy_pod(StreamCall call, api::Ref<api::Pod> pod);
  void proxy_service(StreamCall call);
  void proxy_endpoints(StreamCall call, const api::Service& service);
  void proxy_node(StreamCall call);
  void forward(StreamCall call, api::Ref<api::Pod> pod, uint16_t port);

  Lookup lookup_;
  Loop& loop_;
  NodeStreams* nodes_;
  Keeper keeper_;
  // Answers of look-ups that come after the end are dropped.
  std::shared_ptr<Subresources*> self_;
};

}  // namespace keelson::rest
