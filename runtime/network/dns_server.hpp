// The cluster's DNS server of one node, on UDP and TCP: answers for the cluster's domain from the
// service rules, and asks the host's own servers about everything else.
//
//   DnsServer dns(loop, log, rules, rng, {.address = "10.96.0.10", .own_address = true});
//   if (Status started = dns.start(); !started.ok()) ...
//
// Every node serves its own pods at the same address, which it holds on its loopback interface: no
// single point of failure, no hop to another node, nothing to schedule before names work.
//
// No pod can end the service for its node: each address has a share of the connections and of the
// questions that wait for other servers, and what is full gives way at the cost of who has most.
//
// On the core thread. Sources: RFC 1035, 2308 (negative answers), 2782 (SRV), 6891 (EDNS), 7766 (TCP).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/log.hpp"
#include "core/base/result.hpp"
#include "core/base/rng.hpp"
#include "core/proxy/dns.hpp"
#include "runtime/loop/asio_loop.hpp"

namespace keelson::network {

struct DnsServerOptions {
  std::string address = "10.96.0.10";  // IPv4 or IPv6
  uint16_t port = 53;                  // 0: any, see port()
  // Gives `address` to the loopback interface. Needs CAP_NET_ADMIN.
  bool own_address = false;
  std::string domain = "cluster.local";
  // "IP" or "IP#PORT", in the order in which they are asked. Empty: those of resolv_conf.
  std::vector<std::string> upstreams;
  std::string resolv_conf = "/etc/resolv.conf";
  // An upstream that has not answered by then: the next one is asked, all of them twice.
  Duration upstream_timeout = 2s;
};

struct DnsCounters {
  uint64_t queries = 0, answered = 0, forwarded = 0, failed = 0, dropped = 0;
};

class DnsServer {
 public:
  // `rules` and `log` must outlive this.
  DnsServer(runtime::AsioLoop& loop, Log& log, proxy::ServiceRules& rules, Rng rng,
            DnsServerOptions options);
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  // Error: the address cannot be had, or somebody else serves it. May be called again after an error.
  Status start();
  // Says whether the rules are complete (proxier.synced()): until then names of the cluster get
  // SERVFAIL rather than a denial that clients remember. Without it they count as complete.
  void set_synced(std::function<bool()> synced);
  // Takes the address off the loopback interface. For reset; the destructor leaves it.
  Status erase();

  uint16_t port() const;
  const DnsCounters& counters() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace keelson::network
