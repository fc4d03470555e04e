// `keelson certs check|renew`: the certificates of this host.
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <cxxopts.hpp>

#include "runtime/pki/files.hpp"
#include "runtime/pki/kubeconfig.hpp"
#include "runtime/pki/pki.hpp"
#include "runtime/process/config.hpp"
#include "runtime/process/server_names.hpp"
#include "tools/cli/cluster/human.hpp"
#include "tools/cli/host/daemon.hpp"
#include "tools/cli/host/host_certificates.hpp"

namespace keelson::cli {

namespace {

constexpr int64_t kSoonSeconds = 30 * 24 * 3600;

int certs_fails(const std::string& why) {
  std::fprintf(stderr, "keelson certs: %s\n", why.c_str());
  return 2;
}

// 0: all are good for a month, 1: one is not.
int check(const Layout& layout) {
  if (::geteuid() != 0) return certs_fails("not root: run it with sudo");
  const auto all = host_certificates(layout);
  if (all.empty()) return certs_fails("this host has none: `keelson init` or `keelson join` makes them");
  const auto now = static_cast<int64_t>(std::time(nullptr));
  int code = 0;
  std::printf("%-14s  %-22s  %s\n", "CERTIFICATE", "ENDS", "RENEWED BY");
  for (const HostCertificate& one : all) {
    std::string ends;
    if (!one.info) {
      ends = one.info.error().message;
    } else if (one.info->ends < now) {
      ends = human_duration(now - one.info->ends) + " ago";
    } else {
      ends = "in " + human_duration(one.info->ends - now);
    }
    if (!one.info || one.info->ends < now + kSoonSeconds) code = 1;
    std::printf("%-14s  %-22s  %s\n", one.name.c_str(), ends.c_str(), one.renewal.c_str());
  }
  return code;
}

int renew(const Layout& layout) {
  if (::geteuid() != 0) return certs_fails("not root: run it with sudo");
  const auto text = runtime::read_file(layout.control_plane_config());
  if (!text) {
    return certs_fails("this host has no control plane (" + layout.control_plane_config() +
                " is not there); a node renews its certificates by itself");
  }
  const auto config = runtime::parse_control_plane_config(*text, layout.control_plane_config());
  if (!config) return certs_fails(config.error().message);
  const auto pki = runtime::renew(config->pki_dir, runtime::server_names(*config));
  if (!pki) return certs_fails(pki.error().message);
  const std::string url =
      "https://" + config->advertise_address + ":" + std::to_string(config->port);
  const Status written = runtime::write_private_file(
      layout.admin_kubeconfig(), runtime::kubeconfig(url, pki->authority.pair().certificate,
                                                     pki->admin.certificate, pki->admin.key));
  if (!written) return certs_fails(written.message());
  std::printf(
      "renewed apiserver and admin in %s, and %s\n"
      "The running API server takes its certificate by itself within seconds. Copies of admin.conf "
      "elsewhere are\ngood until the end of the old one: replace them.\n",
      config->pki_dir.c_str(), layout.admin_kubeconfig().c_str());
  return 0;
}

}  // namespace

int certs(int argc, char** argv) {
  cxxopts::Options parser(
      "keelson certs",
      "The certificates of this host.\n"
      "  keelson certs check    when they end; exit code 1: one within 30 days\n"
      "  keelson certs renew    new ones for the API server and the administrator\n");
  parser.add_options()("root", "as given to init or join",
                       cxxopts::value<std::string>()->default_value(""), "DIR")(
      "what", "", cxxopts::value<std::vector<std::string>>())("h,help", "show this");
  parser.parse_positional({"what"});
  parser.positional_help("check|renew");
  try {
    const auto flags = parser.parse(argc, argv);
    const auto words = flags.count("what") ? flags["what"].as<std::vector<std::string>>()
                                           : std::vector<std::string>();
    if (flags.count("help") || words.empty()) {
      std::fputs(parser.help().c_str(), flags.count("help") ? stdout : stderr);
      return flags.count("help") ? 0 : 2;
    }
    Layout layout{flags["root"].as<std::string>()};
    while (layout.root.ends_with('/')) layout.root.pop_back();
    if (words.size() == 1 && words[0] == "check") return check(layout);
    if (words.size() == 1 && words[0] == "renew") return renew(layout);
    return certs_fails("\"" + words.back() + "\" is none of check and renew");
  } catch (const std::exception& e) {
    return certs_fails(e.what());
  }
}

}  // namespace keelson::cli
