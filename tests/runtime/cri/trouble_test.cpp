// containerd goes away, comes back, and loses what it knew; logs grow; a gRPC service is asked for
// its health.
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/server_builder.h>

#include <filesystem>
#include <fstream>

#include "runtime/cri/proto/health.pb.h"
#include "runtime/cri/rpc.hpp"
#include "tests/runtime/cri/cri_fixture.hpp"

namespace keelson::test {
namespace {

using testing::HasSubstr;

// A containerd for itself: the others go on.
class TroubleTest : public CriTest {
 protected:
  explicit TroubleTest(ContainerdOptions options = {}) : own_(options) {}
  void SetUp() override {
    KEELSON_NEEDS_CONTAINERD(own_);
    node_ = "trouble";
    loop.use(own_.options(node_));
  }
  void TearDown() override {}
  Containerd own_;
};

TEST_F(TroubleTest, SurvivesARestartOfContainerd) {
  Running pod = run(shell_pod("restart", "sleep 3; exit 5"));
  ASSERT_EQ(info(pod.container).state, agent::ContainerState::running);
  own_.stop();
  EXPECT_EQ(list().code(), Code::unavailable);
  auto other = shell_pod("while-away", "true");
  EXPECT_EQ(run_sandbox(other).code(), Code::unavailable);  // nothing was sent
  EXPECT_EQ(start(pod.container).code(), Code::unknown);    // to be looked at, not to be given up
  api::Probe exec;
  exec.mutable_handler()->mutable_exec()->add_command("true");
  EXPECT_EQ(probe(pod.container, exec).code(), Code::unavailable);  // no failure of the container
  ASSERT_TRUE(own_.start());
  // The connection comes back by itself.
  Result<agent::RuntimeState> state = list();
  for (int i = 0; i < 100 && !state.ok(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    state = list();
  }
  ASSERT_TRUE(state.ok()) << state.error().message;
  ASSERT_EQ(state->sandboxes.size(), 1u);
  EXPECT_EQ(state->sandboxes[0].ip, pod.sandbox.ip);
  EXPECT_EQ(ended(pod.container).exit_code, 5);
}

class CapabilityTest : public TroubleTest {
 protected:
  CapabilityTest() : TroubleTest({.restrict_oom_score_adj = false}) {}
  // By its number in linux/capability.h.
  static bool has_capability(int number) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("CapEff:")) return (std::stoull(line.substr(7), nullptr, 16) >> number & 1) != 0;
    }
    return false;
  }
};

TEST_F(CapabilityTest, SaysWhatToSetWhereItIsMissing) {
  if (has_capability(24)) GTEST_SKIP() << "CAP_SYS_RESOURCE is there";
  auto sandbox = run_sandbox(shell_pod("strict", "true"));
  ASSERT_FALSE(sandbox.ok());
  EXPECT_THAT(sandbox.error().message, HasSubstr("restrict_oom_score_adj = true"));
}

TEST(CriAway, AnswersUnavailableAndDropsCallsWithItsEnd) {
  CriLoop loop;
  loop.use({.socket = "/nonexistent/containerd.sock", .node = "n"});
  auto state =
      loop.wait<agent::RuntimeState>([&](auto done) { loop.runtime->list(std::move(done)); });
  EXPECT_EQ(state.code(), Code::unavailable);
  bool called = false;
  loop.on_loop([&] {
    loop.runtime->list([&](Result<agent::RuntimeState>) { called = true; });
    loop.runtime.owned.reset();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  loop.on_loop([] {});
  EXPECT_FALSE(called);
}

class RotationTest : public CriTest {
 protected:
  void adjust(cri::CriOptions& options) override {
    options.log_bytes_max = 2000;
    options.log_files_max = 3;
    options.log_rotation_period = 50ms;
  }
};

TEST_F(RotationTest, KeepsLogsShortAndLosesNoLine) {
  Running pod = run(shell_pod(
      "chatty", "i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); sleep 0.005; done"));
  ASSERT_EQ(info(pod.container).state, agent::ContainerState::running);
  ended(pod.container);
  namespace fs = std::filesystem;
  const std::string logs = containerd().directory() + "/logs/default_chatty_" + pod.sandbox.pod_uid;
  // The last file may be put aside just now.
  std::vector<fs::path> files;
  std::string all, before;
  do {
    before = std::exchange(all, {});
    files.clear();
    for (const auto& entry : fs::directory_iterator(logs + "/main")) files.push_back(entry.path());
    for (const fs::path& file : files) {
      std::ifstream in(file);
      all.append(std::istreambuf_iterator<char>(in), {});
    }
    std::this_thread::sleep_for(100ms);
  } while (all != before);
  EXPECT_EQ(files.size(), 3u);
  EXPECT_THAT(all, HasSubstr(" line 399\n"));
  // All that is left follows on without a gap.
  const auto first = static_cast<int>(400 - std::count(all.begin(), all.end(), '\n'));
  EXPECT_GT(first, 0);
  for (int i = first; i < 400; ++i) {
    ASSERT_THAT(all, HasSubstr(" line " + std::to_string(i) + "\n"));
  }
  EXPECT_TRUE(remove(pod.container).ok());
  EXPECT_TRUE(fs::is_empty(logs + "/main"));
}

// Health's Check, for any service: "good" serves, others do not.
class HealthServer final : public grpc::CallbackGenericService {
 public:
  HealthServer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
  }
  int port() const { return port_; }

 private:
  class Answer final : public grpc::ServerGenericBidiReactor {
   public:
    Answer() { StartRead(&request_); }
    void OnReadDone(bool ok) override {
      ::grpc::health::v1::HealthCheckRequest asked;
      if (!ok ||
          !grpc::SerializationTraits<google::protobuf::MessageLite>::Deserialize(&request_, &asked)
               .ok()) {
        return Finish(grpc::Status(grpc::INTERNAL, "unreadable"));
      }
      using Response = ::grpc::health::v1::HealthCheckResponse;
      Response said;
      said.set_status(asked.service() == "good" ? Response::SERVING : Response::NOT_SERVING);
      bool owned = false;
      (void)grpc::SerializationTraits<google::protobuf::MessageLite>::Serialize(said, &response_,
                                                                                &owned);
      StartWriteAndFinish(&response_, {}, grpc::Status());
    }
    void OnDone() override { delete this; }

   private:
    grpc::ByteBuffer request_, response_;
  };
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Answer;
  }
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

class GrpcProbeTest : public CriTest {
 protected:
  void adjust(cri::CriOptions& options) override { options.address = "127.0.0.1"; }
};

TEST_F(GrpcProbeTest, AsksForItsHealth) {
  HealthServer server;  // in the host's network, as the pod
  Running pod = run(shell_pod("grpc", "sleep 100", "", "  hostNetwork: true\n"));
  api::Probe ask;
  ask.set_timeout_seconds(5);
  ask.mutable_handler()->mutable_grpc()->set_port(server.port());
  ask.mutable_handler()->mutable_grpc()->set_service("good");
  auto good = probe(pod.container, ask);
  ASSERT_TRUE(good.ok()) << good.error().message;
  EXPECT_EQ(good->result, agent::ProbeResult::success) << good->output;
  ask.mutable_handler()->mutable_grpc()->set_service("bad");
  EXPECT_EQ(probe(pod.container, ask)->output,
            "service unhealthy (responded with \"NOT_SERVING\")");
}

}  // namespace
}  // namespace keelson::test
