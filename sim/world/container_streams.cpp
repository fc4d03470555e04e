#include "sim/world/container_streams.hpp"

#include "sim/world/command_stream.hpp"
#include "sim/world/connection_stream.hpp"
#include "sim/world/log_stream.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

struct SimContainerStreams::Question {
  Timer timer;
  api::Ref<api::Pod> pod;
  Done<Unit> done;
};

SimContainerStreams::SimContainerStreams(World& world, Node& node, Loop& loop, HostId from)
    : world_(world), node_(node), loop_(loop), from_(from) {}
SimContainerStreams::~SimContainerStreams() = default;

Answers SimContainerStreams::answers() const {
  const Network& network = world_.network();
  if (!node_.powered() || network.cut(from_, node_.host()) || network.cut(node_.host(), from_)) {
    return Answers::not_at_all;
  }
  if (!node_.agent_running()) return Answers::refuses;
  return node_.agent_process().paused() ? Answers::not_at_all : Answers::yes;
}

Duration SimContainerStreams::time_to_hear() const {
  return answers() == Answers::not_at_all ? kDialTimeout : kRoundTrip;
}

Error SimContainerStreams::dial_error() const {
  return {Code::unavailable, "dial tcp " + node_.address() + ":10250: " +
                                 (answers() == Answers::refuses ? "connect: connection refused"
                                                                : "i/o timeout")};
}

WallTime SimContainerStreams::wall_now() const { return node_.agent_process().wall_now(); }

std::unique_ptr<agent::LogStream> SimContainerStreams::logs(agent::ContainerRef container,
                                                            agent::LogOptions options,
                                                            agent::LogUser& user) {
  return std::make_unique<SimLogStream>(*this, std::move(container), options, user);
}

std::unique_ptr<agent::CommandSession> SimContainerStreams::exec(agent::ContainerRef container,
                                                                 agent::CommandOptions options,
                                                                 agent::CommandUser& user) {
  return std::make_unique<SimCommand>(*this, std::move(container), std::move(options), false, user);
}

std::unique_ptr<agent::CommandSession> SimContainerStreams::attach(agent::ContainerRef container,
                                                                   agent::CommandOptions options,
                                                                   agent::CommandUser& user) {
  const std::optional<api::Container> spec = find_container(*container.pod, container.container);
  if (spec && spec->stdin()) {
    options.command = command_of(*spec);
    if (options.command.empty()) options.command = {"sh"};
    if (lives_off_input(*spec, options.command)) {
      return std::make_unique<SimCommand>(*this, std::move(container), std::move(options), true, user);
    }
  }
  return std::make_unique<SimAttachment>(*this, std::move(container), user);
}

void SimContainerStreams::find_pod(api::Ref<api::Pod> pod, Done<Unit> done) {
  const uint64_t number = next_question_++;
  auto& question = questions_[number] = std::make_unique<Question>();
  question->pod = std::move(pod);
  question->done = std::move(done);
  question->timer = Timer(loop_, [this, number] {
    const auto asked = questions_.extract(number);
    Question& it = *asked.mapped();
    if (answers() != Answers::yes) return it.done(dial_error());
    if (!node_.runtime().address_of(it.pod.uid())) {
      return it.done(Error{Code::not_found, "pod not found (\"" + it.pod.name() + "_" + it.pod.ns() + "\")"});
    }
    it.done(Unit{});
  });
  question->timer.arm(time_to_hear());
}

std::unique_ptr<agent::ByteStream> SimContainerStreams::connect(api::Ref<api::Pod> pod, uint16_t port,
                                                                agent::ByteStreamUser& user) {
  return std::make_unique<SimConnection>(*this, std::move(pod), port, user);
}

std::unique_ptr<agent::ByteStream> SimContainerStreams::connect_agent(agent::ByteStreamUser& user) {
  return std::make_unique<SimConnection>(*this, nullptr, uint16_t{10250}, user);
}

WorldStreams::WorldStreams(World& world, Loop& loop, HostId from)
    : world_(world), loop_(loop), from_(from) {}
WorldStreams::~WorldStreams() = default;

Result<agent::ContainerStreams*> WorldStreams::of(std::string_view name) {
  const auto known = nodes_.find(name);
  if (known != nodes_.end()) return known->second.get();
  Node* const node = world_.node(name);
  if (node == nullptr) {
    return Error{Code::not_found, "dial tcp: lookup " + std::string(name) + ": no such host"};
  }
  auto& made = nodes_[std::string(name)] =
      std::make_unique<SimContainerStreams>(world_, *node, loop_, from_);
  return made.get();
}

}  // namespace keelson::sim
