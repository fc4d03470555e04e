// Which certificate requests a cluster approves by itself, and above all which it does not.
#include <gtest/gtest.h>

#include "runtime/pki/certificate.hpp"
#include "runtime/pki/judge.hpp"

namespace keelson::runtime {
namespace {

constexpr const char* kClient = "kubernetes.io/kube-apiserver-client";
constexpr const char* kNodeClient = "kubernetes.io/kube-apiserver-client-kubelet";
constexpr const char* kNodeServer = "kubernetes.io/kubelet-serving";

// Allows what the roles of a new cluster allow.
class Roles final : public auth::Authorizer {
 public:
  auth::Verdict authorize(const auth::Attributes& a) const override {
    const bool allowed =
        (a.subresource == "nodeclient" && a.user.in_group("system:bootstrappers")) ||
        (a.subresource == "selfnodeclient" && a.user.in_group("system:nodes"));
    return {allowed ? auth::Decision::allow : auth::Decision::no_opinion, ""};
  }
};

struct Ask {
  std::string user, group, signer;
  CertificateSubject subject;
  std::vector<std::string> names = {};
};

bool approved(const Ask& ask) {
  const auto made = make_request(ask.subject, ask.names);
  EXPECT_TRUE(made.ok());
  api::CertificateSigningRequest request;
  request.mutable_spec()->set_request(made->request);
  request.mutable_spec()->set_signer_name(ask.signer);
  request.mutable_spec()->set_username(ask.user);
  request.mutable_spec()->add_groups(ask.group);
  const Roles roles;
  return !NodeCertificateJudge(roles).approves(request).empty();
}

const CertificateSubject kNode{"system:node:n1", {"system:nodes"}};

TEST(Judge, MakesNodesOfThoseWithATokenAndLetsThemRenew) {
  EXPECT_TRUE(approved({"system:bootstrap:abcdef", "system:bootstrappers", kNodeClient, kNode}));
  EXPECT_TRUE(approved({"system:node:n1", "system:nodes", kNodeClient, kNode}));
  EXPECT_FALSE(approved({"system:node:n2", "system:nodes", kNodeClient, kNode}));
  EXPECT_FALSE(approved({"jane", "system:authenticated", kNodeClient, kNode}));
  EXPECT_FALSE(approved({"system:bootstrap:abcdef", "system:bootstrappers", kNodeClient,
                         {"system:node:n1", {"system:nodes", "system:masters"}}}));
  EXPECT_FALSE(approved({"system:bootstrap:abcdef", "system:bootstrappers", kNodeClient,
                         {"kubernetes-admin", {"system:masters"}}}));
}

// A node says itself what its addresses are: a certificate for one of the API server's would make it the
// API server to everybody on its way.
TEST(Judge, GivesServingCertificatesForOneNameOnly) {
  const auto ask = [](std::vector<std::string> names, const std::string& user = "system:node:n1") {
    return approved({user, "system:nodes", kNodeServer, kNode, std::move(names)});
  };
  EXPECT_TRUE(ask({serving_name("n1")}));
  EXPECT_FALSE(ask({serving_name("n1")}, "system:node:n2"));
  EXPECT_FALSE(ask({serving_name("n2")}));
  EXPECT_FALSE(ask({}));
  EXPECT_FALSE(ask({"n1"}));
  EXPECT_FALSE(ask({"10.96.0.1"}));
  EXPECT_FALSE(ask({serving_name("n1"), "10.96.0.1"}));
  EXPECT_FALSE(ask({serving_name("n1"), "kubernetes.default.svc"}));
  EXPECT_FALSE(approved({"system:node:kubernetes.default.svc", "system:nodes", kNodeServer,
                         {"system:node:kubernetes.default.svc", {"system:nodes"}},
                         {"kubernetes.default.svc"}}));
}

TEST(Judge, LetsNodesMakeTheirNetworkUnderTheProxysName) {
  EXPECT_TRUE(approved({"system:node:n1", "system:nodes", kClient, {"system:kube-proxy", {}}}));
  EXPECT_FALSE(approved({"jane", "system:authenticated", kClient, {"system:kube-proxy", {}}}));
  EXPECT_FALSE(approved({"system:node:n1", "system:nodes", kClient,
                         {"system:kube-proxy", {"system:masters"}}}));
  EXPECT_FALSE(approved({"system:node:n1", "system:nodes", kClient, {"system:kube-scheduler", {}}}));
  EXPECT_FALSE(approved({"system:bootstrap:abcdef", "system:bootstrappers", kClient,
                         {"system:kube-proxy", {}}}));
}

}  // namespace
}  // namespace keelson::runtime
