#include "runtime/pki/signer.hpp"

#include <algorithm>
#include <set>

namespace keelson::runtime {

namespace {

using Usages = std::set<std::string>;

constexpr const char* kClient = "kubernetes.io/kube-apiserver-client";
constexpr const char* kNodeClient = "kubernetes.io/kube-apiserver-client-kubelet";
constexpr const char* kNodeServer = "kubernetes.io/kubelet-serving";

std::string check_usages(const Usages& usages, const char* needed) {
  if (!usages.contains(needed)) return std::string("usages must include \"") + needed + "\"";
  for (const std::string& usage : usages) {
    if (usage != needed && usage != "digital signature" && usage != "key encipherment") {
      return "usage \"" + usage + "\" is not permitted by this signer";
    }
  }
  return {};
}

std::string check_node_subject(const RequestInfo& info) {
  if (info.subject.organizations != std::vector<std::string>{"system:nodes"}) {
    return "subject organization is not system:nodes";
  }
  if (!info.subject.common_name.starts_with("system:node:")) {
    return "subject common name does not begin with system:node:";
  }
  return {};
}

// What is wrong with the request; empty: nothing.
std::string check(const std::string& signer, const RequestInfo& info, const Usages& usages) {
  if (signer == kClient) return check_usages(usages, "client auth");
  if (std::string wrong = check_node_subject(info); !wrong.empty()) return wrong;
  if (info.other_names) return "e-mail and URI subjectAltNames are not allowed";
  if (signer == kNodeClient) {
    if (!info.dns_names.empty()) return "DNS subjectAltNames are not allowed";
    if (!info.ip_addresses.empty()) return "IP subjectAltNames are not allowed";
    if (!usages.contains("digital signature")) return "usages must include \"digital signature\"";
    return check_usages(usages, "client auth");
  }
  if (info.dns_names.empty() && info.ip_addresses.empty()) {
    return "DNS or IP subjectAltName is required";
  }
  if (!usages.contains("digital signature")) return "usages must include \"digital signature\"";
  return check_usages(usages, "server auth");
}

}  // namespace

bool ClusterSigner::signs_for(const std::string& signer) const {
  return signer == kClient || signer == kNodeClient || signer == kNodeServer;
}

Result<std::string> ClusterSigner::sign(const api::CertificateSigningRequest& request) const {
  const auto& spec = request.spec();
  const std::string& signer = spec.signer_name();
  if (!signs_for(signer)) return Error{Code::invalid, "no signer is called \"" + signer + "\""};
  const Result<RequestInfo> info = read_request(spec.request());
  if (!info) return info.error();
  const Usages usages(spec.usages().begin(), spec.usages().end());
  std::string wrong = check(signer, *info, usages);
  // Nobody joins the administrators by a certificate that can hardly be taken back.
  const auto& groups = info->subject.organizations;
  if (std::find(groups.begin(), groups.end(), "system:masters") != groups.end()) {
    wrong = "use of " + signer + " signer with system:masters group is not allowed";
  }
  if (!wrong.empty()) return Error{Code::invalid, std::move(wrong)};
  int64_t seconds = kCertificateDays * 24 * 3600;
  if (spec.has_expiration_seconds()) {
    seconds = std::min<int64_t>(seconds, spec.expiration_seconds());
  }
  return authority_.sign_request(
      spec.request(), {.client = signer != kNodeServer, .server = signer == kNodeServer}, seconds);
}

}  // namespace keelson::runtime
