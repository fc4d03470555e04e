// Live sessions: what enters from outside while the cluster runs, and the same session again from
// its recording. Requests go through the real front; connections are kept in memory.
#include "sim/live/live_world.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "core/auth/auth.hpp"
#include "sim/live/api_front.hpp"
#include "sim/live/control.hpp"
#include "sim/live/setup.hpp"

namespace keelson::sim {
namespace {

// What a connection has got.
class Connection final : public rest::Exchange {
 public:
  void respond(rest::HttpResponse response) override {
    status = response.status;
    if (const auto* text = std::get_if<std::string>(&response.body)) body = *text;
    if (const auto* bytes = std::get_if<rest::Bytes>(&response.body)) body = **bytes;
    if (const auto* make = std::get_if<std::function<std::string()>>(&response.body))
      body = (*make)();
    ended = true;
  }
  void begin(int code, std::vector<rest::Header>) override { status = code; }
  void write(std::vector<rest::Bytes> pieces) override {
    for (const rest::Bytes& piece : pieces) body += *piece;
  }
  void finish() override { ended = true; }
  bool blocked() const override { return full; }
  void on_drained(Callback<void()> drained) override { drained_ = std::move(drained); }
  void upgrade(rest::Upgrade, std::shared_ptr<rest::PipeUser> pipe_user) override {
    status = 101;
    user = std::move(pipe_user);
  }
  void on_gone(Callback<void()> gone) override { gone_ = std::move(gone); }

  void leave() {
    if (gone_) gone_();
  }
  void drain() {
    full = false;
    if (drained_) drained_();
  }
  boost::json::object json() const { return boost::json::parse(body).as_object(); }

  int status = 0;
  std::string body;
  bool ended = false, full = false;
  std::shared_ptr<rest::PipeUser> user;

 private:
  Callback<void()> drained_, gone_;
};

auth::UserInfo admin() {
  return {"admin", "", {auth::kMasters, auth::kAuthenticated}, {}};
}

rest::HttpRequest request(const std::string& method, const std::string& target,
                          const std::string& body = "") {
  rest::HttpRequest r;
  r.method = method;
  r.target = target;
  r.body = body;
  r.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  r.peer.address = "127.0.0.1:1";
  r.peer.user = admin();
  return r;
}

constexpr const char* kDeployments = "/apis/apps/v1/namespaces/default/deployments";
constexpr const char* kPods = "/api/v1/namespaces/default/pods";

std::string deployment_json(const std::string& name, int replicas) {
  return R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":")" + name +
         R"("},"spec":{"replicas":)" + std::to_string(replicas) +
         R"(,"selector":{"matchLabels":{"app":"x"}},"template":{"metadata":{"labels":{"app":"x"}},)"
         R"("spec":{"containers":[{"name":"c","image":"nginx"}]}}}})";
}

Setup small_setup() {
  Setup setup;
  setup.version = "test";
  setup.cluster = R"({"name": "up", "cluster": {"pools": [{"count": 3}],
                      "controllerManagers": 1, "schedulers": 1}})";
  setup.seed = 7;
  setup.epoch = {1'800'000'000'000'000'000};
  return setup;
}

LiveOptions options_of(const Setup& setup) {
  auto options = live_options(setup, "test", std::nullopt);
  EXPECT_TRUE(options.ok());
  return std::move(*options);
}

class Live : public ::testing::Test {
 protected:
  Live() : world(options_of(small_setup())) {
    world.record_to([this](const Entry& entry) { recording.push_back(to_line(entry)); });
    world.start();
    run(5s);
  }
  void run(Duration d) { EXPECT_TRUE(world.advance(world.now() + d)); }
  std::shared_ptr<Connection> send(const std::string& method, const std::string& target,
                                   const std::string& body = "") {
    auto connection = std::make_shared<Connection>();
    world.handle(request(method, target, body), connection);
    return connection;
  }
  std::shared_ptr<Connection> answered(const std::string& method, const std::string& target,
                                       const std::string& body = "") {
    auto connection = send(method, target, body);
    run(1s);
    EXPECT_TRUE(connection->ended) << method << " " << target;
    return connection;
  }
  std::size_t running_pods() {
    std::size_t count = 0;
    const auto list = answered("GET", kPods)->json();
    for (const auto& pod : list.at("items").as_array()) {
      count += pod.at("status").at("phase") == "Running" ? 1 : 0;
    }
    return count;
  }

  std::vector<std::string> recording;
  LiveWorld world;
};

uint64_t replayed_hash(const std::vector<std::string>& recording, bool check = false) {
  LiveOptions options = options_of(small_setup());
  options.check = check;
  LiveWorld world(std::move(options));
  world.start();
  for (const std::string& line : recording) {
    const auto entry = parse_entry(line);
    EXPECT_TRUE(entry.ok()) << line;
    if (!entry) return 0;
    const Status ok = world.replay(*entry);
    EXPECT_TRUE(ok.ok()) << ok.message() << " " << line;
    if (!ok) return 0;
  }
  if (check) {
    EXPECT_TRUE(world.checks()->violations().empty());
  }
  return world.hash();
}

TEST_F(Live, RequestsAreAnsweredAsVirtualTimePasses) {
  ASSERT_TRUE(world.ready());
  EXPECT_EQ(answered("GET", "/api/v1/nodes")->json().at("items").as_array().size(), 3u);
  const auto created = send("POST", kDeployments, deployment_json("web", 3));
  EXPECT_EQ(created->status, 0) << "nothing happens before time passes";
  run(1s);
  EXPECT_EQ(created->status, 201);
  EXPECT_EQ(created->json().at("metadata").at("creationTimestamp"), "2027-01-15T08:00:06Z")
      << "dates begin where the setup says";
  run(30s);
  EXPECT_EQ(running_pods(), 3u);
  EXPECT_EQ(world.exchanges(), 0u);
}

TEST_F(Live, TheRecordingIsTheSameSessionAgain) {
  answered("POST", kDeployments, deployment_json("web", 3));
  auto watch = send("GET", std::string(kPods) + "?watch=true");
  run(700ms);
  // Two inputs at one instant, one after events of that instant, and one while time stands still.
  send("PATCH", std::string(kDeployments) + "/nope", "{");
  auto second = send("GET", kPods);
  world.advance(world.now());
  send("DELETE", std::string(kDeployments) + "/nope");
  run(10ms);
  ASSERT_TRUE(world.inject(R"({"fault": "node-crash", "node": "node-2"})").ok());
  run(20s);
  watch->full = true;
  answered("POST", kDeployments, deployment_json("other", 4));
  run(2s);
  watch->drain();
  run(1s);
  ASSERT_TRUE(world.heal(1));
  watch->leave();
  ASSERT_TRUE(world.inject("{fault: api-server-restart, process: api-0, for: 2s}").ok());
  send("GET", kPods);
  run(5s);
  // An advance that is cut short.
  world.advance(world.now() + 10s, 100);
  send("GET", kPods);
  run(8s);
  world.end();

  const std::string all = [&] {
    std::string text;
    for (const std::string& line : recording) text += line;
    return text;
  }();
  for (const char* kind : {"request", "blocked", "drained", "gone", "fault", "heal", "end"}) {
    EXPECT_NE(all.find("\"input\":\"" + std::string(kind) + "\""), std::string::npos) << kind;
  }
  EXPECT_EQ(replayed_hash(recording), world.hash());
  EXPECT_EQ(replayed_hash(recording, true), world.hash()) << "to check it changes nothing";

  // What was cut off at its end replays up to there; what does not fit is found out.
  recording.pop_back();
  EXPECT_NE(replayed_hash(recording), 0u);
  LiveOptions other = options_of(small_setup());
  other.world.seed = 8;
  LiveWorld different(std::move(other));
  different.start();
  Status status;
  for (const std::string& line : recording) {
    status = different.replay(*parse_entry(line));
    if (!status) break;
  }
  EXPECT_EQ(status.code(), Code::conflict);
}

TEST_F(Live, WatchesStreamUntilTheClientLeaves) {
  auto watch = send("GET", std::string(kPods) + "?watch=true");
  run(1s);
  EXPECT_EQ(watch->status, 200);
  EXPECT_FALSE(watch->ended);
  answered("POST", kDeployments, deployment_json("web", 1));
  run(5s);
  EXPECT_NE(watch->body.find("\"ADDED\""), std::string::npos);
  const std::size_t size = watch->body.size();
  watch->leave();
  answered("DELETE", std::string(kDeployments) + "/web");
  run(40s);
  EXPECT_EQ(watch->body.size(), size);
  EXPECT_EQ(world.exchanges(), 0u);
}

TEST_F(Live, ACrashedApiServerAnswers503AndComesBack) {
  auto watch = send("GET", std::string(kPods) + "?watch=true");
  run(1s);
  auto in_progress = send("GET", kPods);
  ASSERT_TRUE(world.inject("{fault: api-server-restart, process: api-0, for: 3s}").ok());
  EXPECT_EQ(in_progress->status, 503) << "its connection broke";
  EXPECT_TRUE(watch->ended);
  auto refused = send("GET", kPods);
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->json().at("reason"), "ServiceUnavailable");
  EXPECT_EQ(world.exchanges(), 0u);
  run(10s);
  EXPECT_EQ(answered("GET", kPods)->status, 200);
}

TEST_F(Live, FaultsLastUntilTheyAreHealed) {
  const auto crash = world.inject(R"({"fault": "node-crash", "node": "node-2"})");
  ASSERT_TRUE(crash.ok()) << crash.error().message;
  run(1h);
  ASSERT_EQ(world.faults().size(), 1u);
  EXPECT_EQ(world.faults()[0].what, "node-2 loses power for good");
  EXPECT_FALSE(world.world().node("node-2")->powered());
  EXPECT_EQ(world.inject(R"({"fault": "node-crash", "node": "node-2"})").code(), Code::denied);
  EXPECT_FALSE(world.heal(*crash + 1));
  EXPECT_TRUE(world.heal(*crash));
  EXPECT_FALSE(world.heal(*crash));
  EXPECT_TRUE(world.world().node("node-2")->powered());
  EXPECT_TRUE(world.faults().empty());

  ASSERT_TRUE(world.inject("{fault: partition, node: node-1, for: 5s}").ok());
  EXPECT_EQ(world.faults().size(), 1u);
  run(6s);
  EXPECT_TRUE(world.faults().empty());
  ASSERT_TRUE(world.inject("{fault: reboot, node: node-1}").ok()) << "ends by itself";
  run(11s);
  EXPECT_TRUE(world.world().node("node-1")->powered());

  for (const char* bad : {"", "[]", "x", "{fault: nope}", "{fault: node-crash, node: node-9}",
                          "{fault: node-crash, colour: red}", "{fault: node-crash, for: soon}",
                          "{fault: store-down, node: node-1}", "{"}) {
    EXPECT_EQ(world.inject(bad).code(), Code::invalid) << bad;
  }
}

TEST_F(Live, TimeThatStandsStillOwesAnswers) {
  EXPECT_EQ(world.owed_until(), std::nullopt);
  const Instant before = world.now();
  auto read = send("GET", kPods);
  while (const auto until = world.owed_until()) {
    const auto next = world.next_event();
    ASSERT_TRUE(next.has_value());
    world.advance(std::min(*next, *until));
  }
  EXPECT_EQ(read->status, 200);
  EXPECT_LE(world.now() - before, Duration(100ms));
}

TEST(LiveTokens, AreTurnedIntoUsersBeforeTheyAreRecorded) {
  class Front final : public LiveFront {
   public:
    void handle(rest::HttpRequest request, rest::ExchangePtr exchange) override {
      exchange->respond(
          {request.peer.user ? 200 : 401, {}, std::string(request.header("Authorization"))});
    }
    std::optional<auth::UserInfo> authenticate(std::string_view token) override {
      if (token != "secret") return std::nullopt;
      return auth::UserInfo{"jane", "", {}, {}};
    }
  };
  LiveOptions options = options_of(small_setup());
  options.make_front = [](World&, ApiServerProcess&) { return std::make_unique<Front>(); };
  LiveWorld world(std::move(options));
  std::string lines;
  world.record_to([&](const Entry& entry) { lines += to_line(entry); });
  world.start();
  const auto send = [&](const std::string& authorization) {
    rest::HttpRequest r = request("GET", "/");
    r.peer.user.reset();
    r.headers.push_back({"authorization", authorization});
    auto connection = std::make_shared<Connection>();
    world.handle(std::move(r), connection);
    world.advance(world.now() + 1s);
    return connection;
  };
  EXPECT_EQ(send("Bearer secret")->status, 200);
  EXPECT_NE(lines.find("jane"), std::string::npos);
  EXPECT_EQ(send("Bearer guessed")->body, "Bearer invalid");
  EXPECT_EQ(send("Basic Z3Vlc3NlZA==")->body, "Bearer invalid");
  for (const char* secret : {"secret", "guessed", "Z3Vlc3NlZA"}) {
    EXPECT_EQ(lines.find(secret), std::string::npos) << secret;
  }
}

TEST(LivePipes, CarryDataBothWaysAndReplay) {
  // Echoes what it gets, in capitals.
  class Echo final : public rest::PipeUser {
   public:
    explicit Echo(Digest& digest) : digest_(digest) {}
    void on_open(rest::Pipe& pipe) override { pipe_ = &pipe; }
    void on_data(std::string_view data) override {
      digest_.add(data);
      if (pipe_->blocked()) return;
      pipe_->send("<" + std::string(data) + ">");
      if (data == "bye") pipe_->close();
    }
    void on_writable() override { pipe_->send("writable"); }
    void on_closed() override { digest_.add("closed"); }

   private:
    Digest& digest_;
    rest::Pipe* pipe_ = nullptr;
  };
  class Front final : public LiveFront {
   public:
    explicit Front(World& world) : world_(world) {}
    void handle(rest::HttpRequest, rest::ExchangePtr exchange) override {
      exchange->upgrade({}, std::make_shared<Echo>(world_.engine().digest()));
    }
    std::optional<auth::UserInfo> authenticate(std::string_view) override { return std::nullopt; }

   private:
    World& world_;
  };
  class Socket final : public rest::Pipe {
   public:
    void send(std::string data) override { got += data; }
    void close() override { closed = true; }
    bool blocked() const override { return full; }
    void pause_reading(bool) override {}
    std::string got;
    bool closed = false, full = false;
  };
  const auto make = [] {
    LiveOptions options = options_of(small_setup());
    options.make_front = [](World& w, ApiServerProcess&) { return std::make_unique<Front>(w); };
    return options;
  };
  std::vector<std::string> lines;
  LiveWorld world(make());
  world.record_to([&](const Entry& entry) { lines.push_back(to_line(entry)); });
  world.start();
  const auto run = [&] { world.advance(world.now() + 1s); };
  auto connection = std::make_shared<Connection>();
  world.handle(request("GET", "/exec"), connection);
  run();
  ASSERT_EQ(connection->status, 101);
  Socket socket;
  connection->user->on_open(socket);
  run();
  connection->user->on_data(std::string("h\0\xff\xc3", 4));
  run();
  EXPECT_EQ(socket.got, std::string("<h\0\xff\xc3>", 6));
  socket.full = true;
  connection->user->on_data("a");
  run();
  connection->user->on_data("lost");
  run();
  EXPECT_EQ(socket.got.find("lost"), std::string::npos);
  socket.full = false;
  connection->user->on_writable();
  run();
  EXPECT_NE(socket.got.find("writable"), std::string::npos);
  connection->user->on_data("bye");
  run();
  EXPECT_TRUE(socket.closed);
  connection->user->on_closed();
  run();
  EXPECT_EQ(world.exchanges(), 0u);
  world.end();

  LiveWorld again(make());
  again.start();
  for (const std::string& line : lines) {
    const Status ok = again.replay(*parse_entry(line));
    ASSERT_TRUE(ok.ok()) << line;
  }
  EXPECT_EQ(again.hash(), world.hash());
}

TEST(LiveRecording, RefusesWhatIsNone) {
  EXPECT_TRUE(is_live_recording(to_line(small_setup())));
  const auto setup = parse_setup(to_line(small_setup()));
  ASSERT_TRUE(setup.ok());
  EXPECT_EQ(setup->cluster, small_setup().cluster);
  EXPECT_EQ(setup->epoch, small_setup().epoch);
  for (const char* bad :
       {"", "{}", "[]", "{\"keelsonLive\":2}", "{\"keelsonLive\":1}", "{\"keelsonLive\":\"x\"}"}) {
    EXPECT_FALSE(parse_setup(bad).ok()) << bad;
  }
  for (const char* bad :
       {"", "{}", "[1]", "{\"at\":1,\"events\":1,\"digest\":1,\"input\":\"nope\"}",
        "{\"at\":1,\"events\":-1,\"digest\":1,\"input\":\"end\"}",
        "{\"at\":1,\"events\":1,\"digest\":1,\"input\":\"request\"}",
        "{\"at\":1,\"events\":1,\"digest\":1,\"input\":\"request\",\"request\":{\"headers\":[[]]}"
        "}"}) {
    EXPECT_FALSE(parse_entry(bad).ok()) << bad;
  }
  auto broken = small_setup();
  broken.cluster = "{name: up, cluster: {pools: [{count: many}]}}";
  EXPECT_EQ(world_options(broken, "up").code(), Code::invalid);
}

TEST(LiveSigner, SaysAgainWhatItHasSaid) {
  class Signer final : public controllers::CertificateSigner {
   public:
    bool signs_for(const std::string& name) const override { return name == "mine"; }
    Result<std::string> sign(const api::CertificateSigningRequest&) const override {
      ++calls;
      if (calls == 1) return std::string("certificate");
      return Error{calls == 2 ? Code::invalid : Code::unavailable, "no"};
    }
    mutable int calls = 0;
  };
  std::vector<std::string> told;
  const auto real = std::make_shared<Signer>();
  const RecordedSigner live(real, [&](std::string answer) { told.push_back(std::move(answer)); });
  const auto ask = [](const RecordedSigner& signer) {
    std::string answers;
    for (int i = 0; i < 3; ++i) {
      const auto answer = signer.sign({});
      answers += answer ? *answer : std::string(to_string(answer.code())) + answer.error().message;
      answers += ";";
    }
    return answers;
  };
  const std::string said = ask(live);
  EXPECT_TRUE(said.starts_with("certificate;")) << said;
  ASSERT_EQ(told.size(), 3u);
  RecordedSigner again(real, [](std::string) { FAIL() << "nothing new was to be signed"; });
  for (const std::string& answer : told) again.expect(answer);
  EXPECT_EQ(ask(again), said);
  EXPECT_EQ(real->calls, 3);
  EXPECT_TRUE(again.signs_for("mine"));
}

// --- The simulation's own endpoint
// ------------------------------------------------------------------

class LiveControl : public Live {
 protected:
  std::shared_ptr<Connection> control(const std::string& method, const std::string& path,
                                      const std::string& body = "", bool as_admin = true) {
    auto connection = std::make_shared<Connection>();
    rest::HttpRequest r = request(method, std::string(kControlPath) + path, body);
    if (!as_admin) r.peer.user = auth::UserInfo{"jane", "", {"dev"}, {}};
    EXPECT_TRUE(Control::is_for(r));
    endpoint.handle(std::move(r), connection);
    return connection;
  }

  Duration real{};
  Pacer pacer{1'000, false, 0s, Instant{} + 5s};
  Control endpoint{world, pacer, [this] { return real; }, [] {}};
};

TEST_F(LiveControl, TurnsTheClock) {
  EXPECT_EQ(control("GET", "clock")->json().at("speed"), "1");
  EXPECT_EQ(control("PUT", "clock", R"({"speed": 10, "paused": true})")->status, 200);
  EXPECT_EQ(pacer.speed(), 10'000);
  EXPECT_TRUE(pacer.paused());
  const auto step = control("POST", "clock/step", R"({"for": "2s"})");
  EXPECT_FALSE(step->ended);
  run(1s);
  endpoint.advanced();
  EXPECT_FALSE(step->ended);
  run(1s);
  endpoint.advanced();
  EXPECT_EQ(step->status, 200);
  EXPECT_EQ(step->json().at("elapsed"), "7s");
  EXPECT_EQ(control("PUT", "clock", R"({"speed": 0.5, "paused": false})")->json().at("speed"),
            "0.5");
  EXPECT_FALSE(pacer.paused());
  for (const char* bad : {R"({"speed": 0})", R"({"speed": 1e9})", R"({"speed": true})", "[]", "{",
                          R"({"pace": 1})", R"({"paused": "yes"})", R"({"speed": -1.5})"}) {
    EXPECT_EQ(control("PUT", "clock", bad)->status, 400) << bad;
  }
  for (const char* bad :
       {R"({"for": "0s"})", R"({"for": 1})", R"({"for": "100d"})", R"({"by": "1s"})"}) {
    EXPECT_EQ(control("POST", "clock/step", bad)->status, 400) << bad;
  }
}

TEST_F(LiveControl, InjectsAndHealsFaults) {
  const auto crash = control("POST", "faults", R"({"fault": "node-crash", "node": "node-3"})");
  ASSERT_EQ(crash->status, 201) << crash->body;
  EXPECT_EQ(crash->json().at("what"), "node-3 loses power for good");
  EXPECT_EQ(control("GET", "faults")->json().at("active").as_array().size(), 1u);
  EXPECT_EQ(control("POST", "faults", R"({"fault": "node-crash", "node": "node-3"})")->status, 409);
  EXPECT_EQ(control("POST", "faults", R"({"fault": "node-crash", "node": "node-4"})")->status, 400);
  EXPECT_EQ(control("DELETE", "faults/9")->status, 404);
  EXPECT_EQ(control("DELETE", "faults/x")->status, 404);
  const std::string id = std::to_string(crash->json().at("id").to_number<uint64_t>());
  EXPECT_EQ(control("DELETE", "faults/" + id)->status, 200);
  ASSERT_EQ(control("POST", "faults", R"({"fault": "watch-break"})")->status, 201);
  ASSERT_EQ(control("POST", "faults", R"({"fault": "store-down"})")->status, 201);
  EXPECT_EQ(control("DELETE", "faults")->json().at("healed"), 1);
  const auto kinds = control("GET", "faults")->json();
  EXPECT_EQ(kinds.at("kinds").as_array().size(), all_faults().size());
  EXPECT_TRUE(kinds.at("active").as_array().empty());
  EXPECT_FALSE(control("GET", "timeline")->json().at("notes").as_array().empty());
}

TEST_F(LiveControl, IsForAdministratorsAlone) {
  EXPECT_EQ(control("GET", "clock", "", false)->status, 403);
  EXPECT_EQ(control("POST", "faults", "{fault: store-down}", false)->status, 403);
  EXPECT_TRUE(world.world().store().available());
  EXPECT_EQ(control("GET", "nope")->status, 404);
  EXPECT_EQ(control("DELETE", "clock")->status, 405);
  EXPECT_EQ(control("GET", "clock/step")->status, 405);
  EXPECT_EQ(control("GET", "faults/1")->status, 405);
  auto connection = std::make_shared<Connection>();
  rest::HttpRequest anonymous = request("GET", std::string(kControlPath) + "clock");
  anonymous.peer.user.reset();
  endpoint.handle(std::move(anonymous), connection);
  EXPECT_EQ(connection->status, 401);
}

}  // namespace
}  // namespace keelson::sim
