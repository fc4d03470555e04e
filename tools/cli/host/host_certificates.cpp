#include "tools/cli/host/host_certificates.hpp"

#include "runtime/pki/files.hpp"
#include "runtime/process/config.hpp"

namespace keelson::cli {

namespace {

constexpr const char* kByHand = "`keelson certs renew`";
constexpr const char* kByItself = "the node renews it by itself";

Result<runtime::CertificateInfo> read(const std::string& file) {
  const auto pem = runtime::read_file(file);
  if (!pem) return pem.error();
  return runtime::read_certificate(*pem);
}

}  // namespace

std::vector<HostCertificate> host_certificates(const Layout& layout) {
  std::vector<HostCertificate> out;
  const auto add = [&](std::string name, const std::string& file, const char* renewal) {
    out.push_back({std::move(name), file, renewal, read(file)});
  };
  if (const auto text = runtime::read_file(layout.control_plane_config())) {
    const auto config = runtime::parse_control_plane_config(*text, layout.control_plane_config());
    const std::string directory = config ? config->pki_dir : layout.pki();
    add("ca", directory + "/ca.crt", "a new cluster has a new authority");
    add("apiserver", directory + "/apiserver.crt", kByHand);
    add("admin", directory + "/admin.crt", kByHand);
  }
  if (const auto text = runtime::read_file(layout.node_config())) {
    const auto config = runtime::parse_node_config(*text, layout.node_config());
    const std::string directory = config ? config->pki_dir : layout.node_pki();
    for (const char* name : {"client", "server", "network"}) {
      const std::string file = directory + "/" + name + ".pem";
      // Which of them a node has is its own business.
      if (const auto there = runtime::read_file(file); !there && there.code() == Code::not_found)
        continue;
      add(std::string("node ") + name, file, kByItself);
    }
  }
  return out;
}

}  // namespace keelson::cli
