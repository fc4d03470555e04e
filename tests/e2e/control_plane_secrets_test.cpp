// What a host must show to become a control plane.
#include "tests/e2e/control_planes.hpp"

namespace keelson::e2e {
namespace {

// What a host must show to become a control plane, and how long that is good.
class ControlPlaneSecretsTest : public ControlPlanes {
 protected:
  void SetUp() override { make_hosts(); }

  // The status of a GET with a bootstrap token.
  std::string answer(const std::string& token, const std::string& path) {
    return hosts_->run(2, "curl -sk -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer " + token +
                              "' https://10.111.0.1:6443" + path).output;
  }
};

TEST_F(ControlPlaneSecretsTest, OnlyTheKeyOpensThem) {
  hosts_->init(1, "--store-bind " + Hosts::address(1) + ":6379");
  if (HasFatalFailure()) return;
  const std::string good = command();
  const std::size_t token_at = good.find("--token ") + 8, key_at = good.find("--certificate-key ") + 18;
  const std::string token = good.substr(token_at, 23);

  // The token reads the sealed secrets, and no other.
  const std::string secrets = "/api/v1/namespaces/kube-system/secrets";
  EXPECT_EQ(answer(token, secrets + "/keelson-certs"), "200");
  EXPECT_EQ(answer(token, secrets + "/bootstrap-token-" + token.substr(0, 6)), "403");
  EXPECT_EQ(answer(token, secrets), "403");
  // They are sealed: none of the keys is to be seen.
  for (const char* name : {"ca", "sa"}) {
    const std::string sealed = user(1, std::string("kubectl get secret -n kube-system keelson-certs -o "
                                                   "jsonpath='{.data.") + name + "\\.key}' | base64 -d").output;
    EXPECT_GT(sealed.size(), 200u);
    EXPECT_EQ(sealed.find("PRIVATE KEY"), std::string::npos);
  }

  // Another key opens nothing, and leaves nothing behind.
  std::string wrong = good;
  wrong[key_at] = wrong[key_at] == '0' ? '1' : '0';
  const Outcome refused = join_control_plane(2, wrong);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.output.find("--certificate-key"), std::string::npos) << refused.output;
  EXPECT_EQ(refused.output.find("started"), std::string::npos) << refused.output;
  EXPECT_EQ(hosts_->run(2, "ls -A " + hosts_->root(2)).output, "");

  // Nor does another host under a name, or at an address, that is taken.
  const Outcome namesake = hosts_->run(
      2, keelson_binary() + good + " --name h1 --root " + hosts_->root(2));
  EXPECT_EQ(namesake.exit_code, 1);
  EXPECT_NE(namesake.output.find("--name h1: the cluster has"), std::string::npos) << namesake.output;
  const Outcome twin = hosts_->run(2, keelson_binary() + good + " --name h2 --advertise-address " +
                                          Hosts::address(1) + " --root " + hosts_->root(2));
  EXPECT_EQ(twin.exit_code, 1);
  EXPECT_NE(twin.output.find("--advertise-address 10.111.0.1: the"), std::string::npos) << twin.output;
  EXPECT_EQ(hosts_->run(2, "ls -A " + hosts_->root(2)).output, "");

  // When the time of the token that owns them is over, they are gone, and so is the way in.
  EXPECT_EQ(user(1, "kubectl patch secret -n kube-system $(kubectl get secret -n kube-system keelson-certs "
                    "-o jsonpath='{.metadata.ownerReferences[0].name}') "
                    R"(-p '{"stringData":{"expiration":"2020-01-01T00:00:00Z"}}')").exit_code, 0);
  until(1, "! kubectl get secret -n kube-system keelson-certs");
  const Outcome late = join_control_plane(2, good);
  EXPECT_EQ(late.exit_code, 1);
  EXPECT_NE(late.output.find("uploads them anew"), std::string::npos) << late.output;

  // The store itself wants a password, of others than of us.
  EXPECT_NE(hosts_->run(2, "redis-cli -h 10.111.0.1 xlen '{keelson}:log'").output.find("NOAUTH"),
            std::string::npos);
  const Outcome joined = join_control_plane(2, command());
  EXPECT_EQ(joined.exit_code, 0) << joined.output;
  EXPECT_EQ(user(2, "kubectl get --raw /readyz").output, "ok");
}

TEST_F(ControlPlaneSecretsTest, AStoreOfOneHostIsNotShared) {
  hosts_->init(1);
  if (HasFatalFailure()) return;
  const Outcome refused =
      hosts_->run(1, keelson_binary() + " token create --print-join-command --control-plane --root " +
                         hosts_->root(1));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.output.find("--store-bind"), std::string::npos) << refused.output;
  const Outcome beforehand =
      hosts_->run(2, keelson_binary() + " init --upload-certs --root " + hosts_->root(2));
  EXPECT_EQ(beforehand.exit_code, 1);
  EXPECT_NE(beforehand.output.find("--store-bind"), std::string::npos) << beforehand.output;
  EXPECT_EQ(hosts_->run(2, "ls -A " + hosts_->root(2)).output, "");
}

}  // namespace
}  // namespace keelson::e2e
