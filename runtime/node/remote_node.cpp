#include "runtime/node/remote_node.hpp"

#include "runtime/node/link.hpp"
#include "runtime/node/socket_stream.hpp"

namespace keelson::node {

namespace {

class RemoteLog final : public agent::LogStream, private LinkUser {
 public:
  RemoteLog(runtime::AsioLoop& loop, Result<Dial> dial, const OpenRequest& request,
            agent::LogUser& user)
      : user_(user),
        url_("https://" + (dial ? host_port(dial->address, dial->port) : "") + "/containerLogs/" +
             request.container.pod.ns() + "/" + request.container.pod.name() + "/" +
             request.container.container),
        link_(loop, std::move(dial), StreamKind::logs, request, *this) {}
  void pause(bool paused) override { link_.pause(paused); }

 private:
  void on_frame(Frame frame) override {
    switch (frame.type) {
      case FrameType::opened: open_ = true; return user_.on_open();
      case FrameType::data: return user_.on_log(frame.payload);
      case FrameType::over: return user_.on_log_end(decode_ending(frame.payload).why);
      default: return;
    }
  }
  void on_link_writable() override {}
  void on_link_lost(Error why) override {
    // As Go's HTTP client words it: people know the sentence.
    if (!open_) why.message = "Get \"" + url_ + "\": " + why.message;
    user_.on_log_end(std::move(why));
  }

  agent::LogUser& user_;
  const std::string url_;
  bool open_ = false;
  Link link_;
};

class RemoteCommand final : public agent::CommandSession, private LinkUser {
 public:
  RemoteCommand(runtime::AsioLoop& loop, Result<Dial> dial, StreamKind kind,
                const OpenRequest& request, agent::CommandUser& user)
      : user_(user), link_(loop, std::move(dial), kind, request, *this) {}

  void start() override { link_.send(FrameType::start); }
  void write(std::string data) override { link_.send_data(data); }
  void end_input() override { link_.send(FrameType::ended); }
  bool blocked() const override { return link_.blocked(); }
  void resize(uint16_t columns, uint16_t rows) override {
    link_.send(FrameType::resize, encode_size(columns, rows));
  }
  void pause(bool paused) override { link_.pause(paused); }

 private:
  void on_frame(Frame frame) override {
    switch (frame.type) {
      case FrameType::opened: return user_.on_open();
      case FrameType::data: return user_.on_output(agent::Output::standard, frame.payload);
      case FrameType::errors: return user_.on_output(agent::Output::error, frame.payload);
      case FrameType::over: return over(decode_ending(frame.payload));
      default: return;
    }
  }
  void over(const Ending& ending) {
    if (!ending.why.ok()) return user_.on_exit(ending.why.error());
    user_.on_exit(ending.exit_code);
  }
  void on_link_writable() override { user_.on_writable(); }
  void on_link_lost(Error why) override { user_.on_exit(std::move(why)); }

  agent::CommandUser& user_;
  Link link_;
};

class RemoteConnection final : public agent::ByteStream, private LinkUser {
 public:
  RemoteConnection(runtime::AsioLoop& loop, Result<Dial> dial, const OpenRequest& request,
                   agent::ByteStreamUser& user)
      : user_(user), link_(loop, std::move(dial), StreamKind::connect, request, *this) {}

  void send(std::string data) override { link_.send_data(data); }
  void end() override { link_.send(FrameType::ended); }
  bool blocked() const override { return link_.blocked(); }
  void pause(bool paused) override { link_.pause(paused); }

 private:
  void on_frame(Frame frame) override {
    switch (frame.type) {
      case FrameType::opened: return user_.on_open();
      case FrameType::data: return user_.on_bytes(frame.payload);
      case FrameType::ended: pod_ended_ = true; return user_.on_end({});
      case FrameType::over: {
        const Status why = decode_ending(frame.payload).why;
        // A good ending after the pod's own says nothing new.
        if (!pod_ended_ || !why.ok()) user_.on_end(why);
        return;
      }
      default: return;
    }
  }
  void on_link_writable() override { user_.on_writable(); }
  void on_link_lost(Error why) override { user_.on_end(std::move(why)); }

  agent::ByteStreamUser& user_;
  bool pod_ended_ = false;
  Link link_;
};

}  // namespace

class RemoteNode::Question final : private LinkUser {
 public:
  // `over` lets go of the question, before `done` is called.
  Question(runtime::AsioLoop& loop, Result<Dial> dial, const OpenRequest& request, Done<Unit> done,
           Callback<std::unique_ptr<Question>()> over)
      : done_(std::move(done)),
        over_(std::move(over)),
        link_(loop, std::move(dial), StreamKind::find, request, *this) {}

 private:
  void on_frame(Frame frame) override {
    if (frame.type == FrameType::over) answer(decode_ending(frame.payload).why);
  }
  void on_link_writable() override {}
  void on_link_lost(Error why) override { answer(std::move(why)); }
  void answer(const Status& found) {
    const std::unique_ptr<Question> self = over_();
    if (found.ok()) return done_(Unit{});
    done_(found.error());
  }

  Done<Unit> done_;
  Callback<std::unique_ptr<Question>()> over_;
  Link link_;
};

RemoteNode::RemoteNode(runtime::AsioLoop& loop, const NodeDialer& dialer, std::string name)
    : loop_(loop), dialer_(dialer), name_(std::move(name)) {}
RemoteNode::~RemoteNode() = default;

std::unique_ptr<agent::LogStream> RemoteNode::logs(agent::ContainerRef container,
                                                   agent::LogOptions options,
                                                   agent::LogUser& user) {
  OpenRequest request;
  request.container = std::move(container);
  request.log = options;
  return std::make_unique<RemoteLog>(loop_, dialer_.dial(name_), request, user);
}

std::unique_ptr<agent::CommandSession> RemoteNode::exec(agent::ContainerRef container,
                                                        agent::CommandOptions options,
                                                        agent::CommandUser& user) {
  OpenRequest request;
  request.container = std::move(container);
  request.command = std::move(options);
  return std::make_unique<RemoteCommand>(loop_, dialer_.dial(name_), StreamKind::exec, request,
                                         user);
}

std::unique_ptr<agent::CommandSession> RemoteNode::attach(agent::ContainerRef container,
                                                          agent::CommandOptions options,
                                                          agent::CommandUser& user) {
  OpenRequest request;
  request.container = std::move(container);
  request.command = std::move(options);
  return std::make_unique<RemoteCommand>(loop_, dialer_.dial(name_), StreamKind::attach, request,
                                         user);
}

void RemoteNode::find_pod(api::Ref<api::Pod> pod, Done<Unit> done) {
  OpenRequest request;
  request.container.pod = std::move(pod);
  const uint64_t number = next_question_++;
  questions_[number] = std::make_unique<Question>(
      loop_, dialer_.dial(name_), request, std::move(done),
      [this, number] { return std::move(questions_.extract(number).mapped()); });
}

std::unique_ptr<agent::ByteStream> RemoteNode::connect(api::Ref<api::Pod> pod, uint16_t port,
                                                       agent::ByteStreamUser& user) {
  OpenRequest request;
  request.container.pod = std::move(pod);
  request.port = port;
  return std::make_unique<RemoteConnection>(loop_, dialer_.dial(name_), request, user);
}

std::unique_ptr<agent::ByteStream> RemoteNode::connect_agent(agent::ByteStreamUser& user) {
  // The endpoint speaks HTTP already: the connection itself is the stream.
  return std::make_unique<SocketStream>(loop_, dialer_.dial(name_), user);
}

}  // namespace keelson::node
