#include "runtime/http/shard.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "runtime/http/response.hpp"

namespace keelson::http {
namespace asio = boost::asio;

namespace {

// As much as one read may bring: several TLS records, or a burst of pipelined requests.
constexpr std::size_t kScratchBytes = 64 * 1024;

// Closed even if the thread ends before it takes the connection.
class OwnedFd {
 public:
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~OwnedFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Limits are checked by looking at all connections now and then: often enough for the shortest.
Duration tick_for(const ServerLimits& limits) {
  const Duration shortest = std::min({limits.handshake, limits.header_read, limits.body_read,
                                      limits.idle, limits.write_stall, limits.websocket_ping});
  return std::clamp<Duration>(shortest / 4, std::chrono::milliseconds(5), std::chrono::seconds(1));
}

}  // namespace

Shard::Shard(SharedState& shared, uint64_t seed)
    : shared_(shared),
      rng_(seed),
      scratch_(kScratchBytes, '\0'),
      tick_(tick_for(shared.options.limits)) {
  to_io_ = std::make_shared<ToIo>(shared.post_to_core, [this] {
    asio::post(context_, [this] { run_from_core(); });
  });
}

Shard::~Shard() = default;

void Shard::start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "keelson-http");
    sweep();
    context_.run();
  });
}

void Shard::stop() {
  asio::post(context_, [this] {
    stopping_ = true;
    to_io_->close();
    while (!connections_.empty()) connections_.back()->drop();
    timer_.cancel();
    flush_to_core();
    context_.stop();
  });
  thread_.join();
}

void Shard::adopt(int fd, std::string peer) {
  asio::post(context_, [this, owned = OwnedFd(fd), peer = std::move(peer)]() mutable {
    const TlsContext tls = shared_.tls();
    SslPtr ssl = tls ? make_server_ssl(tls) : nullptr;
    if (stopping_ || drained_ || (tls && !ssl)) {
      --shared_.count.connections;
      return;
    }
    auto connection =
        std::make_shared<Connection>(*this, owned.release(), std::move(ssl), std::move(peer));
    connection->place = connections_.size();
    connections_.push_back(connection);
    connection->start();
  });
}

void Shard::remove(Connection& connection) {
  --shared_.count.connections;
  const std::size_t place = connection.place;
  std::swap(connections_[place], connections_.back());
  connections_[place]->place = place;
  connections_.pop_back();
  if (connections_.empty()) finish_drain();
}

void Shard::labour(Callback<Work()> work) {
  asio::post(shared_.labour, [this, work = std::move(work)]() mutable {
    asio::post(context_, [result = work()]() mutable { result(); });
  });
}

void Shard::drain(Duration bound, std::function<void()> done) {
  asio::post(context_, [this, bound, done = std::move(done)]() mutable {
    drained_ = std::move(done);
    drain_until_ = std::chrono::steady_clock::now() + bound;
    const auto all = connections_;
    for (const auto& connection : all) connection->drain();
    if (connections_.empty()) finish_drain();
  });
}

void Shard::finish_drain() {
  if (auto done = std::exchange(drained_, nullptr)) done();
}

void Shard::sweep() {
  const auto now = std::chrono::steady_clock::now();
  // From the back: a connection that ends is replaced by the last one, which has been seen.
  for (std::size_t i = connections_.size(); i-- > 0;) {
    if (i < connections_.size()) connections_[i]->check(now);
  }
  if (drained_ && now >= drain_until_) {
    const auto all = connections_;
    for (const auto& connection : all) {
      connection->pipe_close(kWsGoingAway);
      connection->drop();
    }
    finish_drain();
  }
  if (stopping_) return;
  timer_.expires_after(tick_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) sweep();
  });
}

void Shard::run_from_core() {
  for (Work& work : to_io_->take()) work();
  for (const auto& connection : std::exchange(unflushed_, {})) connection->flush_stream();
}

void Shard::to_core(Work work) {
  for_core_.push_back(std::move(work));
  if (for_core_.size() == 1) asio::post(context_, [this] { flush_to_core(); });
}

void Shard::flush_to_core() {
  if (for_core_.empty()) return;
  shared_.post_to_core([way = to_io_, batch = std::exchange(for_core_, {})]() mutable {
    way->begin_turn();
    for (Work& work : batch) work();
    way->end_turn();
  });
}

std::string_view Shard::date() {
  const int64_t second = std::chrono::duration_cast<std::chrono::seconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count();
  if (second != date_second_) {
    date_second_ = second;
    date_ = http_date(second);
  }
  return date_;
}

}  // namespace keelson::http
