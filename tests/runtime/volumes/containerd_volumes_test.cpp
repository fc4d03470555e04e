// Everything real but the API server: an agent, its disk and its containerd. What a container sees of its
// volumes it writes to a folder of the host, where the test looks.
#include <filesystem>
#include <thread>

#include "core/agent/agent.hpp"
#include "core/api/json.hpp"
#include "runtime/host/cri_usage.hpp"
#include "runtime/host/facts.hpp"
#include "runtime/host/host_stats.hpp"
#include "tests/runtime/cri/containerd_fixture.hpp"
#include "tests/runtime/volumes/disk.hpp"
#include "tests/support/fake_api.hpp"

namespace keelson::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPod = R"(
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: default, uid: web-uid, labels: {app: web}}
spec:
  nodeName: n1
  hostNetwork: true
  restartPolicy: Always
  terminationGracePeriodSeconds: 1
  serviceAccountName: robot
  containers:
  - name: main
    image: docker.io/library/busybox:1.35
    imagePullPolicy: IfNotPresent
    command: [sh, -c]
    args:
    - |
      cat /secret/password > /out/password
      cat /one.conf > /out/one
      cat /all/token > /out/token
      cat /all/labels > /out/labels
      touch /etc/app/mine || echo refused > /out/refused
      echo kept > /scratch/note && cat /parts/note > /out/part
      df /scratch | tail -n 1 > /out/df
      while true; do cat /etc/app/a > /out/a.new; mv /out/a.new /out/a; sleep 0.1; done
    volumeMounts:
    - {name: conf, mountPath: /etc/app}
    - {name: conf, mountPath: /one.conf, subPath: a}
    - {name: secret, mountPath: /secret}
    - {name: all, mountPath: /all}
    - {name: scratch, mountPath: /scratch, subPath: deep/er}
    - {name: scratch, mountPath: /parts, subPath: deep/er}
    - {name: out, mountPath: /out}
  volumes:
  - {name: conf, configMap: {name: settings}}
  - {name: secret, secret: {secretName: login}}
  - {name: scratch, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
  - name: all
    projected:
      sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3600}
      - downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}
)";

class ContainerdVolumesTest : public DiskTest {
 protected:
  static Containerd& containerd() {
    static Containerd one;
    return one;
  }
  void SetUp() override {
    DiskTest::SetUp();
    if (IsSkipped()) return;
    KEELSON_NEEDS_CONTAINERD(containerd());
    fs::create_directories(root + "/out");
    on_core([&] {
      api.emplace(loop);
      cri::CriOptions options = containerd().options("n1");
      options.state_directory = root;
      runtime.emplace(loop, log, options);
      disk.emplace(loop, volumes::DiskOptions{.root = root});
    });
  }
  void TearDown() override {
    // While the core thread runs, so that connections end in order.
    on_core([&] {
      agent.reset();
      runtime.reset();
      api.reset();
    });
    end_loop();
    disk.reset();
    DiskTest::TearDown();
  }

  template <class F>
  void on_core(F f) {
    std::promise<void> done;
    loop.post_from_any_thread([&] {
      f();
      done.set_value();
    });
    done.get_future().wait();
  }
  void start_agent() {
    on_core([&] {
      agent::AgentOptions options;
      options.node_name = "n1";
      options.address = "127.0.0.1";
      host::fill(options, host::read_facts({.disk = root}).value());
      options.volumes = &*disk;
      options.last_seen = seen;
      options.save_last_seen = [this](api::Revision revision) { seen = revision; };
      options.incarnation = ++incarnation;
      agent = std::make_unique<agent::Agent>(loop, *api, *runtime, Rng(7), log, std::move(options));
      agent->start();
    });
  }
  void put(const std::string& yaml) {
    on_core([&] {
      auto decoded = api::decode_yaml(yaml, "test");
      ASSERT_TRUE(decoded.ok()) << decoded.error().message;
      api->put(decoded->front().object);
    });
  }
  void config(const std::string& value) {
    put("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: default}\n"
        "data: {a: \"" + value + "\"}\n");
  }
  api::ObjectPtr pod() {
    api::ObjectPtr out;
    on_core([&] { out = api->history().find({api::Kind::pods, "default", "web"}); });
    return out;
  }
  template <class F>
  static bool until(F holds) {
    for (int i = 0; i < 300; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(100ms);
    }
    return false;
  }
  std::string out(const std::string& name) const { return read(root + "/out/" + name); }

  NullLog log;
  std::optional<FakeApi> api;
  std::optional<cri::CriRuntime> runtime;
  std::optional<volumes::DiskVolumes> disk;
  std::unique_ptr<agent::Agent> agent;
  api::Revision seen;
  uint64_t incarnation = 0;
};

TEST_F(ContainerdVolumesTest, AContainerSeesItsVolumesFromStartToEnd) {
  config("first");
  put("apiVersion: v1\nkind: Secret\nmetadata: {name: login, namespace: default}\n"
      "data: {password: aHVzaA==}\n");
  put(std::string(kPod) + "  - {name: out, hostPath: {path: " + root + "/out, type: Directory}}\n");
  start_agent();
  ASSERT_TRUE(until([&] { return out("a") == "first"; }))
      << api::encode_object(*pod());
  EXPECT_EQ(out("password"), "hush");
  EXPECT_EQ(out("one"), "first");
  EXPECT_EQ(out("token"), "token-1");
  EXPECT_EQ(out("labels"), "app=\"web\"");
  EXPECT_EQ(out("refused"), "refused\n") << "a container cannot write to a ConfigMap";
  EXPECT_EQ(out("part"), "kept\n");
  EXPECT_NE(out("df").find("1024"), std::string::npos) << out("df");

  // The node's measurements know what it uses.
  host::HostStats stats(loop, {.disk = root}, host::usage_of(*runtime));
  const auto images =
      wait<agent::ImageFilesystem>([&](auto done) { runtime->image_filesystem(std::move(done)); });
  ASSERT_TRUE(images.ok()) << images.error().message;
  const auto measured = wait<agent::NodeMeasurement>(
      [&](auto done) { stats.measure(images->path, std::move(done)); });
  ASSERT_TRUE(measured.ok()) << measured.error().message;
  EXPECT_GT(measured->image_fs.capacity_bytes, 0U);
  EXPECT_GT(measured->memory_available_bytes, 0U);
  ASSERT_TRUE(measured->pods.contains("web-uid"));
  EXPECT_GT(measured->pods.at("web-uid").at("main").memory_bytes, 0U);

  // A change arrives, also after the agent was away; the container knows nothing of either.
  config("second");
  EXPECT_TRUE(until([&] { return out("a") == "second"; }));
  on_core([&] { agent.reset(); });
  fs::create_directories(root + "/pods/left-behind/volumes/kubernetes.io~empty-dir/x");
  config("third");
  start_agent();
  EXPECT_TRUE(until([&] { return out("a") == "third"; }));
  EXPECT_EQ(out("one"), "first");
  EXPECT_TRUE(until([&] { return !exists(root + "/pods/left-behind"); }));

  on_core([&] {
    api::Pod gone = api->history().find({api::Kind::pods, "default", "web"})->as<api::Pod>();
    gone.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1'790'000'000);
    gone.mutable_metadata()->set_deletion_grace_period_seconds(1);
    api->put(api::make_object(std::move(gone)));
  });
  EXPECT_TRUE(until([&] { return pod() == nullptr; }));
  EXPECT_FALSE(exists(root + "/pods/web-uid"));
  EXPECT_TRUE(volumes::mounts_below(root).value().empty());
  EXPECT_EQ(out("a"), "third") << "the host's folder is the host's";
}

}  // namespace
}  // namespace keelson::test
