#include "runtime/http/server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>

#include "runtime/http/listener.hpp"
#include "runtime/http/response.hpp"
#include "runtime/http/shard.hpp"
#include "runtime/loop/entropy.hpp"

namespace keelson::http {
namespace asio = boost::asio;

namespace {

constexpr int kAcceptsPerTurn = 64;
// Out of file descriptors: accepting again at once would spin.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

// Changes whenever one of the files does.
std::string fingerprint(const ServerTls& files) {
  std::string all;
  for (const std::string& path : {files.cert_file, files.key_file, files.client_ca_file}) {
    struct stat info{};
    if (path.empty() || ::stat(path.c_str(), &info) != 0) continue;
    all += std::to_string(info.st_ino) + "." + std::to_string(info.st_size) + "." +
           std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec) + " ";
  }
  return all;
}

// Said as far as it fits into the socket's buffer; nobody waits for it.
void turn_away(int fd) {
  const std::string body = failure_status(503, "too many connections, please try again later");
  const std::vector<rest::Header> headers = {{"Content-Type", "application/json"},
                                             {"Retry-After", "1"}};
  ResponseHead head;
  head.status = 503;
  head.headers = &headers;
  head.content_length = body.size();
  head.close = true;
  const std::string all = response_head(head) + body;
  static_cast<void>(::send(fd, all.data(), all.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

}  // namespace

struct HttpServer::Impl {
  SharedState shared;
  Listener listener;
  std::vector<std::unique_ptr<Shard>> shards;
  // On the first shard's thread.
  std::unique_ptr<asio::posix::stream_descriptor> acceptor;
  std::unique_ptr<asio::steady_timer> pause;
  std::unique_ptr<asio::steady_timer> reload_timer;
  std::size_t next_shard = 0;
  std::string loaded;  // fingerprint of the certificates in use
  std::atomic<std::size_t> draining{0};  // shards that are not empty yet
  Callback<void()> drained;

  asio::io_context& context() { return shards.front()->context(); }

  Status load_certificates() {
    if (!shared.options.tls) return {};
    std::string seen = fingerprint(*shared.options.tls);
    auto made = make_server_context(*shared.options.tls);
    if (!made) return made.error();
    const std::lock_guard lock(shared.tls_mutex);
    shared.tls_context = std::move(made).value();
    loaded = std::move(seen);
    return {};
  }

  void watch_certificates() {
    if (!shared.options.tls || shared.options.tls_reload <= Duration::zero()) return;
    reload_timer->expires_after(shared.options.tls_reload);
    reload_timer->async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      bool changed = false;
      {
        const std::lock_guard lock(shared.tls_mutex);
        changed = fingerprint(*shared.options.tls) != loaded;
      }
      if (changed) {
        // Half-written files fail to load and are tried again.
        if (const Status status = load_certificates(); !status) {
          shared.log->warning("certificates not reloaded", {{"why", status.message()}});
        } else {
          shared.log->info("certificates reloaded");
        }
      }
      watch_certificates();
    });
  }

  void arm_accept() {
    acceptor->async_wait(asio::posix::stream_descriptor::wait_read,
                         [this](const boost::system::error_code& error) {
                           if (!error) accept_some();
                         });
  }

  void accept_some() {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      Accepted accepted = accept_one(listener.fd);
      if (accepted.fd < 0) {
        if (accepted.error == ECONNABORTED || accepted.error == EINTR) continue;
        if (accepted.error == EAGAIN) break;
        shared.log->warning("accept failed", {{"why", std::strerror(accepted.error)}});
        pause->expires_after(kAcceptPause);
        pause->async_wait([this](const boost::system::error_code& error) {
          if (!error) accept_some();
        });
        return;
      }
      ++shared.count.accepted;
      if (++shared.count.connections > shared.options.limits.connections) {
        --shared.count.connections;
        ++shared.count.refused_connections;
        if (!shared.options.tls) turn_away(accepted.fd);
        ::close(accepted.fd);
        continue;
      }
      shards[next_shard]->adopt(accepted.fd, std::move(accepted.peer));
      next_shard = (next_shard + 1) % shards.size();
    }
    arm_accept();
  }

  void stop_accepting() {
    boost::system::error_code ignored;
    acceptor->close(ignored);
    pause->cancel();
  }
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<HttpServer>> HttpServer::start(ServerOptions options,
                                                      rest::Handler& handler,
                                                      PostToCore post_to_core, Log& log) {
  auto impl = std::make_unique<Impl>();
  impl->shared.options = std::move(options);
  impl->shared.handler = &handler;
  impl->shared.post_to_core = std::move(post_to_core);
  impl->shared.log = &log;
  const ServerOptions& set = impl->shared.options;
  if (Status status = impl->shared.access_log.open(set.access_log); !status) return status.error();
  if (Status status = impl->load_certificates(); !status) return status.error();
  auto listener = listen_on(set.address, set.port);
  if (!listener) return listener.error();
  impl->listener = *listener;
  for (int i = 0; i < std::max(1, set.io_threads); ++i) {
    impl->shards.push_back(std::make_unique<Shard>(impl->shared, runtime::entropy_seed()));
  }
  asio::io_context& context = impl->context();
  impl->acceptor = std::make_unique<asio::posix::stream_descriptor>(context, impl->listener.fd);
  impl->pause = std::make_unique<asio::steady_timer>(context);
  impl->reload_timer = std::make_unique<asio::steady_timer>(context);
  impl->arm_accept();
  impl->watch_certificates();
  for (const auto& shard : impl->shards) shard->start();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::~HttpServer() {
  // The first shard's thread accepts for the others, so it ends first.
  for (const auto& shard : impl_->shards) shard->stop();
  impl_->shared.labour.stop();
  impl_->shared.labour.join();
  impl_->stop_accepting();
  impl_->reload_timer->cancel();
}

uint16_t HttpServer::port() const { return impl_->listener.port; }

std::string HttpServer::url() const {
  const ServerOptions& options = impl_->shared.options;
  std::string host = options.address;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return (options.tls ? "https://" : "http://") + host + ":" + std::to_string(port());
}

void HttpServer::drain(Duration bound, Callback<void()> done) {
  Impl* impl = impl_.get();
  impl->draining = impl->shards.size();
  impl->drained = std::move(done);
  asio::post(impl->context(), [impl, bound] {
    impl->stop_accepting();
    for (const auto& shard : impl->shards) {
      // What has been accepted by now is adopted before this, in the order of the posts.
      shard->drain(bound, [impl] {
        if (--impl->draining == 0) impl->shared.post_to_core(std::move(impl->drained));
      });
    }
  });
}

Status HttpServer::reload_certificates() { return impl_->load_certificates(); }

ServerStats HttpServer::stats() const {
  const auto& count = impl_->shared.count;
  const auto get = [](const std::atomic<uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  ServerStats stats;
  stats.accepted = get(count.accepted);
  stats.connections = get(count.connections);
  stats.streams = get(count.streams);
  stats.requests = get(count.requests);
  stats.bytes_received = get(count.bytes_received);
  stats.bytes_sent = get(count.bytes_sent);
  stats.refused_connections = get(count.refused_connections);
  stats.refused_streams = get(count.refused_streams);
  stats.refused_answers = get(count.refused_answers);
  stats.refused_headers = get(count.refused_headers);
  stats.waiting_bodies = get(count.waiting_bodies);
  stats.refused_bodies = get(count.refused_bodies);
  stats.bad_requests = get(count.bad_requests);
  stats.bad_certificates = get(count.bad_certificates);
  stats.failed_handshakes = get(count.failed_handshakes);
  stats.slow_requests = get(count.slow_requests);
  stats.slow_readers = get(count.slow_readers);
  stats.idle_closed = get(count.idle_closed);
  stats.gone = get(count.gone);
  return stats;
}

}  // namespace keelson::http
