// The runtime's two services, with the deadlines of their calls.
#pragma once

#include <algorithm>

#include "runtime/cri/cri_runtime.hpp"
#include "runtime/cri/rpc.hpp"
#include "runtime/cri/wire.hpp"
#include "runtime/loop/asio_loop.hpp"

namespace keelson::cri {

// A runtime that has not said how things are by then hangs; kubelet would wait as long as for the
// rest.
inline constexpr Duration kReadMax = 30s;

class Client {
 public:
  Client(runtime::AsioLoop& loop, const CriOptions& options)
      : loop_(loop),
        rpc_(loop),
        channel_(rpc_.open("unix:" + options.socket)),
        timeout_(options.call_timeout) {}

  // Of RuntimeService and ImageService. `longer`: what the call itself may take, beyond the usual;
  // `within`: no longer than that.
  template <class Response>
  void read(const char* method, const MessageLite& request, Done<Response> done) {
    rpc_.call<Response>(channel_, runtime_method(method), request, std::min(timeout_, kReadMax),
                        Effect::reads, std::move(done));
  }
  template <class Response>
  void change(const char* method, const MessageLite& request, Done<Response> done,
              Duration longer = {}) {
    rpc_.call<Response>(channel_, runtime_method(method), request, timeout_ + longer,
                        Effect::changes, std::move(done));
  }
  template <class Response>
  void change_within(const char* method, const MessageLite& request, Duration within,
                     Done<Response> done) {
    rpc_.call<Response>(channel_, runtime_method(method), request, within, Effect::changes,
                        std::move(done));
  }
  template <class Response>
  void image(const char* method, const MessageLite& request, Effect effect, Done<Response> done,
             Duration longer = {}) {
    rpc_.call<Response>(channel_, image_method(method), request, timeout_ + longer, effect,
                        std::move(done));
  }

  // On a later turn, unless the client is gone by then.
  void later(Callback<void()> work) {
    loop_.post([alive = std::weak_ptr<char>(alive_), work = std::move(work)]() mutable {
      if (!alive.expired()) work();
    });
  }
  Rpc& rpc() { return rpc_; }
  Duration timeout() const { return timeout_; }

 private:
  runtime::AsioLoop& loop_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
  Rpc rpc_;
  Rpc::ChannelPtr channel_;
  Duration timeout_;
};

}  // namespace keelson::cri
