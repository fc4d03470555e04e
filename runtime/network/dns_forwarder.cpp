#include "runtime/network/dns_forwarder.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <fstream>
#include <sstream>

#include "core/api/ip_range.hpp"
#include "runtime/network/dns_message.hpp"

namespace keelson::network {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kRounds = 2;

}  // namespace

Result<Upstream> parse_upstream(std::string_view text) {
  Upstream upstream;
  const std::size_t mark = text.find('#');
  upstream.ip = text.substr(0, mark);
  api::IpBytes bytes;
  unsigned port = 53;
  if (mark != text.npos) {
    port = 0;
    for (const char c : text.substr(mark + 1)) {
      port = c >= '0' && c <= '9' && port < 65536 ? port * 10 + static_cast<unsigned>(c - '0') : 65536;
    }
  }
  if (api::parse_ip(upstream.ip, bytes) == 0 || port == 0 || port > 65535) {
    return Error{Code::invalid, "no DNS server: " + std::string(text) + " (wanted: IP or IP#PORT)"};
  }
  upstream.port = static_cast<uint16_t>(port);
  return upstream;
}

std::vector<Upstream> read_resolv_conf(const std::string& path, const std::string& skip) {
  std::vector<Upstream> result;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line) && result.size() < 8;) {
    std::istringstream words(line);
    std::string keyword, value;
    if (!(words >> keyword >> value) || keyword != "nameserver" || value == skip) continue;
    // fe80::1%eth0: the scope is not kept, such servers are left out.
    if (Result<Upstream> upstream = parse_upstream(value); upstream.ok()) result.push_back(*upstream);
  }
  return result;
}

struct DnsForwarder::Attempt : std::enable_shared_from_this<Attempt> {
  explicit Attempt(asio::io_context& context) : udp(context), tcp(context) {}
  std::string question;  // with the id of this attempt
  std::array<char, 2> asker_id{};
  bool by_tcp = false, done = false;
  std::size_t tries = 0;
  uint64_t round = 0;  // what still comes for an earlier try is not for us
  asio::ip::udp::socket udp;
  asio::ip::udp::endpoint to, from;
  asio::ip::tcp::socket tcp;
  std::string buffer, length;
  Callback<void(std::string)> callback;
  Timer timer;
  Asked::Place place;
};

DnsForwarder::DnsForwarder(runtime::AsioLoop& loop, Rng rng, std::vector<Upstream> upstreams,
                           Duration timeout)
    : loop_(loop), rng_(std::move(rng)), upstreams_(std::move(upstreams)), timeout_(timeout) {}

DnsForwarder::~DnsForwarder() {
  asked_.each([](const std::shared_ptr<Attempt>& attempt) {
    attempt->done = true;
    error_code ignored;
    attempt->udp.close(ignored);
    attempt->tcp.close(ignored);
    attempt->timer = Timer();
  });
}

void DnsForwarder::ask(const Asker& asker, std::string question, bool tcp,
                       Callback<void(std::string)> done) {
  if (!asked_.may_add(asker)) {
    // The new ones and not the old: who asks faster than answers come gets as many as fit.
    loop_.post([alive = std::weak_ptr<char>(life_), done = std::move(done)]() mutable {
      if (!alive.expired()) done("");
    });
    return;
  }
  while (asked_.full()) finish(asked_.greediest(), "");
  const auto attempt = std::make_shared<Attempt>(loop_.context());
  attempt->place = asked_.add(asker, attempt);
  attempt->by_tcp = tcp;
  attempt->question = std::move(question);
  attempt->callback = std::move(done);
  std::copy_n(attempt->question.begin(), 2, attempt->asker_id.begin());
  attempt->timer = Timer(loop_, [this, attempt = attempt.get()] {
    next(attempt->shared_from_this());
  });
  attempt->timer.arm(Duration::zero());
}

void DnsForwarder::next(const std::shared_ptr<Attempt>& attempt) {
  error_code ignored;
  attempt->udp.close(ignored);
  attempt->tcp.close(ignored);
  ++attempt->round;
  if (attempt->tries >= upstreams_.size() * kRounds) return finish(attempt, "");
  const Upstream& upstream = upstreams_[attempt->tries++ % upstreams_.size()];
  const auto address = asio::ip::make_address(upstream.ip, ignored);
  attempt->to = {address, upstream.port};
  const auto id = static_cast<uint16_t>(rng_.below(65536));
  attempt->question[0] = static_cast<char>(id >> 8);
  attempt->question[1] = static_cast<char>(id & 0xff);
  attempt->timer.arm(timeout_);
  if (attempt->by_tcp) {
    ask_tcp(attempt);
  } else {
    ask_udp(attempt);
  }
}

void DnsForwarder::finish(const std::shared_ptr<Attempt>& attempt, std::string answer) {
  if (attempt->done) return;
  attempt->done = true;
  error_code ignored;
  attempt->udp.close(ignored);
  attempt->tcp.close(ignored);
  const std::shared_ptr<Attempt> alive = attempt;
  // Handlers that are still under way keep the attempt, perhaps beyond the loop's timers.
  alive->timer = Timer();
  asked_.remove(alive->place);
  if (!answer.empty()) std::copy(alive->asker_id.begin(), alive->asker_id.end(), answer.begin());
  alive->callback(std::move(answer));
}

bool DnsForwarder::fits(const Attempt& attempt, std::string_view answer) const {
  if (response_code(answer) < 0 || answer.substr(0, 2) != attempt.question.substr(0, 2)) return false;
  const auto asked = parse_question(attempt.question), told = parse_question(answer);
  // An answer without its question comes from servers that did not understand it.
  if (!told->valid) return true;
  const auto same = [](char a, char b) { return a == b || ((a ^ b) == 0x20 && (a | 0x20) >= 'a'); };
  const std::string &a = asked->question.name, &b = told->question.name;
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same) &&
         asked->question.type == told->question.type;
}

void DnsForwarder::ask_udp(const std::shared_ptr<Attempt>& attempt) {
  error_code error;
  attempt->udp.open(attempt->to.protocol(), error);
  // Connected: only the upstream's answers come in, and a refusal is heard at once.
  if (!error) attempt->udp.connect(attempt->to, error);
  if (!error) attempt->udp.send(asio::buffer(attempt->question), 0, error);
  if (error) {
    attempt->timer.arm(Duration::zero());
    return;
  }
  attempt->buffer.resize(65535);
  listen_udp(attempt, attempt->round);
}

void DnsForwarder::listen_udp(const std::shared_ptr<Attempt>& attempt, uint64_t round) {
  attempt->udp.async_receive(
      asio::buffer(attempt->buffer), [this, attempt, round](error_code error, std::size_t size) {
        if (attempt->done || attempt->round != round) return;
        if (error) {
          attempt->timer.arm(Duration::zero());
          return;
        }
        const std::string_view answer(attempt->buffer.data(), size);
        if (!fits(*attempt, answer)) return listen_udp(attempt, round);
        finish(attempt, std::string(answer));
      });
}

void DnsForwarder::ask_tcp(const std::shared_ptr<Attempt>& attempt) {
  const uint64_t round = attempt->round;
  const auto failed = [attempt, round](error_code error) {
    if (attempt->done || attempt->round != round) return true;
    if (error) attempt->timer.arm(Duration::zero());
    return bool{error};
  };
  attempt->buffer.clear();
  attempt->buffer += static_cast<char>(attempt->question.size() >> 8);
  attempt->buffer += static_cast<char>(attempt->question.size() & 0xff);
  attempt->buffer += attempt->question;
  attempt->tcp.async_connect({attempt->to.address(), attempt->to.port()},
                             [this, attempt, failed](error_code error) {
    if (failed(error)) return;
    asio::async_write(attempt->tcp, asio::buffer(attempt->buffer),
                      [this, attempt, failed](error_code error, std::size_t) {
      if (failed(error)) return;
      attempt->length.resize(2);
      asio::async_read(attempt->tcp, asio::buffer(attempt->length),
                       [this, attempt, failed](error_code error, std::size_t) {
        if (failed(error)) return;
        attempt->buffer.resize(static_cast<std::size_t>(static_cast<uint8_t>(attempt->length[0])) << 8 |
                               static_cast<uint8_t>(attempt->length[1]));
        asio::async_read(attempt->tcp, asio::buffer(attempt->buffer),
                         [this, attempt, failed](error_code error, std::size_t) {
          if (failed(error)) return;
          if (!fits(*attempt, attempt->buffer)) {
            attempt->timer.arm(Duration::zero());
          } else {
            finish(attempt, attempt->buffer);
          }
        });
      });
    });
  });
}

}  // namespace keelson::network
