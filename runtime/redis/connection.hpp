// One connection to Redis on the core thread: hiredis' asynchronous client on the loop's
// io_context. Calls are pipelined and answered in order.
//
// From the first one on the process ignores SIGPIPE, unless it has a handler for it.
//
// A connection lives once: it opens, or does not, and when it is lost its owner makes another.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/callback.hpp"
#include "core/base/time.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/redis/address.hpp"
#include "runtime/redis/reply.hpp"

namespace keelson::redis {

class Connection {
 public:
  using Arguments = std::vector<std::string>;

  // `on_open` is called once the connection is authenticated; `on_lost`, at most once, when it
  // could not be opened or has ended; after it every call under way is answered with Code::unknown.
  // Neither is called from inside the constructor. `patience`: how long an answer may take before
  // the peer counts as gone (a half-open connection gives no other sign). Connects to
  // `address.socket` or `address.tcp`.
  Connection(runtime::AsioLoop& loop, const Address& address, Duration patience,
             Callback<void()> on_open, Callback<void(Error)> on_lost);
  // Calls under way are not answered any more. Also from inside a callback of this connection.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool open() const;
  // Errors that Redis answers are replies (Reply::is_error). The answer never comes from inside the
  // call. REQUIRES: open.
  void call(const Arguments& arguments, Done<Reply> done);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace keelson::redis
