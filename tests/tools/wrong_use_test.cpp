// What the commands of a host say to wrong uses: each says what to do, and nothing is made. Needs
// no root.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tools/hosts/process.hpp"

namespace keelson::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const std::string kBinary = std::string(KEELSON_BINARY_DIR) + "/keelson";
const std::string kHash = " --ca-cert-hash sha256:" + std::string(64, 'a');
const std::string kJoin =
    "join 127.0.0.1:1 --token abcdef.0123456789abcdef" + kHash + " --address 127.0.0.1";
const std::string kInit = "init --advertise-address 127.0.0.1";

class WrongUse : public ::testing::Test {
 protected:
  // Should a command work in spite of everything, it works below this directory, and is undone.
  ~WrongUse() override {
    if (fs::exists(root() + "/etc/keelson"))
      hosts::run(kBinary + " reset --force --root " + root());
  }
  std::string root() const { return dir_.path() + "/root"; }
  std::string file(const std::string& text) {
    const std::string path = dir_.path() + "/config.yaml";
    std::ofstream(path) << text;
    return path;
  }

  void says(const std::string& words, const std::string& expected) {
    const hosts::Outcome outcome = hosts::run(kBinary + " " + words, {{"KUBECONFIG", ""}});
    EXPECT_GT(outcome.exit_code, 0) << words << ": " << outcome.output;
    EXPECT_LT(outcome.exit_code, 3) << words << ": " << outcome.output;
    EXPECT_THAT(outcome.output, HasSubstr(expected)) << words;
    EXPECT_FALSE(fs::exists(root())) << words << " has made something";
  }
  // Below a root of its own.
  void refuses(const std::string& words, const std::string& expected) {
    says(words + " --root " + root(), expected);
  }

  hosts::TemporaryDir dir_;
};

TEST_F(WrongUse, Init) {
  refuses("init --nope", "nope");
  refuses("init extra", "unexpected argument extra");
  refuses(kInit + " --port 99999", "--port 99999: expected a number from 1 to 65535");
  refuses(kInit + " --port 0", "--port 0: expected");
  refuses(kInit + " --port abc", "--port abc: expected");
  refuses(kInit + " --history-window 1s", "historyWindow: \"1s\" is no time from 30s to 720h, such as 5m");
  refuses(kInit + " --store-replicas 99", "--store-replicas 99: expected a number from 0 to 8");
  refuses("init --advertise-address 1.2.3", "--advertise-address 1.2.3: is no IPv4 address");
  refuses(kInit + " --bind-address x", "bindAddress: \"x\" is no IPv4 address");
  refuses(kInit + " --name 'Bad Name'", "name: \"Bad Name\" is no name: small letters");
  refuses(kInit + " --pod-network-cidr 10.244.0.0/33", "podCIDR: ");
  refuses(kInit + " --service-cidr foo", "serviceCIDR: ");
  refuses(kInit + " --service-cidr 10.244.7.0/24", "serviceCIDR: 10.244.7.0/24 overlaps podCIDR");
  refuses(kInit + " --timing slow", "timing: must be \"keelson\" or \"kubernetes\"");
  for (const std::string ttl : {"soon", "3000000h", "2400000h", "1ms"}) {
    refuses(kInit + " --token-ttl " + ttl, "--token-ttl " + ttl + ": expected a time such as 24h");
  }
  refuses(kInit + " --token-ttl=-1s", "--token-ttl -1s: expected a time such as 24h");
  refuses(kInit + " --store ftp://x", "store: ");
}

TEST_F(WrongUse, SchedulerConfig) {
  const std::string head =
      "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";
  for (const std::string& command : {kInit, std::string("up --dir ") + root()}) {
    const auto says_of = [&](const std::string& body, const std::string& expected) {
      const std::string config = file(head + body);
      const std::string words = command + " --scheduler-config " + config;
      command == kInit ? refuses(words, expected) : says(words, expected);
    };
    says(command + " --scheduler-config /nowhere.yaml", "/nowhere.yaml");
    says_of("profiles: [{schedulerNam: x}]", "config.yaml:3: profiles[0].schedulerNam: unknown");
    says_of("extenders: [{urlPrefix: \"http://x\", filterVerb: f, tlsConfig: {caFile: /nowhere}}]",
            command == kInit ? "tlsConfig.caFile: "
                             : "config.yaml:3: extenders: nobody answers HTTP in a simulated cluster");
  }
}

TEST_F(WrongUse, Join) {
  refuses("join", "which cluster? keelson join HOST:PORT");
  refuses("join 127.0.0.1:1", "--token is missing; `keelson token create` makes one");
  refuses("join 127.0.0.1:1 --token x", "a token looks like abcdef.0123456789abcdef");
  refuses("join 127.0.0.1:1 --token abcdef.0123456789abcdef", "--ca-cert-hash: expected sha256:");
  refuses(kJoin + " --port 99999", "--port 99999: expected a number from 1 to 65535");
  refuses(kJoin + " --max-pods many", "--max-pods many: expected a number");
  refuses(kJoin + " --labels zone", "--labels zone: expected KEY=VALUE");
  refuses(kJoin + " --taints gpu", "taints: \"gpu\" is no KEY[=VALUE]:NoSchedule");
  refuses(kJoin + " --node-name 'A B'", "name: \"A B\" is no name");
}

TEST_F(WrongUse, ControlPlanes) {
  refuses(kInit + " --store-bind nowhere", "--store-bind nowhere: expected an IPv4 address and a port");
  refuses(kInit + " --store-bind unix:/x", "--store-bind unix:/x: expected an IPv4 address and a port");
  refuses(kInit + " --store redis://10.0.0.1 --store-bind 127.0.0.1:6379", "--store-bind is for a Redis");
  refuses(kInit + " --upload-certs", "other hosts cannot reach it");
  refuses(kInit + " --upload-certs --store redis://127.0.0.1", "other hosts cannot reach it");
  const std::string target = "join 127.0.0.1:1 --control-plane --token abcdef.0123456789abcdef" + kHash;
  refuses("join --control-plane", "which cluster? keelson join HOST:PORT");
  refuses(target, "--certificate-key is missing: `keelson token create");
  refuses(target + " --certificate-key abc", "--certificate-key: expected 64 hex digits");
  const std::string known = target + " --certificate-key " + std::string(64, 'a');
  refuses(known + " --advertise-address host", "--advertise-address host: is no IPv4 address");
  refuses(known + " --advertise-address 127.0.0.1 --name 'A B'", "name: \"A B\" is no name");
  refuses(known + " --advertise-address 127.0.0.1 --bind-address x", "bindAddress: \"x\" is no IPv4");
  // Nobody is there.
  refuses(known + " --advertise-address 127.0.0.1", "127.0.0.1");
  refuses("token create --control-plane", "keelson token");
}

TEST_F(WrongUse, TheOthers) {
  refuses("token create", "run this where `keelson init` ran");
  refuses("token", "keelson token create");
  refuses("certs", "keelson certs check");
  refuses("certs mend", "\"mend\" is none of check and renew");
  refuses("start extra", "unexpected argument extra");
  refuses("reset extra", "unexpected argument extra");
  says("status --kubeconfig /nope", "/nope: no such file or directory");
  says("status --nope", "unknown flag: --nope");
}

TEST_F(WrongUse, ConfigurationsNameTheFileAndTheField) {
  says("control-plane --config /nope", "`keelson init` writes it, --config says where it is");
  says("node --config /nope", "`keelson join` writes it");
  const std::string plane = "name: a\nadvertiseAddress: 127.0.0.1\n",
                    node = "name: a\naddress: 127.0.0.1\n";
  const std::string at = file("");
  const auto config = [&](const char* command, const std::string& text,
                          const std::string& expected) {
    file(text);
    says(std::string(command) + " --config " + at, at + ": " + expected);
  };
  config("control-plane", plane + "prot: 5\n", "prot: there is no such field");
  config("control-plane", plane + "port: \"5\"\n", "port: must be a number from 1 to 65535");
  config("control-plane", "name: a\n", "advertiseAddress: must be set");
  config("control-plane", plane + "store: ftp://x\n", "store: ");
  file("name: [a\n");
  says("control-plane --config " + at, at + ":2:1: did not find expected");
  config("node", node, "servers: must name a server");
  config("node", node + "servers: [\"http://x\"]\n",
         "servers: \"http://x\" is no URL such as https://");
  config("node", node + "servers: [\"https://x\"]\nclusterDNS: dns\n",
         "clusterDNS: \"dns\" is no IPv4 address");
  config("node", node + "kind: ControlPlaneConfiguration\n", "kind: must be \"NodeConfiguration\"");
}

TEST_F(WrongUse, PluginsOfKubectlSayWhatKeelsonSays) {
  const std::string plugins = std::string(KEELSON_SOURCE_DIR) + "/tools/plugins";
  const std::string bin = dir_.path() + "/bin";
  fs::create_directory(bin);
  fs::create_symlink(kBinary, bin + "/keelson");
  for (const char* name : {"init", "join", "keelson"}) {
    const std::string plugin = "/kubectl-" + std::string(name);
    fs::copy_file(plugins + plugin, bin + plugin);
  }
  const std::string path = "PATH=" + bin + ":$PATH ";
  // kubectl itself, where there is one, finds them by their names.
  const bool kubectl = hosts::run("command -v kubectl").exit_code == 0;
  const auto ask = [&](const std::string& verb, const std::string& rest) {
    return hosts::run(path + (kubectl ? "kubectl " : "kubectl-") + verb + " " + rest);
  };
  EXPECT_THAT(ask("init", "--help").output, HasSubstr("keelson init [OPTION...]"));
  EXPECT_THAT(ask("join", "--help").output, HasSubstr("keelson join [OPTION...] HOST:PORT"));
  EXPECT_THAT(ask("keelson", "status --help").output, HasSubstr("what is wrong with a cluster"));
  const hosts::Outcome refused =
      ask("init", "--port 99999 --advertise-address 127.0.0.1 --root " + root());
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, HasSubstr("--port 99999: expected"));
}

}  // namespace
}  // namespace keelson::cli
