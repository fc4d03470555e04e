// One request on its way between the two threads: the Exchange and the Pipe that the core holds, and
// the little that both sides count together.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "core/rest/http.hpp"
#include "runtime/http/budget.hpp"
#include "runtime/http/crossing.hpp"
#include "runtime/http/options.hpp"

namespace keelson::http {

class Connection;

// Shared by the connection and whoever answers. Fields belong to the thread named beside them.
struct Lane : std::enable_shared_from_this<Lane> {
  Lane(std::shared_ptr<ToIo> way, const ServerLimits& limits) : to_io(std::move(way)), limits(limits) {}

  const std::shared_ptr<ToIo> to_io;
  const ServerLimits limits;
  bool upgradable = false;   // the request asks for an upgrade; constant from when the core sees it
  bool websocket = false;    // and for a valid one to WebSocket
  bool wants_user = false;   // somebody writes down who asks; constant, too

  // Both. Only their crossing of a bound is acted on, by whoever makes them cross it: no crossing is
  // missed, and none is reported twice.
  std::atomic<std::size_t> unsent{0};  // written by the core, not yet taken by the kernel
  std::atomic<std::size_t> unread{0};  // received, not yet taken by the core

  Connection* connection = nullptr;  // IO thread; null once the connection has nothing to do with it

  // Core thread.
  // Counts the request's body from when the core sees it until whoever answers lets go of the
  // exchange, or begins a stream.
  std::unique_ptr<BudgetShare> body;
  enum class Phase { open, streaming, piped, over };
  Phase phase = Phase::open;
  bool blocked = false;
  Callback<void()> on_drained;
  Callback<void()> on_gone;
  std::shared_ptr<rest::PipeUser> user;
  std::unique_ptr<class LanePipe> pipe;

  std::size_t low_water() const { return limits.unsent_bytes / 2; }

  // IO thread. True if the core must be told of it: drained() on its thread.
  bool sent(std::size_t bytes) {
    const std::size_t before = unsent.fetch_sub(bytes);
    return before > low_water() && before - bytes <= low_water();
  }

  // Core thread, brought there by the connection.
  void drained();
  void gone();     // the connection has ended before the answer
  void opened();   // the upgrade is done
  void received(std::string data);
  void pipe_closed();

  // Core thread, for Exchange and Pipe.
  void add_unsent(std::size_t bytes);
  void end();  // no callback from now on
  ~Lane();
};
using LanePtr = std::shared_ptr<Lane>;

class LanePipe final : public rest::Pipe {
 public:
  explicit LanePipe(Lane& lane) : lane_(lane) {}
  void send(std::string data) override;
  void close() override;
  bool blocked() const override { return lane_.blocked; }
  void pause_reading(bool paused) override;

 private:
  Lane& lane_;
};

class LaneExchange final : public rest::Exchange {
 public:
  explicit LaneExchange(LanePtr lane) : lane_(std::move(lane)) {}
  // Dropped without an end: a ready answer becomes a 500, a stream is cut, so that no client waits for
  // ever.
  ~LaneExchange() override;

  void name_user(const auth::UserInfo& user, const auth::UserInfo* acting_as) override;
  void respond(rest::HttpResponse response) override;
  void begin(int status, std::vector<rest::Header> headers) override;
  void write(std::vector<rest::Bytes> pieces) override;
  void finish() override;
  bool blocked() const override { return lane_->blocked; }
  void on_drained(Callback<void()> drained) override;
  void upgrade(rest::Upgrade upgrade, std::shared_ptr<rest::PipeUser> user) override;
  void on_gone(Callback<void()> gone) override;

 private:
  const LanePtr lane_;
};

}  // namespace keelson::http
