#include "runtime/pki/judge.hpp"

#include <algorithm>

#include "runtime/pki/certificate.hpp"

namespace keelson::runtime {

namespace {

bool may(const auth::Authorizer& authorizer, const api::CertificateSigningRequest& request,
         const char* what) {
  auth::Attributes wanted;
  wanted.user.name = request.spec().username();
  wanted.user.groups = {request.spec().groups().begin(), request.spec().groups().end()};
  wanted.verb = "create";
  wanted.resource_request = true;
  wanted.group = "certificates.k8s.io";
  wanted.version = "v1";
  wanted.resource = "certificatesigningrequests";
  wanted.subresource = what;
  return authorizer.authorize(wanted).decision == auth::Decision::allow;
}

bool by_node(const api::CertificateSigningRequest& request) {
  const auto& groups = request.spec().groups();
  return request.spec().username().starts_with("system:node:") &&
         std::find(groups.begin(), groups.end(), "system:nodes") != groups.end();
}

}  // namespace

std::string NodeCertificateJudge::approves(
    const api::CertificateSigningRequest& request) const {
  const Result<RequestInfo> info = read_request(request.spec().request());
  if (!info) return {};
  const std::string& signer = request.spec().signer_name();
  const std::string& name = info->subject.common_name;
  if (signer == "kubernetes.io/kube-apiserver-client" && name == "system:kube-proxy" &&
      info->subject.organizations.empty() && by_node(request)) {
    return "A node makes its network under this name.";
  }
  constexpr std::string_view kNode = "system:node:";
  const bool of_a_node = info->subject.organizations == std::vector<std::string>{"system:nodes"} &&
                         name.starts_with(kNode);
  if (!of_a_node) return {};
  const bool itself = request.spec().username() == name;
  if (signer == "kubernetes.io/kube-apiserver-client-kubelet") {
    if (itself && may(authorizer_, request, "selfnodeclient")) {
      return "Auto approving self kubelet client certificate after SubjectAccessReview.";
    }
    if (may(authorizer_, request, "nodeclient")) {
      return "Auto approving kubelet client certificate after SubjectAccessReview.";
    }
  }
  if (signer == "kubernetes.io/kubelet-serving" && itself && !info->other_names &&
      info->ip_addresses.empty() &&
      info->dns_names == std::vector<std::string>{serving_name(name.substr(kNode.size()))}) {
    return "The node asks for its own name.";
  }
  return {};
}

}  // namespace keelson::runtime
