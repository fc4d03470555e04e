// Asks other servers what this one does not know: each question goes to the upstreams in turn until
// one answers. Answers are passed on as they are, but for their id.
//
// Each question has a socket, and so a source port, and an id of its own, both unpredictable: guessing
// them is what forging an answer takes (RFC 5452).
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/callback.hpp"
#include "core/base/loop.hpp"
#include "core/base/result.hpp"
#include "core/base/rng.hpp"
#include "runtime/loop/asio_loop.hpp"

namespace keelson::network {

struct Upstream {
  std::string ip;
  uint16_t port = 53;
};
// "10.0.0.2", "10.0.0.2#5353", "fd00::2". Error: neither.
Result<Upstream> parse_upstream(std::string_view text);
// The nameservers of a resolv.conf, in order; without those in `skip` (one must not ask oneself).
std::vector<Upstream> read_resolv_conf(const std::string& path, const std::string& skip);

class DnsForwarder {
 public:
  DnsForwarder(runtime::AsioLoop& loop, Rng rng, std::vector<Upstream> upstreams, Duration timeout);
  ~DnsForwarder();
  DnsForwarder(const DnsForwarder&) = delete;
  DnsForwarder& operator=(const DnsForwarder&) = delete;

  // `done` gets the answer, with the question's own id; empty: nobody answered. Called once, not from
  // inside; never after the forwarder has gone. `tcp`: the asker came by TCP, which means that the
  // whole answer is wanted. Too many at a time: empty at once.
  void ask(std::string question, bool tcp, Callback<void(std::string)> done);
  std::size_t pending() const { return asked_.size(); }

 private:
  struct Attempt;
  void next(const std::shared_ptr<Attempt>& attempt);
  void finish(const std::shared_ptr<Attempt>& attempt, std::string answer);
  void ask_udp(const std::shared_ptr<Attempt>& attempt);
  void ask_tcp(const std::shared_ptr<Attempt>& attempt);
  void listen_udp(const std::shared_ptr<Attempt>& attempt, uint64_t round);
  bool fits(const Attempt& attempt, std::string_view answer) const;

  runtime::AsioLoop& loop_;
  Rng rng_;
  std::vector<Upstream> upstreams_;
  Duration timeout_;
  std::list<std::shared_ptr<Attempt>> asked_;
};

}  // namespace keelson::network
