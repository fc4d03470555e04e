#include "tools/cli/host/join_command.hpp"

#include "runtime/pki/certificate.hpp"
#include "runtime/pki/files.hpp"
#include "runtime/process/config.hpp"

namespace keelson::cli {

Result<std::string> join_command(const Layout& layout, const BootstrapToken& token,
                                 const std::string& certificate_key) {
  const auto text = runtime::read_file(layout.control_plane_config());
  if (!text) return text.error();
  const auto config = runtime::parse_control_plane_config(*text, layout.control_plane_config());
  if (!config) return config.error();
  const auto certificate = runtime::read_file(config->pki_dir + "/ca.crt");
  if (!certificate) return certificate.error();
  const auto hash = runtime::public_key_hash(*certificate);
  if (!hash) return hash.error();
  return "keelson join " + config->advertise_address + ":" + std::to_string(config->port) +
         " --token " + token.text() + " --ca-cert-hash " + *hash +
         (certificate_key.empty() ? "" : " --control-plane --certificate-key " + certificate_key);
}

}  // namespace keelson::cli
