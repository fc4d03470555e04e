// What a container's processes may and may not do, and what is reported of their ends.
#include "tests/runtime/cri/cri_fixture.hpp"

namespace keelson::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class ContainerTest : public CriTest {
 protected:
  std::string output_of(const std::shared_ptr<const api::Pod>& pod) {
    Running pod_run = run(pod);
    if (pod_run.container.empty()) return {};
    ended(pod_run.container);
    return log_of(pod_run.sandbox);
  }
  Code creation(const std::string& name, const std::string& more, const std::string& spec = {}) {
    auto pod = shell_pod(name, "true", more, spec);
    auto sandbox = run_sandbox(pod);
    if (!sandbox.ok()) return sandbox.code();
    return create(sandbox->id, spec_of(pod)).code();
  }
};

TEST_F(ContainerTest, RunsAsToldAndMayNoMoreThanThat) {
  const std::string out = output_of(
      shell_pod("as-told",
                "id -u; id -g; id -G; grep -E 'NoNewPrivs|Seccomp:|CapBnd' /proc/self/status; "
                "touch /x 2>&1; grep -c ' /proc/sys ro' /proc/self/mountinfo; pwd; echo ${NAME}",
                "    workingDir: /tmp\n"
                "    env: [{name: NAME, value: given}]\n"
                "    securityContext:\n      allowPrivilegeEscalation: false\n"
                "      readOnlyRootFilesystem: true\n      runAsGroup: 33\n"
                "      seccompProfile: {type: RuntimeDefault}\n"
                "      capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}\n",
                "  securityContext: {runAsUser: 1234, fsGroup: 555, supplementalGroups: [666]}\n"));
  EXPECT_THAT(out, HasSubstr("1234\n33\n33 555 666\n"));
  EXPECT_THAT(out, HasSubstr("CapBnd:\t0000000000000400\n"));
  EXPECT_THAT(out, HasSubstr("NoNewPrivs:\t1\n"));
  EXPECT_THAT(out, HasSubstr("Seccomp:\t2\n"));
  EXPECT_THAT(out, HasSubstr("Read-only file system"));
  EXPECT_THAT(out, HasSubstr("1\n/tmp\ngiven\n"));
}

TEST_F(ContainerTest, PrivilegedMayNearlyEverything) {
  const std::string out = output_of(
      shell_pod("privileged", "grep -E 'Seccomp:|CapEff' /proc/self/status; ls /dev | wc -l",
                "    securityContext: {privileged: true}\n"));
  EXPECT_THAT(out, HasSubstr("Seccomp:\t0\n"));
  EXPECT_THAT(out, Not(HasSubstr("CapEff:\t00000000a80425fb")));
}

TEST_F(ContainerTest, VerifiesThatItIsNotRoot) {
  const std::string as_root = "    securityContext: {runAsNonRoot: true}\n";
  EXPECT_EQ(creation("image-root", as_root), Code::invalid);
  EXPECT_EQ(creation("asks-root", "    securityContext: {runAsUser: 0}\n",
                     "  securityContext: {runAsNonRoot: true}\n"),
            Code::invalid);
  EXPECT_EQ(creation("not-root", "    securityContext: {runAsNonRoot: true, runAsUser: 7}\n"),
            Code::ok);
  // A group needs a user to go with: the image's.
  EXPECT_EQ(
      output_of(shell_pod("group", "id -u; id -g", "    securityContext: {runAsGroup: 33}\n")),
      "0\n33\n");
}

TEST_F(ContainerTest, LimitsWhatItUses) {
  Running limited = run(shell_pod("limited", "sleep 100",
                                  "    resources: {requests: {cpu: 250m, memory: 16Mi}, "
                                  "limits: {cpu: 500m, memory: 32Mi}}\n"));
  const std::string spec = containerd().ctr("container info " + limited.container);
  EXPECT_THAT(spec, HasSubstr("\"shares\": 256"));
  EXPECT_THAT(spec, HasSubstr("\"quota\": 50000"));
  EXPECT_THAT(spec, HasSubstr("\"limit\": 33554432"));
  EXPECT_THAT(spec, HasSubstr("\"cgroupsPath\": \"" + containerd().cgroup_parent() + "/"));
}

TEST_F(ContainerTest, TellsWhoWasKilledForItsMemory) {
  Running hungry = run(shell_pod("hungry", "head -c 200000000 /dev/zero | tail | wc -c",
                                 "    resources: {limits: {memory: 24Mi}}\n"));
  agent::ContainerInfo end = ended(hungry.container);
  EXPECT_EQ(end.reason, "OOMKilled");
}

TEST_F(ContainerTest, TakesTheMessageFromTheLogWhenAsked) {
  Running failed = run(shell_pod("talks", "echo one; echo two; exit 1",
                                 "    terminationMessagePolicy: FallbackToLogsOnError\n"));
  EXPECT_EQ(ended(failed.container).message, "one\ntwo\n");
  Running well = run(shell_pod("content", "echo one; exit 0",
                               "    terminationMessagePolicy: FallbackToLogsOnError\n"));
  agent::ContainerInfo end = ended(well.container);
  EXPECT_EQ(end.message, "");
  EXPECT_EQ(end.reason, "Completed");
  // What is no UTF-8, and too long.
  Running loud = run(shell_pod(
      "loud",
      "printf 'a\\377' > /dev/termination-log; yes | head -c 9000 >> /dev/termination-log"));
  end = ended(loud.container);
  EXPECT_LE(end.message.size(), 4096u);
  Running odd = run(shell_pod("odd", "printf 'a\\377b' > /dev/termination-log"));
  EXPECT_EQ(ended(odd.container).message,
            "a\xef\xbf\xbd"
            "b");
}

TEST_F(ContainerTest, SurvivesWhatIsNoText) {
  auto pod = shell_pod("bytes", "printf %s \"$RAW\" | od -An -tx1");
  auto sandbox = run_sandbox(pod);
  ASSERT_TRUE(sandbox.ok());
  agent::ContainerSpec spec = spec_of(pod);
  spec.environment = {{"RAW", "\xff\xfe!"}};
  auto id = create(sandbox->id, spec);
  ASSERT_TRUE(id.ok()) << id.error().message;
  ASSERT_TRUE(start(*id).ok());
  ended(*id);
  // containerd keeps it as JSON, where only text has a place.
  EXPECT_THAT(log_of(*sandbox), HasSubstr("ef bf bd ef bf bd 21"));
  // What cannot be started is named in the runtime's answer, and in the container's status.
  spec.command = {"/bin/\xff"};
  spec.attempt = 1;
  id = create(sandbox->id, spec);
  ASSERT_TRUE(id.ok()) << id.error().message;
  EXPECT_FALSE(start(*id).ok());
  EXPECT_EQ(ended(*id).exit_code, 128);
}

TEST_F(ContainerTest, SeesItsMounts) {
  auto pod = shell_pod("mounts", "cat /data/file; touch /data/x 2>&1; touch /rw/x && echo written");
  auto sandbox = run_sandbox(pod);
  ASSERT_TRUE(sandbox.ok());
  const std::string from = containerd().directory() + "/volume";
  ASSERT_EQ(::system(("mkdir -p " + from + " && echo inside > " + from + "/file").c_str()), 0);
  agent::ContainerSpec spec = spec_of(pod);
  spec.mounts = {{from, "/data", true, ""}, {from, "/rw", false, ""}};
  auto id = create(sandbox->id, spec);
  ASSERT_TRUE(id.ok()) << id.error().message;
  ASSERT_TRUE(start(*id).ok());
  ended(*id);
  const std::string out = log_of(*sandbox);
  EXPECT_THAT(out, HasSubstr("inside\n"));
  EXPECT_THAT(out, HasSubstr("Read-only file system"));
  EXPECT_THAT(out, HasSubstr("written\n"));
}

TEST_F(ContainerTest, CountsWhatItUses) {
  Running busy = run(shell_pod("busy", "i=0; while true; do i=$((i+1)); done"));
  for (int tries = 0;; ++tries) {
    auto usage =
        loop.wait<cri::NodeUsage>([&](auto done) { loop.runtime->usage(std::move(done)); });
    ASSERT_TRUE(usage.ok()) << usage.error().message;
    ASSERT_LE(usage->size(), 1u);
    if (usage->size() == 1 && usage->at(0).cpu_ns > 10'000'000) {
      EXPECT_EQ(usage->at(0).pod_name, "busy");
      EXPECT_EQ(usage->at(0).name, "main");
      EXPECT_EQ(usage->at(0).pod_uid, busy.sandbox.pod_uid);
      EXPECT_GT(usage->at(0).memory_working_set, 0u);
      break;
    }
    ASSERT_LT(tries, 100);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace
}  // namespace keelson::test
