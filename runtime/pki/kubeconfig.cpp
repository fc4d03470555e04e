#include "runtime/pki/kubeconfig.hpp"

#include "core/api/json_text.hpp"

namespace keelson::runtime {

namespace {

// JSON's strings are YAML's too.
std::string quoted(const std::string& text) {
  std::string out;
  api::append_json_string(text, out);
  return out;
}

void append(std::string& out, const char* key, const std::string& value) {
  if (!value.empty()) out.append("    ").append(key).append(": ").append(value).append("\n");
}

std::string base64(const std::string& pem) {
  return pem.empty() ? "" : api::encode_base64(pem);
}

std::string config(const std::string& server_url, const std::string& ca_pem,
                   const std::string& user) {
  std::string out =
      "apiVersion: v1\n"
      "kind: Config\n"
      "clusters:\n"
      "- name: keelson\n"
      "  cluster:\n";
  append(out, "certificate-authority-data", base64(ca_pem));
  append(out, "server", quoted(server_url));
  out +=
      "contexts:\n"
      "- name: keelson\n"
      "  context:\n"
      "    cluster: keelson\n"
      "    user: keelson\n"
      "current-context: keelson\n"
      "preferences: {}\n"
      "users:\n"
      "- name: keelson\n";
  return out + (user.empty() ? "  user: {}\n" : "  user:\n" + user);
}

}  // namespace

std::string kubeconfig(const std::string& server_url, const std::string& ca_pem,
                       const std::string& client_certificate_pem,
                       const std::string& client_key_pem) {
  std::string user;
  append(user, "client-certificate-data", base64(client_certificate_pem));
  append(user, "client-key-data", base64(client_key_pem));
  return config(server_url, ca_pem, user);
}

std::string kubeconfig_with_token(const std::string& server_url, const std::string& ca_pem,
                                  const std::string& token) {
  std::string user;
  append(user, "token", quoted(token));
  return config(server_url, ca_pem, user);
}

}  // namespace keelson::runtime
