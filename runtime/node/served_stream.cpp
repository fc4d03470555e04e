#include "runtime/node/served_stream.hpp"

namespace keelson::node {

void ServedStream::abandon() {
  streams_ = nullptr;
  close_source();
  if (pipe_ != nullptr) std::exchange(pipe_, nullptr)->close();
}

void ServedStream::send(FrameType type, std::string_view payload) {
  if (pipe_ != nullptr) pipe_->send(frame(type, payload));
}

void ServedStream::send_data(FrameType type, std::string_view data) {
  if (pipe_ == nullptr || data.empty()) return;
  pipe_->send(data_frames(type, data));
  if (pipe_->blocked()) pause_source(true);
}

void ServedStream::finish(const Ending& ending) {
  const auto self = shared_from_this();
  send(FrameType::over, encode_ending(ending));
  close_source();
  if (pipe_ != nullptr) std::exchange(pipe_, nullptr)->close();
}

void ServedStream::pause_reader(bool paused) {
  if (pipe_ != nullptr) pipe_->pause_reading(paused);
}

void ServedStream::received(std::string_view data) {
  const auto self = shared_from_this();
  reader_.put(data);
  while (pipe_ != nullptr && streams_ != nullptr) {
    Result<std::optional<Frame>> next = reader_.next();
    if (!next) return finish({next.error(), 0});
    if (!*next) return;
    Frame frame = std::move(**next);
    if (opened_ != (frame.type != FrameType::open)) {
      return finish({{Code::invalid, "frames out of order"}, 0});
    }
    if (opened_) {
      take(std::move(frame));
      continue;
    }
    opened_ = true;
    Result<OpenRequest> request = decode_open(frame.payload);
    if (!request) return finish({request.error(), 0});
    open(std::move(*request));
  }
}

namespace {

class ServedLog final : public ServedStream, private agent::LogUser {
 public:
  using ServedStream::ServedStream;

 private:
  void open(OpenRequest request) override {
    log_ = streams().logs(std::move(request.container), request.log, *this);
  }
  void take(Frame) override {}
  void pause_source(bool paused) override {
    if (log_) log_->pause(paused);
  }
  void close_source() override { log_.reset(); }

  void on_open() override { send(FrameType::opened); }
  void on_log(std::string_view text) override { send_data(FrameType::data, text); }
  void on_log_end(Status why) override { finish({std::move(why), 0}); }

  std::unique_ptr<agent::LogStream> log_;
};

class ServedCommand final : public ServedStream, private agent::CommandUser {
 public:
  ServedCommand(agent::ContainerStreams& streams, bool attach)
      : ServedStream(streams), attach_(attach) {}

 private:
  void open(OpenRequest request) override {
    session_ =
        attach_ ? streams().attach(std::move(request.container), std::move(request.command), *this)
                : streams().exec(std::move(request.container), std::move(request.command), *this);
  }
  void take(Frame frame) override {
    if (!session_) return;
    uint16_t columns = 0, rows = 0;
    switch (frame.type) {
      case FrameType::start:
        if (!opened_) return finish({{Code::invalid, "frames out of order"}, 0});
        if (!std::exchange(started_, true)) session_->start();
        return;
      case FrameType::data:
        if (!started_) return;
        session_->write(std::move(frame.payload));
        if (session_->blocked()) pause_reader(true);
        return;
      case FrameType::ended:
        if (started_) session_->end_input();
        return;
      case FrameType::resize:
        if (started_ && decode_size(frame.payload, columns, rows)) session_->resize(columns, rows);
        return;
      default: return;
    }
  }
  void pause_source(bool paused) override {
    if (session_) session_->pause(paused);
  }
  void close_source() override { session_.reset(); }

  void on_open() override {
    opened_ = true;
    send(FrameType::opened);
  }
  void on_output(agent::Output which, std::string_view data) override {
    send_data(which == agent::Output::standard ? FrameType::data : FrameType::errors, data);
  }
  void on_writable() override { pause_reader(false); }
  void on_exit(Result<int32_t> code) override {
    if (code.ok()) return finish({{}, *code});
    finish({code.error(), 0});
  }

  const bool attach_;
  bool opened_ = false, started_ = false;
  std::unique_ptr<agent::CommandSession> session_;
};

class ServedConnection final : public ServedStream, private agent::ByteStreamUser {
 public:
  using ServedStream::ServedStream;

 private:
  void open(OpenRequest request) override {
    stream_ = streams().connect(std::move(request.container.pod), request.port, *this);
  }
  void take(Frame frame) override {
    if (!stream_) return;
    if (frame.type == FrameType::data) {
      stream_->send(std::move(frame.payload));
      if (stream_->blocked()) pause_reader(true);
    } else if (frame.type == FrameType::ended) {
      client_ended_ = true;
      stream_->end();
      if (pod_ended_) finish({});
    }
  }
  void pause_source(bool paused) override {
    if (stream_) stream_->pause(paused);
  }
  void close_source() override { stream_.reset(); }

  void on_open() override { send(FrameType::opened); }
  void on_bytes(std::string_view data) override { send_data(FrameType::data, data); }
  void on_writable() override { pause_reader(false); }
  void on_end(Status why) override {
    if (!why.ok()) return finish({std::move(why), 0});
    pod_ended_ = true;
    if (client_ended_) return finish({});
    send(FrameType::ended);
  }

  bool client_ended_ = false, pod_ended_ = false;
  std::unique_ptr<agent::ByteStream> stream_;
};

class ServedQuestion final : public ServedStream {
 public:
  using ServedStream::ServedStream;

 private:
  void open(OpenRequest request) override {
    streams().find_pod(std::move(request.container.pod),
                       [weak = weak_from_this()](Result<Unit> found) {
                         const auto self = weak.lock();
                         if (!self) return;
                         static_cast<ServedQuestion&>(*self).finish(
                             {found.ok() ? Status() : Status(found.error()), 0});
                       });
  }
  void take(Frame) override {}
  void pause_source(bool) override {}
  void close_source() override {}
};

}  // namespace

std::shared_ptr<ServedStream> ServedStream::make(StreamKind kind,
                                                 agent::ContainerStreams& streams) {
  switch (kind) {
    case StreamKind::logs: return std::make_shared<ServedLog>(streams);
    case StreamKind::exec: return std::make_shared<ServedCommand>(streams, false);
    case StreamKind::attach: return std::make_shared<ServedCommand>(streams, true);
    case StreamKind::find: return std::make_shared<ServedQuestion>(streams);
    case StreamKind::connect: return std::make_shared<ServedConnection>(streams);
  }
  return nullptr;
}

}  // namespace keelson::node
