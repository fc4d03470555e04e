#include "runtime/node/local_streams.hpp"

#include "runtime/node/local_command.hpp"
#include "runtime/node/local_log.hpp"
#include "runtime/node/pod_connection.hpp"
#include "runtime/node/socket_stream.hpp"

namespace keelson::node {

struct LocalStreams::Impl {
  Impl(runtime::AsioLoop& loop_in, StreamingRuntime& runtime_in, std::string log_directory)
      : loop(loop_in),
        runtime(runtime_in),
        directories(loop),
        runs(loop, runtime),
        places{loop, runtime, directories, runs, std::move(log_directory)} {}

  runtime::AsioLoop& loop;
  StreamingRuntime& runtime;
  DirectoryWatch directories;
  RunWatch runs;
  LogPlaces places;
};

LocalStreams::LocalStreams(runtime::AsioLoop& loop, StreamingRuntime& runtime,
                           std::string log_directory)
    : impl_(std::make_unique<Impl>(loop, runtime, std::move(log_directory))) {}
LocalStreams::~LocalStreams() = default;

std::unique_ptr<agent::LogStream> LocalStreams::logs(agent::ContainerRef container,
                                                     agent::LogOptions options,
                                                     agent::LogUser& user) {
  return std::make_unique<LocalLog>(impl_->places, std::move(container), options, user);
}

std::unique_ptr<agent::CommandSession> LocalStreams::exec(agent::ContainerRef container,
                                                          agent::CommandOptions options,
                                                          agent::CommandUser& user) {
  return std::make_unique<LocalCommand>(impl_->loop, impl_->runtime, std::move(container),
                                        std::move(options), false, user);
}

std::unique_ptr<agent::CommandSession> LocalStreams::attach(agent::ContainerRef container,
                                                            agent::CommandOptions options,
                                                            agent::CommandUser& user) {
  return std::make_unique<LocalCommand>(impl_->loop, impl_->runtime, std::move(container),
                                        std::move(options), true, user);
}

void LocalStreams::find_pod(api::Ref<api::Pod> pod, Done<Unit> done) {
  impl_->runtime.list(
      [pod = std::move(pod), done = std::move(done)](Result<agent::RuntimeState> state) mutable {
        if (!state) return done(state.error());
        if (find_sandbox(*state, pod) == nullptr) return done(pod_not_found(pod));
        done(Unit{});
      });
}

std::unique_ptr<agent::ByteStream> LocalStreams::connect(api::Ref<api::Pod> pod, uint16_t port,
                                                         agent::ByteStreamUser& user) {
  return std::make_unique<PodConnection>(impl_->loop, impl_->runtime, std::move(pod), port, user);
}

std::unique_ptr<agent::ByteStream> LocalStreams::connect_agent(agent::ByteStreamUser& user) {
  return std::make_unique<SocketStream>(
      impl_->loop, Error{Code::invalid, "the node's endpoint is reached over the network"}, user);
}

}  // namespace keelson::node
