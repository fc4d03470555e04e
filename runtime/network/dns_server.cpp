#include "runtime/network/dns_server.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <array>
#include <optional>

#include "runtime/network/dns_forwarder.hpp"
#include "runtime/network/dns_message.hpp"
#include "runtime/network/fair_table.hpp"
#include "runtime/network/links.hpp"

namespace keelson::network {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;
using proxy::DnsRecord;

// Of all askers, and of one: beyond that, the oldest connection makes place.
constexpr FairLimits kConnections{.size = 256, .share = 32};
constexpr Duration kIdle = 10s;  // RFC 7766 asks for "a few seconds"
constexpr int kAliasesMax = 8;
// Larger answers than this go by TCP, whatever the asker would take (DNS flag day 2020).
constexpr std::size_t kUdpAnswerMax = 1232;

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

bool within(const std::string& name, const std::string& zone) {
  return name == zone || name.ends_with("." + zone);
}

std::optional<DnsRecord::Type> record_type(uint16_t type) {
  switch (type) {
    case dns_type::a: return DnsRecord::Type::a;
    case dns_type::aaaa: return DnsRecord::Type::aaaa;
    case dns_type::srv: return DnsRecord::Type::srv;
    case dns_type::cname: return DnsRecord::Type::cname;
    case dns_type::ptr: return DnsRecord::Type::ptr;
    default: return {};
  }
}

using Send = Callback<void(std::string)>;

// Port 0 gives UDP any free one, which another program may have for TCP: then others are tried.
constexpr int kAnyPortTries = 32;

}  // namespace

struct DnsServer::Impl : std::enable_shared_from_this<Impl> {
  struct Connection;
  struct Asker {
    asio::ip::address address;
    bool by_tcp = false;
  };

  Impl(runtime::AsioLoop& l, Log& lg, proxy::ServiceRules& rules, Rng r, DnsServerOptions o)
      : loop(l),
        log(lg),
        options(std::move(o)),
        names(rules, options.domain),
        rng(std::move(r)),
        datagrams(l.context()),
        acceptor(l.context()) {
    options.domain = lower(options.domain);
  }

  Status open();
  error_code bind(const asio::ip::address& address);
  void receive();
  void accept();
  void serve(tcp::socket socket, const asio::ip::address& peer);
  void close();
  void handle(std::string message, const Asker& asker, Send send);
  void answer_own(const DnsQuestion& question, std::string message, const Asker& asker, Send send);
  void forward(const DnsQuestion& question, std::string message, const Asker& asker, Send send);
  void follow_alias(std::shared_ptr<DnsReply> reply, const DnsQuestion& question,
                    std::string message, const Asker& asker, Send send, int left);
  void reply_with(const DnsQuestion& question, const std::string& message, DnsReply reply,
                  const Asker& asker, Send& send) {
    ++counters.answered;
    send(write_reply(question, message, reply,
                     asker.by_tcp ? 65535 : std::min<std::size_t>(question.udp_size, kUdpAnswerMax)));
  }
  void refuse(const DnsQuestion& question, const std::string& message, DnsCode code, Send& send) {
    ++counters.failed;
    DnsReply reply;
    reply.code = code;
    reply.authoritative = false;
    send(write_reply(question, message, reply, 512));
  }

  runtime::AsioLoop& loop;
  Log& log;
  DnsServerOptions options;
  proxy::ClusterDns names;
  Rng rng;
  udp::socket datagrams;
  tcp::acceptor acceptor;
  std::optional<DnsForwarder> forwarder;
  std::function<bool()> synced;
  DnsCounters counters;
  std::string buffer = std::string(65535, '\0');
  udp::endpoint asker;
  FairTable<asio::ip::address, std::shared_ptr<Connection>> connections{kConnections};
  bool closed = false;
};

// --- What is answered ----------------------------------------------------------------------------

void DnsServer::Impl::handle(std::string message, const Asker& asker, Send send) {
  // A question may have been read already when the server was closed; the rules may be gone by now.
  if (closed) return;
  ++counters.queries;
  const std::optional<ParsedQuestion> parsed = parse_question(message);
  if (!parsed || parsed->question.is_answer) {
    ++counters.dropped;
    return;
  }
  const DnsQuestion& question = parsed->question;
  if (question.opcode != 0) return refuse(question, message, DnsCode::unimplemented, send);
  if (!parsed->valid) return refuse(question, message, DnsCode::malformed, send);
  // 251 and up but for ANY: transfers of zones.
  if (question.class_ != 1 || (question.type > 250 && question.type < dns_type::any)) {
    return refuse(question, message, DnsCode::refused, send);
  }
  if (within(lower(question.name), options.domain)) {
    return answer_own(question, std::move(message), asker, std::move(send));
  }
  if (question.type == dns_type::ptr) {
    // Only addresses of services are known here; others may be known elsewhere.
    proxy::DnsAnswer found = names.resolve(question.name, DnsRecord::Type::ptr);
    if (found.exists) {
      DnsReply reply;
      reply.records = std::move(found.records);
      return reply_with(question, message, std::move(reply), asker, send);
    }
  }
  forward(question, std::move(message), asker, std::move(send));
}

void DnsServer::Impl::answer_own(const DnsQuestion& question, std::string message, const Asker& asker,
                                 Send send) {
  if (synced && !synced()) return refuse(question, message, DnsCode::failed, send);
  const std::string name = lower(question.name);
  const auto type = record_type(question.type == dns_type::any ? uint16_t{dns_type::a} : question.type);
  proxy::DnsAnswer found = names.resolve(name, type.value_or(DnsRecord::Type::a));
  if (!type) {
    std::erase_if(found.records, [](const DnsRecord& r) { return r.type != DnsRecord::Type::cname; });
  }
  auto reply = std::make_shared<DnsReply>();
  reply->records = std::move(found.records);
  reply->soa_zone = options.domain + ".";
  // The names above services exist, too: a resolver that asks for each label must not give up there.
  const bool above = name == options.domain || name == "svc." + options.domain;
  if (!found.exists && !above) reply->code = DnsCode::no_name;
  const bool alias = !reply->records.empty() && reply->records.front().type == DnsRecord::Type::cname;
  if (alias && question.type != dns_type::cname) {
    return follow_alias(reply, question, std::move(message), asker, std::move(send), kAliasesMax);
  }
  // All askers should not hit the same one: those who take the first record share the load.
  for (std::size_t i = reply->records.size(); i > 1; --i) {
    std::swap(reply->records[i - 1], reply->records[rng.below(i)]);
  }
  reply_with(question, message, std::move(*reply), asker, send);
}

// Resolvers in containers do not follow aliases by themselves.
void DnsServer::Impl::follow_alias(std::shared_ptr<DnsReply> reply, const DnsQuestion& question,
                                   std::string message, const Asker& asker, Send send, int left) {
  std::string target = lower(reply->records.back().value);
  if (target.ends_with('.')) target.pop_back();
  const auto type = record_type(question.type);
  if (left == 0 || !type) return reply_with(question, message, std::move(*reply), asker, send);
  if (within(target, options.domain)) {
    for (DnsRecord& record : names.resolve(target, *type).records) reply->records.push_back(record);
    if (reply->records.back().type != DnsRecord::Type::cname) {
      return reply_with(question, message, std::move(*reply), asker, send);
    }
    return follow_alias(reply, question, std::move(message), asker, std::move(send), left - 1);
  }
  if (!forwarder) return reply_with(question, message, std::move(*reply), asker, send);
  forwarder->ask(asker.address, write_question(0, target, question.type), false,
                 [self = shared_from_this(), reply, question, message = std::move(message), asker,
                  send = std::move(send)](std::string answer) mutable {
                   for (DnsRecord& record : parse_answer(answer)) {
                     reply->records.push_back(std::move(record));
                   }
                   self->reply_with(question, message, std::move(*reply), asker, send);
                 });
}

void DnsServer::Impl::forward(const DnsQuestion& question, std::string message, const Asker& asker,
                              Send send) {
  if (!forwarder) return refuse(question, message, DnsCode::failed, send);
  ++counters.forwarded;
  forwarder->ask(asker.address, message, asker.by_tcp,
                 [self = shared_from_this(), question, message,
                  send = std::move(send)](std::string answer) mutable {
                   if (answer.empty()) {
                     return self->refuse(question, message, DnsCode::failed, send);
                   }
                   send(std::move(answer));
                 });
}

// --- How it comes and goes -----------------------------------------------------------------------

struct DnsServer::Impl::Connection : std::enable_shared_from_this<Connection> {
  Connection(std::weak_ptr<Impl> s, tcp::socket k, asio::ip::address p, Loop& loop)
      : server(std::move(s)),
        socket(std::move(k)),
        peer(std::move(p)),
        idle(loop, [this] { end(); }) {}

  void end() {
    if (!idle) return;
    const auto self = shared_from_this();  // the table's may be the last
    error_code ignored;
    socket.close(ignored);
    // Handlers that are still under way keep this object, perhaps beyond the loop's timers.
    idle = Timer();
    if (const auto alive = server.lock()) alive->connections.remove(place);
  }
  void read() {
    if (!idle) return;
    idle.arm(kIdle);
    asio::async_read(socket, asio::buffer(length),
                     [self = shared_from_this()](error_code error, std::size_t) {
                       if (error) return self->end();
                       const std::size_t size =
                           static_cast<std::size_t>(self->length[0]) << 8 | self->length[1];
                       self->message.resize(size);
                       self->read_message();
                     });
  }
  void read_message() {
    asio::async_read(socket, asio::buffer(message),
                     [self = shared_from_this()](error_code error, std::size_t) {
                       const auto alive = self->server.lock();
                       if (error || !alive) return self->end();
                       alive->handle(self->message, {self->peer, true}, [self](std::string answer) {
                         self->write(std::move(answer));
                       });
                     });
  }
  // One question at a time; the next is read when this one is answered.
  void write(std::string answer) {
    if (!idle) return;
    idle.arm(kIdle);
    out.assign(1, static_cast<char>(answer.size() >> 8));
    out += static_cast<char>(answer.size() & 0xff);
    out += answer;
    asio::async_write(socket, asio::buffer(out),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        if (error) return self->end();
                        self->read();
                      });
  }

  std::weak_ptr<Impl> server;
  tcp::socket socket;
  const asio::ip::address peer;
  decltype(Impl::connections)::Place place;  // until end()
  std::array<uint8_t, 2> length{};
  std::string message, out;
  Timer idle;
};

// Both, or neither.
error_code DnsServer::Impl::bind(const asio::ip::address& address) {
  error_code error;
  datagrams.open(udp::endpoint(address, 0).protocol(), error);
  if (!error) datagrams.bind({address, options.port}, error);
  // With port 0, TCP takes the one that UDP has got.
  const uint16_t port = error ? options.port : datagrams.local_endpoint().port();
  if (!error) acceptor.open(tcp::endpoint(address, 0).protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind({address, port}, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    error_code ignored;
    datagrams.close(ignored);
    acceptor.close(ignored);
  }
  return error;
}

Status DnsServer::Impl::open() {
  std::vector<Upstream> upstreams;
  for (const std::string& text : options.upstreams) {
    Result<Upstream> upstream = parse_upstream(text);
    if (!upstream.ok()) return upstream.error();
    upstreams.push_back(std::move(*upstream));
  }
  if (options.own_address) {
    if (Status owned = add_loopback_address(options.address); !owned.ok()) return owned;
  }
  error_code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error) return {Code::invalid, "not an address: " + options.address};
  int tries = options.port == 0 ? kAnyPortTries : 1;
  do {
    error = bind(address);
  } while (error == asio::error::address_in_use && --tries > 0);
  if (error) {
    return {Code::unavailable, "DNS on " + options.address + " port " +
                                   std::to_string(options.port) + ": " + error.message()};
  }
  if (options.upstreams.empty()) {
    upstreams = read_resolv_conf(options.resolv_conf, options.address);
  }
  if (upstreams.empty()) {
    log.warning("dns_without_upstreams", {{"file", options.resolv_conf}});
  } else {
    forwarder.emplace(loop, rng.fork("dns"), std::move(upstreams), options.upstream_timeout);
  }
  receive();
  accept();
  return {};
}

void DnsServer::Impl::receive() {
  datagrams.async_receive_from(
      asio::buffer(buffer), asker,
      [self = shared_from_this()](error_code error, std::size_t size) {
        if (self->closed) return;
        // An error belongs to an earlier answer that somebody refused to take.
        if (!error) {
          self->handle(self->buffer.substr(0, size), {self->asker.address()},
                       [self, to = self->asker](std::string answer) {
                         error_code ignored;
                         if (!self->closed) self->datagrams.send_to(asio::buffer(answer), to, 0, ignored);
                       });
        }
        self->receive();
      });
}

void DnsServer::Impl::accept() {
  acceptor.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
    if (self->closed) return;
    error_code gone;
    const asio::ip::address peer = error ? asio::ip::address() : socket.remote_endpoint(gone).address();
    if (!error && !gone) self->serve(std::move(socket), peer);
    self->accept();
  });
}

void DnsServer::Impl::serve(tcp::socket socket, const asio::ip::address& peer) {
  if (!connections.may_add(peer)) connections.oldest_of(peer)->end();
  while (connections.full()) connections.greediest()->end();
  const auto connection =
      std::make_shared<Connection>(weak_from_this(), std::move(socket), peer, loop);
  connection->place = connections.add(peer, connection);
  connection->read();
}

void DnsServer::Impl::close() {
  closed = true;
  forwarder.reset();
  error_code ignored;
  datagrams.close(ignored);
  acceptor.close(ignored);
  while (connections.size() > 0) connections.greediest()->end();
}

DnsServer::DnsServer(runtime::AsioLoop& loop, Log& log, proxy::ServiceRules& rules, Rng rng,
                     DnsServerOptions options)
    : impl_(std::make_shared<Impl>(loop, log, rules, std::move(rng), std::move(options))) {}

DnsServer::~DnsServer() { impl_->close(); }

Status DnsServer::start() { return impl_->open(); }

void DnsServer::set_synced(std::function<bool()> synced) { impl_->synced = std::move(synced); }

Status DnsServer::erase() {
  impl_->close();
  return impl_->options.own_address ? remove_loopback_address(impl_->options.address) : Status();
}

uint16_t DnsServer::port() const {
  error_code ignored;
  return impl_->datagrams.local_endpoint(ignored).port();
}

const DnsCounters& DnsServer::counters() const { return impl_->counters; }

}  // namespace keelson::network
