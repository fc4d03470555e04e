// What can be chosen when an API server is made. The defaults are Kubernetes' own unless a comment
// says otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/time.hpp"

namespace keelson::apiserver {

struct ApiServerOptions {
  std::string identity;  // of this server, in histories and logs: "apiserver-0"

  // Be no stronger than Kubernetes: binding does not check the node's room.
  bool kubernetes_profile = false;

  // Create the default roles and their bindings: for clusters in which access is controlled.
  bool bootstrap_rbac = false;

  // About once a minute in Kubernetes. Each costs a message per watch: three per node.
  Duration bookmark_period = 30s;
  // This often the store is asked whether the server's own watch of it is up to date.
  Duration probe_period = 10s;
  // History is kept at least this long for watches that resume (etcd's default compaction
  // interval).
  Duration history_window = 5min;
  Duration compaction_period = 30s;
  // Changes kept in memory, whatever their age: each keeps two versions of an object alive. What
  // was dropped earlier than the store drops it is fetched from there for a watch that resumes.
  std::size_t history_events_max = 100'000;
  // Events that a blocked watcher may have waiting before it is dropped.
  std::size_t watch_buffer_max = 10'000;
  // A read that asks for a revision that is not here yet waits this long.
  Duration read_wait = 3s;
  // How long a write whose outcome the store did not tell is looked for before the caller is told
  // so.
  Duration resolve_wait = 10s;
  int conflict_retries = 5;

  // The certificate of the cluster's CA, as PEM. With one, each namespace gets the ConfigMap
  // kube-root-ca.crt, and pods mount it beside a token of their service account (KEP-1205, KEP-2799).
  std::string root_ca;

  // Where this server is reached, for the Endpoints of default/kubernetes. Empty: there are none.
  std::string advertise_address;
  int advertise_port = 6443;

  // The first address of the range belongs to default/kubernetes.
  std::string service_network = "10.96.0.0";
  int service_prefix = 16;
  int node_port_first = 30000;
  int node_port_last = 32767;

  int64_t default_toleration_seconds = 300;

  Duration event_ttl = 1h;
  // The oldest Events go earlier when there are more than this many.
  std::size_t events_max = 50'000;
};

}  // namespace keelson::apiserver
