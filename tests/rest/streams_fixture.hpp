// An exchange, a connection and a node that tests play.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/rest/streams/spdy.hpp"
#include "core/rest/streams/subresources.hpp"
#include "tests/support/manual_loop.hpp"

namespace keelson::rest {

class FakePipe final : public Pipe {
 public:
  void send(std::string data) override { sent.push_back(std::move(data)); }
  void close() override { closed = true; }
  bool blocked() const override { return is_blocked; }
  void pause_reading(bool paused) override { reading_paused = paused; }

  std::vector<std::string> sent;
  bool closed = false, is_blocked = false, reading_paused = false;
};

class FakeExchange final : public Exchange {
 public:
  void respond(HttpResponse answer) override {
    response = std::move(answer);
    answered = true;
  }
  void begin(int code, std::vector<Header> head) override {
    response.status = code;
    response.headers = std::move(head);
    begun = true;
  }
  void write(std::vector<Bytes> pieces) override {
    for (const Bytes& piece : pieces) streamed += *piece;
  }
  void finish() override { finished = true; }
  bool blocked() const override { return is_blocked; }
  void on_drained(Callback<void()> callback) override { drained = std::move(callback); }
  void upgrade(Upgrade chosen, std::shared_ptr<PipeUser> taken_by) override {
    upgraded = std::move(chosen);
    user = std::move(taken_by);
    user->on_open(pipe);
  }
  void on_gone(Callback<void()> callback) override { gone = std::move(callback); }

  std::string body() const { return std::get<std::string>(response.body); }

  HttpResponse response;
  bool answered = false, begun = false, finished = false, is_blocked = false;
  std::string streamed;
  std::optional<Upgrade> upgraded;
  std::shared_ptr<PipeUser> user;
  FakePipe pipe;
  Callback<void()> drained, gone;
};

// A node on which everything is said by the test. It answers as soon as the loop turns.
class FakeNode final : public agent::ContainerStreams, public NodeStreams {
 public:
  explicit FakeNode(Loop& loop) : loop_(loop) {}

  struct Session final : agent::CommandSession {
    Session(FakeNode& owner) : node(owner) {}
    ~Session() override { node.session = nullptr; }
    void start() override { started = true; }
    void write(std::string data) override { input += data; }
    void end_input() override { input_ended = true; }
    bool blocked() const override { return is_blocked; }
    void resize(uint16_t columns, uint16_t rows) override { size = {columns, rows}; }
    void pause(bool value) override { paused = value; }
    FakeNode& node;
    bool started = false, input_ended = false, is_blocked = false, paused = false;
    std::string input;
    std::pair<int, int> size;
  };
  struct Log final : agent::LogStream {
    Log(FakeNode& owner) : node(owner) {}
    ~Log() override { node.log = nullptr; }
    void pause(bool value) override { paused = value; }
    FakeNode& node;
    bool paused = false;
  };
  struct Link final : agent::ByteStream {
    Link(FakeNode& owner, uint16_t to, agent::ByteStreamUser& reader) : node(owner), port(to), user(reader) {}
    ~Link() override { std::erase(node.links, this); }
    void send(std::string data) override { sent += data; }
    void end() override { ended = true; }
    bool blocked() const override { return is_blocked; }
    void pause(bool value) override { paused = value; }
    FakeNode& node;
    uint16_t port;
    agent::ByteStreamUser& user;
    std::string sent;
    bool ended = false, is_blocked = false, paused = false;
  };

  Result<agent::ContainerStreams*> of(std::string_view name) override {
    if (name != "n1") return Error{Code::not_found, "dial tcp: lookup " + std::string(name) + ": no such host"};
    return this;
  }
  std::unique_ptr<agent::LogStream> logs(agent::ContainerRef, agent::LogOptions options,
                                         agent::LogUser& user) override {
    log_options = options;
    log_user = &user;
    auto made = std::make_unique<Log>(*this);
    log = made.get();
    answer([this] { refusal.ok() ? log_user->on_open() : log_user->on_log_end(refusal); });
    return made;
  }
  std::unique_ptr<agent::CommandSession> exec(agent::ContainerRef container,
                                              agent::CommandOptions options,
                                              agent::CommandUser& user) override {
    where = std::move(container);
    command = std::move(options);
    command_user = &user;
    auto made = std::make_unique<Session>(*this);
    session = made.get();
    answer([this] {
      if (session == nullptr) return;
      refusal.ok() ? command_user->on_open() : command_user->on_exit(refusal.error());
    });
    return made;
  }
  std::unique_ptr<agent::CommandSession> attach(agent::ContainerRef container,
                                                agent::CommandOptions options,
                                                agent::CommandUser& user) override {
    attached = true;
    return exec(std::move(container), std::move(options), user);
  }
  void find_pod(api::Ref<api::Pod>, Done<Unit> done) override {
    answer([this, done = std::make_shared<Done<Unit>>(std::move(done))] {
      refusal.ok() ? (*done)(Unit{}) : (*done)(refusal.error());
    });
  }
  std::unique_ptr<agent::ByteStream> connect(api::Ref<api::Pod>, uint16_t port,
                                             agent::ByteStreamUser& user) override {
    auto made = std::make_unique<Link>(*this, port, user);
    links.push_back(made.get());
    return made;
  }
  std::unique_ptr<agent::ByteStream> connect_agent(agent::ByteStreamUser& user) override {
    return connect({}, 10250, user);
  }

  Status refusal;
  agent::ContainerRef where;
  agent::CommandOptions command;
  agent::CommandUser* command_user = nullptr;
  Session* session = nullptr;
  bool attached = false;
  agent::LogOptions log_options;
  agent::LogUser* log_user = nullptr;
  Log* log = nullptr;
  std::vector<Link*> links;

 private:
  template <class F>
  void answer(F work) { loop_.post(std::move(work)); }
  Loop& loop_;
};

class StreamsTest : public ::testing::Test {
 protected:
  StreamsTest() {
    add_pod("web", "n1", {"main"});
    add_pod("pair", "n1", {"a", "b"});
    add_pod("waiting", "", {"main"});
    add_pod("lost", "elsewhere", {"main"});
  }
  void add_pod(const std::string& name, const std::string& node, std::vector<std::string> containers) {
    api::Pod pod;
    pod.mutable_metadata()->set_name(name);
    pod.mutable_metadata()->set_namespace_("default");
    pod.mutable_metadata()->set_uid("uid-" + name);
    pod.mutable_spec()->set_node_name(node);
    pod.mutable_status()->set_pod_ip("10.0.0.7");
    for (const std::string& container : containers) {
      pod.mutable_spec()->add_containers()->set_name(container);
      auto& status = *pod.mutable_status()->add_container_statuses();
      status.set_name(container);
      status.mutable_state()->mutable_running();
    }
    put(std::move(pod));
  }
  template <class M>
  void put(M message) {
    const api::ObjectPtr object = api::make_object(std::move(message));
    objects_[{object->kind(), object->name()}] = object;
  }

  void call(const std::string& subresource, const std::string& name, const std::string& query,
            std::vector<Header> headers = {}, const std::string& method = "GET",
            api::Kind kind = api::Kind::pods, const std::string& path = "") {
    exchange_ = std::make_shared<FakeExchange>();
    StreamCall call;
    call.ns = "default";
    call.name = name;
    call.path = path;
    call.request.method = method;
    call.request.target = "/api/v1/namespaces/default/pods/" + name + "/" + subresource + path +
                          (query.empty() ? "" : "?" + query);
    call.request.headers = std::move(headers);
    call.exchange = exchange_;
    subresources_.serve(kind, subresource, std::move(call));
    loop_.settle();
  }
  static std::vector<Header> websocket(const std::string& protocols) {
    std::vector<Header> headers = {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}};
    if (!protocols.empty()) headers.push_back({"Sec-WebSocket-Protocol", protocols});
    return headers;
  }
  static std::vector<Header> spdy(const std::vector<std::string>& protocols) {
    std::vector<Header> headers = {{"Connection", "Upgrade"}, {"Upgrade", "SPDY/3.1"}};
    for (const std::string& each : protocols) headers.push_back({"X-Stream-Protocol-Version", each});
    return headers;
  }
  FakePipe& pipe() { return exchange_->pipe; }
  // What the client sends, and what follows from it.
  void client_sends(const std::string& data) {
    exchange_->user->on_data(data);
    loop_.settle();
  }
  // In one piece. (A list, because its parts are made in order, as compressed headers must be.)
  void client_sends_all(const std::vector<std::string>& frames) {
    std::string all;
    for (const std::string& frame : frames) all += frame;
    client_sends(all);
  }
  void expect_error(int code, const std::string& message) {
    ASSERT_TRUE(exchange_->answered);
    EXPECT_EQ(exchange_->response.status, code);
    EXPECT_NE(exchange_->body().find(message), std::string::npos) << exchange_->body();
    EXPECT_EQ(subresources_.waiting(), 0u);
  }

  test::ManualLoop loop_;
  FakeNode node_{loop_};
  std::map<std::pair<api::Kind, std::string>, api::ObjectPtr> objects_;
  Subresources subresources_{
      [this](api::Kind kind, std::string, std::string name, Callback<void(api::Response)> done) {
        loop_.post([this, kind, name, done = std::make_shared<decltype(done)>(std::move(done))] {
          api::Response response;
          const auto it = objects_.find({kind, name});
          if (it == objects_.end()) response.error = api::not_found(kind, name);
          else response.object = it->second;
          (*done)(std::move(response));
        });
      },
      loop_, &node_};
  std::shared_ptr<FakeExchange> exchange_;
};

// A SPDY client: opens streams, and notes what comes back.
class SpdyClient final : private spdy::FrameSink {
 public:
  spdy::Encoder encoder;
  std::map<uint32_t, std::string> data;
  std::vector<uint32_t> replied, finished, reset, pings;
  bool goaway = false;

  // Reads what the server has sent since.
  void read(FakePipe& pipe) {
    for (; read_ < pipe.sent.size(); ++read_) EXPECT_TRUE(decoder_.feed(pipe.sent[read_]).ok());
  }
  bool has_finished(uint32_t stream) const {
    return std::find(finished.begin(), finished.end(), stream) != finished.end();
  }

 private:
  void on_syn_stream(uint32_t, spdy::Headers, bool) override { ADD_FAILURE(); }
  void on_syn_reply(uint32_t stream, spdy::Headers, bool) override { replied.push_back(stream); }
  void on_headers(uint32_t, spdy::Headers, bool) override {}
  void on_data(uint32_t stream, std::string_view part) override { data[stream] += part; }
  void on_fin(uint32_t stream) override { finished.push_back(stream); }
  void on_rst_stream(uint32_t stream, uint32_t) override { reset.push_back(stream); }
  void on_ping(uint32_t id) override { pings.push_back(id); }
  void on_goaway(uint32_t) override { goaway = true; }

  spdy::Decoder decoder_{*this};
  std::size_t read_ = 0;
};

}  // namespace keelson::rest
