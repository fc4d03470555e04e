#include "runtime/cri/rpc.hpp"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <set>
#include <thread>

#include "runtime/cri/utf8.hpp"
#include "runtime/loop/asio_loop.hpp"

namespace keelson::cri {

namespace {

// Kubelet's bound; containerd's own is the same. Lists of a full node with long labels take some
// MiB.
constexpr int kMessageMax = 16 << 20;
// A runtime that comes back is found again within this.
constexpr int kReconnectMinMs = 100, kReconnectMaxMs = 2000;

using Stub = grpc::TemplatedGenericStub<MessageLite, MessageLite>;

std::chrono::system_clock::time_point deadline_after(Duration timeout) {
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(timeout);
}

bool mentions(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

}  // namespace

Error rpc_error(int status, std::string message, Effect effect) {
  message = message.empty() ? "the runtime gives no reason" : to_utf8(std::move(message));
  const Code lost = effect == Effect::changes ? Code::unknown : Code::unavailable;
  switch (status) {
    case grpc::NOT_FOUND: return {Code::not_found, std::move(message)};
    case grpc::ALREADY_EXISTS: return {Code::exists, std::move(message)};
    case grpc::DEADLINE_EXCEEDED:
    case grpc::CANCELLED: return {Code::unknown, std::move(message)};
    case grpc::UNAVAILABLE:
      // Without a connection nothing was sent. A connection that broke may have carried the
      // request.
      if (mentions(message, "failed to connect") ||
          mentions(message, "connections to all backends")) {
        return {Code::unavailable, std::move(message)};
      }
      return {lost, std::move(message)};
    default: break;
  }
  // containerd says most of what goes wrong with UNKNOWN; two of them need an answer of their own.
  if (mentions(message, "is reserved for")) return {Code::exists, std::move(message)};
  if (mentions(message, "context deadline exceeded")) return {lost, std::move(message)};
  return {Code::unavailable, std::move(message)};
}

struct Rpc::Channel {
  explicit Channel(std::shared_ptr<grpc::Channel> c) : stub(std::move(c)) {}
  Stub stub;
};

struct Rpc::Call {
  ChannelPtr channel;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientAsyncResponseReader<MessageLite>> reader;
  std::unique_ptr<MessageLite> response;
  grpc::Status status;
  Effect effect{};
  Done<std::unique_ptr<MessageLite>> done;
};

struct Rpc::Impl {
  explicit Impl(runtime::AsioLoop& l) : loop(l) {}

  runtime::AsioLoop& loop;
  grpc::CompletionQueue queue;
  std::set<Call*> calls;  // under way; of the core thread
  std::shared_ptr<Impl*> alive = std::make_shared<Impl*>(this);
  std::thread thread;

  // The thread's whole work. A finished call travels to the core thread, which owns it from then
  // on.
  void wait(const std::weak_ptr<Impl*>& owner) {
    void* tag = nullptr;
    bool ok = false;
    while (queue.Next(&tag, &ok)) {
      loop.post_from_any_thread(
          [owner, call = std::unique_ptr<Call>(static_cast<Call*>(tag))]() mutable {
            if (const auto impl = owner.lock()) (*impl)->finish(std::move(call));
          });
    }
  }

  void finish(std::unique_ptr<Call> call) {
    calls.erase(call.get());
    if (call->status.ok()) {
      call->done(std::move(call->response));
    } else {
      call->done(rpc_error(call->status.error_code(), call->status.error_message(), call->effect));
    }
  }
};

Rpc::Rpc(runtime::AsioLoop& loop) : impl_(std::make_unique<Impl>(loop)) {
  const std::weak_ptr<Impl*> owner = impl_->alive;
  impl_->thread = std::thread([impl = impl_.get(), owner] { impl->wait(owner); });
}

Rpc::~Rpc() {
  // Calls that have ended in the meantime are on their way through the loop and find nobody.
  for (Call* call : impl_->calls) call->context.TryCancel();
  impl_->alive.reset();
  impl_->queue.Shutdown();
  impl_->thread.join();
}

Rpc::ChannelPtr Rpc::open(const std::string& target, bool short_lived) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageMax);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMinMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kReconnectMinMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // who retries knows what was asked
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  if (short_lived) arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return std::make_shared<Channel>(
      grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
}

void Rpc::start(const ChannelPtr& channel, std::string method, const MessageLite& request,
                std::unique_ptr<MessageLite> response, Duration timeout, Effect effect,
                Done<std::unique_ptr<MessageLite>> done) {
  auto* call = new Call;  // the queue holds it as a tag until it ends
  call->channel = channel;
  call->response = std::move(response);
  call->effect = effect;
  call->done = std::move(done);
  call->context.set_deadline(deadline_after(timeout));
  impl_->calls.insert(call);
  call->reader = channel->stub.PrepareUnaryCall(&call->context, method, request, &impl_->queue);
  call->reader->StartCall();
  call->reader->Finish(call->response.get(), &call->status, call);
}

}  // namespace keelson::cri
