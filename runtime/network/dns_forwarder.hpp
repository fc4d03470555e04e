// Asks other servers what this one does not know: each question goes to the upstreams in turn until
// one answers. Answers are passed on as they are, but for their id.
//
// Each question has a socket, and so a source port, and an id of its own, both unpredictable: guessing
// them is what forging an answer takes (RFC 5452).
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/callback.hpp"
#include "core/base/loop.hpp"
#include "core/base/result.hpp"
#include "core/base/rng.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/network/fair_table.hpp"

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
  using Asker = boost::asio::ip::address;

  DnsForwarder(runtime::AsioLoop& loop, Rng rng, std::vector<Upstream> upstreams, Duration timeout);
  ~DnsForwarder();
  DnsForwarder(const DnsForwarder&) = delete;
  DnsForwarder& operator=(const DnsForwarder&) = delete;

  // `done` gets the answer, with the question's own id; empty: nobody answered. Called once, not from
  // inside; never after the forwarder has gone. `tcp`: the asker came by TCP, which means that the
  // whole answer is wanted. `asker`: who may have kShare questions at a time, more get an empty answer;
  // when kPendingMax are under way, the oldest of who has most is given up for a new one.
  void ask(const Asker& asker, std::string question, bool tcp, Callback<void(std::string)> done);
  std::size_t pending() const { return asked_.size(); }

  // Each question holds a socket. A pod that asks what nobody answers must not take them all: that would
  // end names from outside for its whole node.
  static constexpr std::size_t kPendingMax = 1024, kShare = 256;

 private:
  struct Attempt;
  using Asked = FairTable<Asker, std::shared_ptr<Attempt>>;
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
  Asked asked_{{.size = kPendingMax, .share = kShare}};
  std::shared_ptr<char> life_ = std::make_shared<char>();
};

}  // namespace keelson::network
