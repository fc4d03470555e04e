// The pure parts: DNS, resources, users, errors, texts. No containerd needed.
#include <filesystem>
#include <fstream>

#include "runtime/cri/container_config.hpp"
#include "runtime/cri/dns.hpp"
#include "runtime/cri/inventory.hpp"
#include "runtime/cri/log_rotation.hpp"
#include "runtime/cri/pod_files.hpp"
#include "runtime/cri/resources.hpp"
#include "runtime/cri/rpc.hpp"
#include "runtime/cri/sandbox_config.hpp"
#include "runtime/cri/security.hpp"
#include "runtime/cri/utf8.hpp"
#include "tests/runtime/cri/cri_fixture.hpp"

namespace keelson::cri {
namespace {

using test::pod_of;
using Words = std::vector<std::string>;

std::shared_ptr<const api::Pod> pod_with(const std::string& spec) {
  return pod_of("apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: ns}\nspec:\n" + spec);
}

TEST(Dns, FollowsThePolicy) {
  const DnsConfig host = parse_resolv_conf(
      "# a comment\nnameserver 192.0.2.1\nnameserver\t192.0.2.2 \nsearch old\nsearch lan corp\n"
      "options rotate timeout:1\nsortlist x\n");
  EXPECT_EQ(host,
            (DnsConfig{{"192.0.2.1", "192.0.2.2"}, {"lan", "corp"}, {"rotate", "timeout:1"}}));
  const ClusterDns cluster{"10.0.0.10", "example"};
  const DnsConfig first{
      {"10.0.0.10"}, {"ns.svc.example", "svc.example", "example", "lan", "corp"}, {"ndots:5"}};
  EXPECT_EQ(dns_of(*pod_with("  dnsPolicy: ClusterFirst\n"), cluster, host), first);
  EXPECT_EQ(dns_of(*pod_with("  hostNetwork: true\n"), cluster, host), host);
  EXPECT_EQ(dns_of(*pod_with("  hostNetwork: true\n  dnsPolicy: ClusterFirstWithHostNet\n"),
                   cluster, host),
            first);
  EXPECT_EQ(dns_of(*pod_with("  dnsPolicy: Default\n"), cluster, host), host);
  EXPECT_EQ(dns_of(*pod_with("  dnsPolicy: ClusterFirst\n"), {}, host), host);
  EXPECT_EQ(
      dns_of(*pod_with("  dnsPolicy: None\n  dnsConfig: {nameservers: [192.0.2.9], searches: [s], "
                       "options: [{name: ndots, value: '1'}, {name: edns0}]}\n"),
             cluster, host),
      (DnsConfig{{"192.0.2.9"}, {"s"}, {"ndots:1", "edns0"}}));
}

TEST(Resources, AreThoseOfKubelet) {
  const auto of = [](const std::string& resources, const std::string& more = {}) {
    const auto pod = pod_with(more + "  containers: [{name: c, resources: " + resources + "}]\n");
    return resources_of(*pod, pod->spec().containers(0), int64_t{1} << 30);
  };
  EXPECT_EQ(of("{}").cpu_shares(), 2);
  EXPECT_EQ(of("{}").oom_score_adj(), 1000);
  EXPECT_EQ(of("{}").cpu_quota(), 0);
  EXPECT_EQ(of("{requests: {cpu: 1500m}}").cpu_shares(), 1536);
  EXPECT_EQ(of("{limits: {cpu: 2}}").cpu_shares(), 2048);  // a limit alone is a request too
  EXPECT_EQ(of("{limits: {cpu: 2}}").cpu_quota(), 200'000);
  EXPECT_EQ(of("{limits: {cpu: 1m}}").cpu_quota(), 1000);
  EXPECT_EQ(of("{requests: {cpu: 9000000}}").cpu_shares(), 262'144);
  EXPECT_EQ(of("{requests: {memory: 512Mi}}").oom_score_adj(), 500);
  EXPECT_EQ(of("{requests: {memory: 1}}").oom_score_adj(), 999);
  EXPECT_EQ(of("{requests: {memory: 8Gi}}").oom_score_adj(), 3);
  EXPECT_EQ(of("{limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 1, memory: 1Gi}}").oom_score_adj(),
            -997);
  EXPECT_EQ(of("{}", "  priority: 2000001000\n").oom_score_adj(), -997);
  EXPECT_EQ(of("{limits: {memory: 1Gi}}").memory_limit_in_bytes(), int64_t{1} << 30);
}

TEST(Users, AreVerified) {
  const auto settled = [](const std::string& context, const ImageUser& image) {
    const auto pod = pod_with("  containers: [{name: c, securityContext: " + context + "}]\n");
    auto security = container_security(pod->spec(), pod->spec().containers(0), "/seccomp");
    const Status status = settle_user(pod->spec(), pod->spec().containers(0), image, security);
    if (!status.ok()) return std::string("refused");
    return security.has_run_as_user() ? std::to_string(security.run_as_user().value())
                                      : security.run_as_username();
  };
  EXPECT_EQ(settled("{runAsNonRoot: true}", {.id = 5}), "5");
  EXPECT_EQ(settled("{runAsNonRoot: true}", {.id = 0}), "refused");
  EXPECT_EQ(settled("{runAsNonRoot: true}", {}), "refused");
  EXPECT_EQ(settled("{runAsNonRoot: true}", {.name = "www"}), "refused");
  EXPECT_EQ(settled("{runAsNonRoot: true, runAsUser: 9}", {}), "9");
  EXPECT_EQ(settled("{runAsNonRoot: true, runAsUser: 0}", {.id = 5}), "refused");
  EXPECT_EQ(settled("{runAsGroup: 5}", {.name = "www"}), "www");
  EXPECT_EQ(settled("{runAsGroup: 5}", {}), "0");
}

TEST(Profiles, AreTranslated) {
  const auto of = [](const std::string& spec) {
    const auto pod = pod_with(spec);
    return container_security(pod->spec(), pod->spec().containers(0), "/seccomp");
  };
  EXPECT_EQ(of("  containers: [{name: c}]\n").seccomp().profile_type(),
            wire::SecurityProfile::RuntimeDefault);
  const auto silent = pod_with("  containers: [{name: c}]\n");
  EXPECT_EQ(container_security(silent->spec(), silent->spec().containers(0), "/seccomp", false)
                .seccomp()
                .profile_type(),
            wire::SecurityProfile::Unconfined);
  EXPECT_EQ(of("  containers: [{name: c, securityContext: {privileged: true}}]\n")
                .seccomp()
                .profile_type(),
            wire::SecurityProfile::Unconfined);
  EXPECT_EQ(of("  securityContext: {seccompProfile: {type: Unconfined}}\n"
               "  containers: [{name: c}]\n")
                .seccomp()
                .profile_type(),
            wire::SecurityProfile::Unconfined);
  const auto local =
      of("  securityContext: {seccompProfile: {type: RuntimeDefault}}\n"
         "  containers: [{name: c, securityContext: {seccompProfile: "
         "{type: Localhost, localhostProfile: a/b.json}}}]\n");
  EXPECT_EQ(local.seccomp().profile_type(), wire::SecurityProfile::Localhost);
  EXPECT_EQ(local.seccomp().localhost_ref(), "/seccomp/a/b.json");
  EXPECT_GT(of("  containers: [{name: c}]\n").masked_paths_size(), 5);
  EXPECT_EQ(
      of("  containers: [{name: c, securityContext: {procMount: Unmasked}}]\n").masked_paths_size(),
      0);
  const auto caps =
      of("  containers: [{name: c, securityContext: {capabilities: {add: [CAP_NET_ADMIN]}}}]\n");
  EXPECT_EQ(caps.capabilities().add_capabilities(0), "NET_ADMIN");
}

TEST(Names, AreCut) {
  const std::string longest(70, 'a');
  const auto pod =
      pod_of("apiVersion: v1\nkind: Pod\nmetadata: {name: " + longest + "}\nspec: {}\n");
  EXPECT_EQ(hostname_of(*pod, "d"), std::string(63, 'a'));
  EXPECT_EQ(
      hostname_of(*pod_with("  hostname: h\n  subdomain: s\n  setHostnameAsFQDN: true\n"), "d"),
      "h.s.ns.svc.d");
  EXPECT_EQ(full_name_of(*pod_with("  hostname: h\n"), "d"), "");
}

TEST(Ports, AreFoundByNumberAndName) {
  const std::string note = "http=80 odd=x admin=8080";
  const auto find = [&](const std::string& name) {
    api::IntOrString port;
    port.set_type(1);
    port.set_str_val(name);
    return find_port(note, port).value_or(0);
  };
  EXPECT_EQ(find("http"), 80);
  EXPECT_EQ(find("admin"), 8080);
  EXPECT_EQ(find("odd"), 0);
  EXPECT_EQ(find("81"), 81);
  EXPECT_EQ(find("99999"), 0);
  EXPECT_EQ(find(""), 0);
  api::IntOrString number;
  number.set_int_val(70'000);
  EXPECT_FALSE(find_port(note, number));
}

TEST(RpcErrors, SayWhetherItMayHaveHappened) {
  const auto code = [](int status, const std::string& message, Effect effect = Effect::changes) {
    return rpc_error(status, message, effect).code;
  };
  EXPECT_EQ(code(14, "failed to connect to all addresses; last error: ..."), Code::unavailable);
  EXPECT_EQ(code(14, "Socket closed"), Code::unknown);
  EXPECT_EQ(code(14, "Socket closed", Effect::reads), Code::unavailable);
  EXPECT_EQ(code(4, "Deadline Exceeded"), Code::unknown);
  EXPECT_EQ(code(5, "no such container"), Code::not_found);
  EXPECT_EQ(code(2, "failed to reserve sandbox name \"a\": name \"a\" is reserved for \"b\""),
            Code::exists);
  EXPECT_EQ(code(2, "failed to create: context deadline exceeded"), Code::unknown);
  EXPECT_EQ(code(2, "failed to pull"), Code::unavailable);
  EXPECT_FALSE(rpc_error(2, "", Effect::reads).message.empty());
}

TEST(Utf8, ReplacesWhatIsNone) {
  EXPECT_EQ(to_utf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
            "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(to_utf8("\xff"), bad);
  EXPECT_EQ(to_utf8("\xc0\xaf"), bad + bad);            // too long a form
  EXPECT_EQ(to_utf8("\xed\xa0\x80"), bad + bad + bad);  // half of a pair
  EXPECT_EQ(to_utf8("x\xe2\x82"), "x" + bad + bad);     // cut off
}

TEST(Inventory, KeepsWhatIsNewerThanTheList) {
  Inventory inventory;
  wire::ListPodSandboxResponse sandboxes;
  wire::ListContainersResponse containers;
  const uint64_t asked = inventory.sequence();
  KnownContainer made;
  made.info.id = "new";
  inventory.add(made);
  inventory.add(agent::SandboxInfo{.id = "pod", .ip = "192.0.2.1"}, false);
  inventory.take(sandboxes, containers, asked);  // which does not know them yet
  ASSERT_NE(inventory.container("new"), nullptr);
  ASSERT_NE(inventory.sandbox("pod"), nullptr);
  inventory.take(sandboxes, containers, inventory.sequence());
  EXPECT_EQ(inventory.container("new"), nullptr);
  EXPECT_EQ(inventory.sandbox("pod"), nullptr);
}

TEST(Inventory, AsksOncePerState) {
  Inventory inventory;
  wire::ListContainersResponse containers;
  wire::Container& listed = *containers.add_containers();
  listed.set_id("c");
  const auto take = [&](wire::ContainerState state) {
    listed.set_state(state);
    inventory.take({}, containers, inventory.sequence());
    return inventory.containers_to_ask().size();
  };
  const auto learn = [&](wire::ContainerState state, int code) {
    wire::ContainerStatusResponse answer;
    answer.mutable_status()->set_id("c");
    answer.mutable_status()->set_state(state);
    answer.mutable_status()->set_exit_code(code);
    (*answer.mutable_info())["info"] = "{\"pid\": 77}";
    inventory.learn(answer);
  };
  EXPECT_EQ(take(wire::CONTAINER_CREATED), 0u);
  EXPECT_EQ(take(wire::CONTAINER_RUNNING), 1u);
  learn(wire::CONTAINER_RUNNING, 0);
  EXPECT_EQ(inventory.container("c")->pid, 77);
  EXPECT_EQ(take(wire::CONTAINER_RUNNING), 0u);
  EXPECT_EQ(take(wire::CONTAINER_EXITED), 1u);
  learn(wire::CONTAINER_EXITED, 3);
  EXPECT_EQ(take(wire::CONTAINER_EXITED), 0u);
  const agent::ContainerInfo info = inventory.state().containers.at(0);
  EXPECT_EQ(info.exit_code, 3);
  EXPECT_EQ(info.reason, "Error");
  // What the runtime has lost sight of may run.
  EXPECT_EQ(take(wire::CONTAINER_UNKNOWN), 1u);
  EXPECT_EQ(inventory.state().containers.at(0).state, agent::ContainerState::running);
  EXPECT_TRUE(inventory.container("c")->lost);
}

class FilesTest : public testing::Test {
 protected:
  FilesTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "keelson-files-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~FilesTest() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
};

TEST_F(FilesTest, RotatesAndKeepsTheNewest) {
  const std::string path = directory_ + "/0.log";
  const LogLimits limits{.bytes_max = 3, .files_max = 3};
  std::string last;
  for (int i = 0; i < 5; ++i) {
    std::ofstream(path) << "text " << i;
    ASSERT_TRUE(log_too_long(path, limits));
    auto aside =
        put_log_aside(path, limits, {1'700'000'000'000'000'000});  // all in the same second
    ASSERT_TRUE(aside.ok()) << aside.error().message;
    last = *aside;
  }
  EXPECT_EQ(last.find(path + ".20231114-221320"), 0u);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) files += entry.exists();
  EXPECT_EQ(files, 2u);  // with the one that is written next: three
  EXPECT_EQ(read_tail(last, 100), "text 4");
  take_log_back(path, last);
  EXPECT_EQ(read_tail(path, 100), "text 4");
  EXPECT_FALSE(log_too_long(directory_ + "/none", limits));
  EXPECT_FALSE(put_log_aside(directory_ + "/none", limits, {}).ok());
}

TEST_F(FilesTest, ReadsTheEndsOfLogs) {
  PodFiles files(directory_, directory_);
  const PodName pod{"u", "n", "p"};
  ASSERT_TRUE(files.make_log_directory(pod, "c").ok());
  {
    std::ofstream out(files.log_file(pod, "c", 0));
    for (int i = 0; i < 200; ++i)
      out << "2026-01-02T03:04:05.123456789Z stdout F line " << i << "\n";
    out << "2026-01-02T03:04:05.1Z stderr P begun, \n2026-01-02T03:04:05.1Z stderr F "
           "ended\nnonsense\n";
  }
  const std::string tail = files.log_tail(pod, "c", 0);
  EXPECT_TRUE(tail.ends_with("line 199\nbegun, ended\n\n")) << tail;
  EXPECT_LE(tail.size(), termination_log_max);
  EXPECT_EQ(std::count(tail.begin(), tail.end(), '\n') <= termination_log_lines, true);
  EXPECT_EQ(files.log_tail(pod, "other", 0), "");
}

}  // namespace
}  // namespace keelson::cri
