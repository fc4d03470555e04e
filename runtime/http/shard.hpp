// One IO thread: its connections, its clock, and its way to the core and back.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/base/log.hpp"
#include "core/base/rng.hpp"
#include "runtime/http/access_log.hpp"
#include "runtime/http/budget.hpp"
#include "runtime/http/connection.hpp"
#include "runtime/http/crossing.hpp"
#include "runtime/http/options.hpp"

namespace keelson::http {

// What all IO threads share. Counters are relaxed: each is right, together they need not be of one
// instant.
struct SharedState {
  ServerOptions options;
  rest::Handler* handler = nullptr;
  PostToCore post_to_core;
  Log* log = nullptr;
  AccessLog access_log;
  // Makes what takes long, one after the other: the IO threads go on meanwhile. Joined before any
  // shard is destroyed.
  boost::asio::thread_pool labour{1};

  struct Counters {
    std::atomic<uint64_t> accepted{0}, connections{0}, streams{0}, requests{0}, bytes_received{0},
        bytes_sent{0}, refused_connections{0}, refused_streams{0}, refused_answers{0},
        refused_headers{0}, waiting_bodies{0}, refused_bodies{0}, bad_requests{0}, bad_certificates{0},
        failed_handshakes{0}, slow_requests{0}, slow_readers{0}, idle_closed{0}, gone{0};
  } count;
  // See ServerLimits::bodies_bytes and unsent_answers_bytes.
  const BudgetUse bodies = std::make_shared<std::atomic<uint64_t>>(0);
  const BudgetUse unsent_answers = std::make_shared<std::atomic<uint64_t>>(0);

  TlsContext tls() const {
    const std::lock_guard lock(tls_mutex);
    return tls_context;
  }
  mutable std::mutex tls_mutex;
  TlsContext tls_context;  // guarded by tls_mutex
};

class Shard {
 public:
  Shard(SharedState& shared, uint64_t seed);
  ~Shard();  // REQUIRES: stopped

  void start();
  // From any thread, once: drops all connections and ends the thread.
  void stop();

  // From any thread.
  void adopt(int fd, std::string peer);
  // Ends what can be ended; `done` is called on the IO thread once nothing is left, or at the bound.
  void drain(Duration bound, std::function<void()> done);

  // IO thread.
  boost::asio::io_context& context() { return context_; }
  SharedState& shared() { return shared_; }
  const std::shared_ptr<ToIo>& to_io() const { return to_io_; }
  void to_core(Work work);
  void remove(Connection& connection);
  // Runs `work` on the thread for such work, and what it returns on this one.
  void labour(Callback<Work()> work);
  // Has it flush when all that the core has sent by now is in its hands, so that it leaves together.
  void flush_soon(std::shared_ptr<Connection> connection) {
    unflushed_.push_back(std::move(connection));
  }
  std::string_view date();
  Rng& rng() { return rng_; }
  std::string& scratch() { return scratch_; }

 private:
  void sweep();
  void run_from_core();
  void flush_to_core();
  void finish_drain();

  SharedState& shared_;
  boost::asio::io_context context_{1};
  boost::asio::steady_timer timer_{context_};
  std::shared_ptr<ToIo> to_io_;
  std::vector<Work> for_core_;
  std::vector<std::shared_ptr<Connection>> connections_;
  std::vector<std::shared_ptr<Connection>> unflushed_;
  Rng rng_;
  std::string scratch_;
  std::string date_;
  int64_t date_second_ = 0;
  Duration tick_;
  bool stopping_ = false;
  std::function<void()> drained_;
  Connection::Time drain_until_{};
  std::thread thread_;
};

}  // namespace keelson::http
