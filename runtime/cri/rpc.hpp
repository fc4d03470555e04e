// Unary gRPC calls from the core thread. One thread waits for all answers and hands them to the
// loop; gRPC's headers, slow to compile, stay in the .cpp.
#pragma once

#include <google/protobuf/message_lite.h>

#include <memory>
#include <string>

#include "core/base/callback.hpp"
#include "core/base/time.hpp"

namespace keelson::runtime {
class AsioLoop;
}

namespace keelson::cri {

using google::protobuf::MessageLite;

// What a call does: one that only reads has done nothing when its answer is lost.
enum class Effect : uint8_t { reads, changes };

// What a failed call means to Keelson. `status` is gRPC's number; see the table in rpc.cpp.
Error rpc_error(int status, std::string message, Effect effect);

class Rpc {
 public:
  explicit Rpc(runtime::AsioLoop& loop);
  ~Rpc();  // cancels what is under way; no callback is called any more
  Rpc(const Rpc&) = delete;
  Rpc& operator=(const Rpc&) = delete;

  struct Channel;
  using ChannelPtr = std::shared_ptr<Channel>;
  // "unix:/run/containerd/containerd.sock" or "ipv4:10.0.0.1:80". Connects when first used, and
  // again by itself. `short_lived`: for a call or two; shares no connection with others.
  ChannelPtr open(const std::string& target, bool short_lived = false);

  // `method`: "/package.Service/Method". The answer comes on the core thread, never from inside the
  // call. A call under way keeps its channel.
  template <class Response>
  void call(const ChannelPtr& channel, std::string method, const MessageLite& request,
            Duration timeout, Effect effect, Done<Response> done) {
    start(channel, std::move(method), request, std::make_unique<Response>(), timeout, effect,
          [done = std::move(done)](Result<std::unique_ptr<MessageLite>> answer) mutable {
            if (!answer.ok()) return done(answer.error());
            done(std::move(static_cast<Response&>(**answer)));
          });
  }

 private:
  struct Call;
  struct Impl;
  void start(const ChannelPtr& channel, std::string method, const MessageLite& request,
             std::unique_ptr<MessageLite> response, Duration timeout, Effect effect,
             Done<std::unique_ptr<MessageLite>> done);

  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::cri
