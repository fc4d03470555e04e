#include "runtime/http/async_client.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "runtime/http/async_connection.hpp"
#include "runtime/http/request_head.hpp"

namespace keelson::http {

using ConnectionPtr = std::shared_ptr<AsyncConnection>;

namespace {

// A call as its client sees it.
class Live {
 public:
  // The connection on which it waits for its answer, and since when in vain; null: it does not wait.
  virtual const AsyncConnection* waits_on() const = 0;
  virtual Instant heard() const = 0;
  // Its server is not reached any more.
  virtual void server_lost() = 0;

 protected:
  ~Live() = default;
};

}  // namespace

struct AsyncClient::Impl : std::enable_shared_from_this<AsyncClient::Impl> {
  Impl(runtime::AsioLoop& loop_in, AsyncClientOptions options_in)
      : loop(loop_in), options(std::move(options_in)), watching(loop_in, [this] { look_after(); }) {}

  Status use(const std::vector<std::string>& servers) {
    std::vector<ServerUrl> parsed;
    for (const std::string& server : servers) {
      auto url = parse_server_url(server);
      if (!url) return url.error();
      parsed.push_back(std::move(*url));
    }
    if (parsed.empty()) return {Code::invalid, "no server is named"};
    urls = std::move(parsed);
    current = 0;
    drop_idle();
    keep_looking();
    return {};
  }

  Status use(const std::string& cert_pem, const std::string& key_pem) {
    auto made = make_client_context(
        {options.ca_pem, cert_pem, key_pem, options.insecure_skip_verify});
    if (!made) return made.error();
    tls = std::move(*made);
    drop_idle();
    return {};
  }

  void drop_idle() {
    for (const ConnectionPtr& connection : std::exchange(idle, {})) connection->close();
  }

  ConnectionPtr take_idle() {
    if (idle.empty()) return nullptr;
    ConnectionPtr connection = std::move(idle.back());
    idle.pop_back();
    return connection;
  }

  ConnectionPtr make() {
    return std::make_shared<AsyncConnection>(
        loop, AsyncConnection::Target{urls[current], tls, options.tls_server_name});
  }

  void drop_idle(const std::string& authority) {
    for (const ConnectionPtr& connection : std::exchange(idle, {})) {
      if (connection->target().url.authority == authority) {
        connection->close();
      } else {
        idle.push_back(connection);
      }
    }
  }

  // The next server is tried by whoever comes next.
  void lost(const std::string& authority) {
    if (authority == urls[current].authority) current = (current + 1) % urls.size();
    if (urls.size() < 2) return;
    drop_idle(authority);
    const std::vector<Live*> all(live.begin(), live.end());
    for (Live* one : all) {
      const AsyncConnection* connection = one->waits_on();
      if (connection && connection->target().url.authority == authority) one->server_lost();
    }
  }

  // It answers, but cannot serve, as when it is cut off from its store: whoever comes next tries another.
  void unfit(const std::string& authority) {
    if (urls.size() < 2 || authority != urls[current].authority) return;
    current = (current + 1) % urls.size();
    drop_idle(authority);
  }

  // A host that has lost its power, and a process that stands still, say no word on the connections that
  // they have: those who wait for one would wait long.
  void begin(Live& call) {
    live.insert(&call);
    keep_looking();
  }
  void keep_looking() {
    if (live.empty() || urls.size() < 2 || std::exchange(looking, true)) return;
    watching.arm(options.probe_patience);
  }
  void look_after() {
    looking = false;
    keep_looking();
    for (const Live* one : live) {
      const AsyncConnection* connection = one->waits_on();
      if (!connection || loop.now() - one->heard() < options.silence_max) continue;
      const std::string& authority = connection->target().url.authority;
      if (probes.count(authority) == 0) probe(authority, connection->target());
    }
  }
  void probe(const std::string& authority, const AsyncConnection::Target& target) {
    const auto connection = std::make_shared<AsyncConnection>(loop, target);
    probes[authority] = connection;
    connection->connect(options.probe_patience, [this, authority](Status status) {
      if (!status) return probed(authority, false);
      AsyncConnection& there = *probes.at(authority);
      AsyncConnection::Exchange exchange;
      exchange.text = "GET /livez HTTP/1.1\r\nHost: " + authority + "\r\n\r\n";
      exchange.patience = options.probe_patience;
      exchange.on_head = [](const Response&) { return true; };
      exchange.on_data = [](std::string_view) { return true; };
      // Whatever it answers: it lives.
      exchange.done = [this, authority](Status) {
        probed(authority, probes.at(authority)->got_bytes());
      };
      there.exchange(std::move(exchange));
    });
  }
  void probed(const std::string& authority, bool alive) {
    const auto node = probes.extract(authority);  // the connection, until its function has returned
    node.mapped()->close();
    if (!alive) lost(authority);
  }

  void give_back(const ConnectionPtr& connection) {
    if (!connection->reusable() || idle.size() >= options.idle_max) return connection->close();
    idle.push_back(connection);
    connection->idle(options.keep_idle,
                     [weak = weak_from_this(), raw = connection.get()] {
                       if (const auto self = weak.lock()) self->forget(raw);
                     });
  }

  void forget(const AsyncConnection* connection) {
    const auto it = std::find_if(idle.begin(), idle.end(),
                                 [&](const auto& one) { return one.get() == connection; });
    if (it == idle.end()) return;
    const ConnectionPtr keep = std::move(*it);
    idle.erase(it);
    keep->close();
  }

  runtime::AsioLoop& loop;
  const AsyncClientOptions options;
  std::vector<ServerUrl> urls;
  std::size_t current = 0;
  TlsContext tls;
  std::vector<ConnectionPtr> idle;
  std::set<Live*> live;
  std::map<std::string, ConnectionPtr> probes;  // of servers that are silent
  Timer watching;
  bool looking = false;
  // Of send(), with the calls that they wait for.
  struct Waiting {
    std::shared_ptr<void> user;
    std::unique_ptr<AsyncCall> call;
  };
  std::map<uint64_t, Waiting> waiting;
  uint64_t last_waiting = 0;
};

namespace {

bool idempotent(const std::string& method) { return method == "GET" || method == "HEAD"; }

template <class Impl>
class Call final : public AsyncCall, private Live {
 public:
  Call(std::shared_ptr<Impl> client, Request request, AnswerUser& user)
      : client_(client), loop_(client->loop), request_(std::move(request)), user_(&user) {
    client->begin(*this);
  }
  ~Call() override {
    *alive_ = false;
    if (const auto client = client_.lock()) client->live.erase(this);
    if (connection_) connection_->close();
  }

  void begin() {
    const auto client = client_.lock();
    if (!client) return;
    connection_ = client->take_idle();
    reused_ = connection_ != nullptr;
    if (reused_) return transfer();
    connect(*client, client->urls.size());
  }

 private:
  template <class F>
  auto guard(F f) {
    return [alive = alive_, f = std::move(f)](auto&&... args) {
      if (*alive) f(std::forward<decltype(args)>(args)...);
    };
  }

  void connect(Impl& client, std::size_t attempts) {
    connection_ = client.make();
    reused_ = false;
    connection_->connect(client.options.connect_timeout,
                         guard([this, attempts](Status status) { connected(status, attempts); }));
  }

  void connected(const Status& status, std::size_t attempts) {
    const auto client = client_.lock();
    if (!client) return;
    if (status.ok()) return transfer();
    client->lost(connection_->target().url.authority);
    if (attempts > 1) return connect(*client, attempts - 1);
    connection_ = nullptr;
    finish(status);
  }

  void transfer() {
    const auto client = client_.lock();
    if (!client) return;
    auto text = request_head(connection_->target().url,
                             {client->options.user_agent, client->options.bearer_token}, request_,
                             {});
    if (!text) {
      const auto failed = guard([this, error = text.error()] { finish(error); });
      return loop_.post(failed);
    }
    AsyncConnection::Exchange exchange;
    exchange.text = std::move(*text) + request_.body;
    exchange.bodiless = request_.method == "HEAD";
    exchange.patience = request_.timeout;
    exchange.on_head = [this, alive = alive_](const Response& head) {
      heard_ = loop_.now();
      unfit_ = head.status == 503;
      user_->on_head(head);
      return *alive;
    };
    exchange.on_data = [this, alive = alive_](std::string_view data) {
      heard_ = loop_.now();
      user_->on_data(data);
      return *alive;
    };
    exchange.done = guard([this](Status status) { transferred(status); });
    transferring_ = true;
    heard_ = loop_.now();
    connection_->exchange(std::move(exchange));
  }

  void transferred(const Status& status) {
    const auto client = client_.lock();
    if (!client) return;
    const ConnectionPtr connection = std::exchange(connection_, nullptr);
    transferring_ = false;
    // A kept connection may have been closed by the server just now: what may be sent twice is sent on
    // a new one.
    if (!status && reused_ && !connection->got_bytes() && idempotent(request_.method)) {
      return connect(*client, client->urls.size());
    }
    if (unfit_) client->unfit(connection->target().url.authority);
    if (status.ok() && !unfit_) {
      client->give_back(connection);
    } else if (!connection->got_bytes()) {
      // The others of this server are no better: the next call finds out whether it can be reached.
      client->drop_idle(connection->target().url.authority);
    }
    finish(status);
  }

  const AsyncConnection* waits_on() const override {
    return transferring_ ? connection_.get() : nullptr;
  }
  Instant heard() const override { return heard_; }
  void server_lost() override {
    transferring_ = false;
    std::exchange(connection_, nullptr)->close();
    const auto end = guard([this] { finish({Code::unknown, "the server cannot be reached any more"}); });
    loop_.post(end);
  }

  void finish(Status status) { user_->on_end(std::move(status)); }

  std::weak_ptr<Impl> client_;
  Loop& loop_;
  const Request request_;
  AnswerUser* user_;
  ConnectionPtr connection_;
  bool reused_ = false, transferring_ = false, unfit_ = false;
  Instant heard_{};  // the last byte, or when it was asked
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// Gathers an answer.
class WholeAnswer final : public AnswerUser {
 public:
  explicit WholeAnswer(Callback<void(Result<Response>)> done) : done_(std::move(done)) {}

  void on_head(const Response& head) override { response_ = head; }
  void on_data(std::string_view data) override { response_.body += data; }
  void on_end(Status how) override {
    if (how.ok()) {
      done_(std::move(response_));
    } else {
      done_(how.error());
    }
  }

 private:
  Callback<void(Result<Response>)> done_;
  Response response_;
};

}  // namespace

Result<std::unique_ptr<AsyncClient>> AsyncClient::create(runtime::AsioLoop& loop,
                                                         AsyncClientOptions options) {
  auto impl = std::make_shared<Impl>(loop, std::move(options));
  if (Status status = impl->use(impl->options.servers); !status) return status.error();
  if (Status status = impl->use(impl->options.client_cert_pem, impl->options.client_key_pem); !status) {
    return status.error();
  }
  return std::unique_ptr<AsyncClient>(new AsyncClient(std::move(impl)));
}

AsyncClient::~AsyncClient() {
  impl_->waiting.clear();
  impl_->drop_idle();
  for (const auto& [authority, connection] : std::exchange(impl_->probes, {})) connection->close();
  impl_->watching.disarm();
}

std::unique_ptr<AsyncCall> AsyncClient::start(Request request, AnswerUser& user) {
  auto call = std::make_unique<Call<Impl>>(impl_, std::move(request), user);
  call->begin();
  return call;
}

void AsyncClient::send(Request request, Done<Response> done) {
  const uint64_t number = ++impl_->last_waiting;
  auto answer = std::make_shared<WholeAnswer>(
      [impl = impl_.get(), number, done = std::move(done)](Result<Response> response) mutable {
        const auto keep = impl->waiting.extract(number);  // the call, until it has returned
        done(std::move(response));
      });
  AnswerUser& user = *answer;
  impl_->waiting[number] = {std::move(answer), start(std::move(request), user)};
}

Status AsyncClient::use_certificate(const std::string& cert_pem, const std::string& key_pem) {
  return impl_->use(cert_pem, key_pem);
}

Status AsyncClient::use_servers(const std::vector<std::string>& servers) {
  return impl_->use(servers);
}

}  // namespace keelson::http
