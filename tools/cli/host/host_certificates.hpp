// The certificates that a host of a cluster keeps, whose ends people want to know.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "runtime/pki/certificate.hpp"
#include "tools/cli/host/layout.hpp"

namespace keelson::cli {

struct HostCertificate {
  std::string name;  // "apiserver", "node client"
  std::string file;
  std::string renewal;                    // what renews it, for people
  Result<runtime::CertificateInfo> info;  // why it cannot be read
};

// Those of the control plane and of the node, as far as the host is one.
std::vector<HostCertificate> host_certificates(const Layout& layout);

}  // namespace keelson::cli
