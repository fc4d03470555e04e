// What a pod finds when it runs: names, DNS, /etc/hosts, namespaces, ports, sysctls.
#include <fstream>

#include "runtime/cri/http_check.hpp"
#include "tests/runtime/cri/cri_fixture.hpp"

namespace keelson::test {
namespace {

using testing::HasSubstr;

class SandboxTest : public CriTest {
 protected:
  void adjust(cri::CriOptions& options) override {
    options.cluster_dns = "10.96.0.10";
    options.resolv_conf = containerd().directory() + "/resolv.conf";
    std::ofstream(options.resolv_conf) << "nameserver 192.0.2.1\nsearch lan\noptions rotate\n";
  }
  // What the pod's only container prints until it ends.
  std::string output_of(const std::shared_ptr<const api::Pod>& pod) {
    Running pod_run = run(pod);
    if (pod_run.container.empty()) return {};
    ended(pod_run.container);
    return log_of(pod_run.sandbox);
  }
};

TEST_F(SandboxTest, GivesThePodItsNamesAndDns) {
  const std::string out = output_of(shell_pod(
      "names", "hostname; echo $HOSTNAME; cat /etc/resolv.conf /etc/hosts", "",
      "  hostname: web\n  subdomain: sub\n  hostAliases: [{ip: 192.0.2.7, hostnames: [a, b]}]\n"
      "  dnsConfig: {options: [{name: ndots, value: '2'}], searches: [more]}\n"));
  EXPECT_TRUE(out.starts_with("web\nweb\n")) << out;
  EXPECT_THAT(
      out,
      HasSubstr("search default.svc.cluster.local svc.cluster.local cluster.local lan more\n"));
  EXPECT_THAT(out, HasSubstr("nameserver 10.96.0.10\n"));
  EXPECT_THAT(out, HasSubstr("options ndots:2\n"));
  EXPECT_THAT(out, HasSubstr("\tweb.sub.default.svc.cluster.local\tweb\n"));
  EXPECT_THAT(out, HasSubstr("192.0.2.7\ta\tb\n"));
}

TEST_F(SandboxTest, SharesTheNodesNamespacesWhenAsked) {
  auto pod = shell_pod(
      "host", "readlink /proc/self/ns/net; cat /etc/hosts /etc/resolv.conf; ps | wc -l", "",
      "  hostNetwork: true\n  hostPID: true\n"
      "  hostAliases: [{ip: 192.0.2.8, hostnames: [other]}]\n");
  Running host = run(pod);
  EXPECT_EQ(host.sandbox.ip, containerd().address());
  ended(host.container);
  const std::string out = log_of(host.sandbox);
  char own[64] = {};
  ASSERT_GT(::readlink("/proc/self/ns/net", own, sizeof own - 1), 0);
  EXPECT_TRUE(out.starts_with(std::string(own) + "\n")) << out;
  EXPECT_THAT(out, HasSubstr("192.0.2.8\tother\n"));
  EXPECT_THAT(out, HasSubstr("nameserver 192.0.2.1\n"));  // ClusterFirst means Default here
  EXPECT_GT(std::atoi(out.substr(out.rfind('\n', out.size() - 2) + 1).c_str()), 5);
}

TEST_F(SandboxTest, SharesProcessesAndSetsSysctls) {
  const std::string out = output_of(
      shell_pod("shared", "ps -o comm; cat /proc/sys/net/ipv4/ip_unprivileged_port_start", "",
                "  shareProcessNamespace: true\n  securityContext:\n    sysctls: "
                "[{name: net.ipv4.ip_unprivileged_port_start, value: '77'}]\n"));
  EXPECT_THAT(out, HasSubstr("pause\n"));
  EXPECT_THAT(out, HasSubstr("77\n"));
}

TEST_F(SandboxTest, LeadsHostPortsToThePod) {
  if (::system("command -v iptables >/dev/null 2>&1") != 0) KEELSON_TOOL_IS_MISSING("needs iptables");
  const int port = 20'000;
  Running pod = run(
      shell_pod("ports", "echo in the pod > /index.html; httpd -f -p 8080 -h /",
                "    ports: [{containerPort: 8080, hostPort: " + std::to_string(port) + "}]\n"));
  cri::HttpCheck page{.host = containerd().address(), .port = port, .path = "/index.html"};
  agent::ProbeAnswer said{agent::ProbeResult::failure, ""};
  for (int i = 0; i < 100 && said.result != agent::ProbeResult::success; ++i) {
    said = *loop.wait<agent::ProbeAnswer>(
        [&](auto done) { cri::check_http(loop.loop, page, std::move(done)); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(said.result, agent::ProbeResult::success) << said.output;
  const std::string rule =
      "iptables-save -t nat | grep -c -- '--dport " + std::to_string(port) + "' >/dev/null";
  EXPECT_EQ(::system(rule.c_str()), 0);
  EXPECT_TRUE(stop_sandbox(pod.sandbox.id).ok());
  EXPECT_NE(::system(rule.c_str()), 0);
}

TEST_F(SandboxTest, AnEphemeralContainerSeesItsTargetsProcesses) {
  auto pod = std::make_shared<api::Pod>(*shell_pod("debugged", "exec sleep 98"));
  auto& debug = *pod->mutable_spec()->add_ephemeral_containers();
  debug.mutable_ephemeral_container_common()->set_name("debug");
  debug.set_target_container_name("main");
  Running main_run = run(pod);
  ASSERT_EQ(info(main_run.container).state, agent::ContainerState::running);
  agent::ContainerSpec spec = spec_of(pod);
  spec.name = "debug";
  spec.command = {"ps", "-o", "args"};
  spec.args.clear();
  auto id = create(main_run.sandbox.id, spec);
  ASSERT_TRUE(id.ok()) << id.error().message;
  ASSERT_TRUE(start(*id).ok());
  ended(*id);
  EXPECT_THAT(log_of(main_run.sandbox, "debug"), HasSubstr("sleep 98\n"));
}

}  // namespace
}  // namespace keelson::test
