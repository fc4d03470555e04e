#include "tools/cli/host/identity.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "runtime/http/dial.hpp"

namespace keelson::cli {

namespace json = boost::json;

namespace {

constexpr Duration kConnectPatience = std::chrono::seconds(10);

std::string base64(const std::string& bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::string from_base64(const std::string& text) {
  std::string out(3 * text.size() / 4 + 3, '\0');
  int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                             reinterpret_cast<const unsigned char*>(text.data()),
                             static_cast<int>(text.size()));
  if (size < 0) return {};
  for (std::size_t i = text.size(); i > 0 && text[i - 1] == '='; --i) --size;
  out.resize(static_cast<std::size_t>(size));
  return out;
}

// "Denied: not one of ours"; empty: neither denied nor failed.
std::string refusal(const json::value& request) {
  const json::object* status = request.as_object().contains("status")
                                   ? request.at("status").if_object()
                                   : nullptr;
  const json::value* conditions = status ? status->if_contains("conditions") : nullptr;
  if (!conditions || !conditions->is_array()) return {};
  for (const json::value& condition : conditions->get_array()) {
    const std::string type = text_at(condition, {"type"});
    if (type == "Denied" || type == "Failed") return type + ": " + text_at(condition, {"message"});
  }
  return {};
}

}  // namespace

Result<std::string> authority_of(const std::string& server, const std::string& key_hash) {
  const auto url = http::parse_server_url(server);
  if (!url) return url.error();
  const auto trusting = http::make_client_context({.insecure_skip_verify = true});
  if (!trusting) return trusting.error();
  const auto dialed = http::Dialed::connect(*url, *trusting, {}, kConnectPatience);
  if (!dialed) return dialed.error();
  std::string seen;
  for (std::string& certificate : dialed->peer_chain()) {
    const auto hash = runtime::public_key_hash(certificate);
    if (!hash) continue;
    if (*hash == key_hash) return std::move(certificate);
    seen = *hash;
  }
  return Error{Code::denied, server + " belongs to an authority with the hash " + seen + ", not " +
                                 key_hash + ": either the hash is that of another cluster, or somebody "
                                 "stands between this host and the cluster"};
}

Result<runtime::KeyPair> node_certificate(AdminApi& api, const std::string& name) {
  auto made = runtime::make_request({"system:node:" + name, {"system:nodes"}});
  if (!made) return made.error();
  const std::string requests = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
  const auto created =
      api.post(requests, {{"apiVersion", "certificates.k8s.io/v1"},
                          {"kind", "CertificateSigningRequest"},
                          {"metadata", {{"generateName", "node-csr-"}}},
                          {"spec",
                           {{"request", base64(made->request)},
                            {"signerName", "kubernetes.io/kube-apiserver-client-kubelet"},
                            {"usages", json::array{"digital signature", "key encipherment",
                                                   "client auth"}}}}});
  if (!created) return created.error();
  const std::string path = requests + "/" + text_at(*created, {"metadata", "name"});
  for (int i = 0; i < 600; ++i) {
    const auto now = api.get(path);
    if (!now) return now.error();
    if (std::string certificate = text_at(*now, {"status", "certificate"}); !certificate.empty()) {
      return runtime::KeyPair{from_base64(certificate), std::move(made->key)};
    }
    if (const std::string why = refusal(*now); !why.empty()) return Error{Code::denied, why};
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return Error{Code::unavailable,
               "nobody has approved the certificate request for a minute: does the control plane run its "
               "controllers?"};
}

}  // namespace keelson::cli
