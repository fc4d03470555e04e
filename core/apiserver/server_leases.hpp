// Which API servers there are: each keeps a Lease kube-system/apiserver-NAME, and all of them keep the
// Endpoints and the EndpointSlice of default/kubernetes as these Leases say.
//
// A server is given up without comparing clocks: when three renewals of our own in a row were committed
// and its Lease has not changed between them. So a server that was paused or cut off itself gives nobody
// up, and one that was given up by mistake is back with its next renewal.
// Source of the idea: Kubernetes pkg/controlplane/reconcilers/lease.go, whose leases are keys that expire.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/api/request.hpp"
#include "core/base/log.hpp"
#include "core/base/loop.hpp"
#include "core/client/api_client.hpp"

namespace keelson::apiserver {

struct ServerLeaseOptions {
  std::string name;      // of this server among all: part of its Lease's name
  std::string identity;  // of this life of its process
  std::string address;   // where it is reached; the port is the same for all
  int port = 6443;
  // 28 s at most until a dead server is out of the Endpoints.
  Duration period = 7s;
  int silent_max = 3;  // our own renewals without one of another's
};

class ServerLeases {
 public:
  // `client` reaches this very server.
  ServerLeases(Loop& loop, client::ApiClient& client, Log& log, ServerLeaseOptions options);
  ~ServerLeases();

  void start();
  // This server ends: the others take it out of the Endpoints with their next renewal. `done` comes in any
  // case, with the answer or without.
  void leave(std::function<void()> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::apiserver
