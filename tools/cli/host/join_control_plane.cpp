// `keelson join --control-plane`: this host becomes a further control plane. It serves the API as the
// others do, and takes the roles when those that have them fall silent.
#include <chrono>
#include <cstdio>
#include <cxxopts.hpp>

#include "runtime/pki/files.hpp"
#include "runtime/pki/kubeconfig.hpp"
#include "runtime/pki/pki.hpp"
#include "runtime/process/config.hpp"
#include "tools/cli/host/daemon.hpp"
#include "tools/cli/host/make_host.hpp"
#include "tools/cli/host/host.hpp"
#include "tools/cli/host/host_services.hpp"
#include "tools/cli/host/identity.hpp"
#include "tools/cli/host/join_target.hpp"
#include "tools/cli/host/shared_secrets.hpp"

namespace keelson::cli {

namespace {

struct Options {
  Layout layout;
  JoinTarget target;
  std::string certificate_key;
  std::string name, advertise_address, bind_address;
  bool foreground = false;
};

cxxopts::Options join_control_plane_parser() {
  cxxopts::Options parser("keelson join --control-plane",
                          "Makes this host a further control plane of the cluster at HOST:PORT. On one that\n"
                          "is there, `keelson token create --print-join-command --control-plane` prints the\n"
                          "whole command.\n");
  const auto text = [](const char* value = "") {
    return cxxopts::value<std::string>()->default_value(value);
  };
  add_target_options(parser);
  auto add = parser.add_options();
  add("control-plane", "as a control plane");
  add("certificate-key", "opens the cluster's secrets", text(), "KEY");
  add("name", "of this control plane (default: the host's name)", text(), "NAME");
  add("advertise-address", "where nodes reach this host (default: that of the default route)", text(),
      "ADDRESS");
  add("bind-address", "to serve at", text("0.0.0.0"), "ADDRESS");
  add("foreground", "stay, and end everything with Ctrl-C");
  add("root", "below which everything is kept (default: /)", text(), "DIR");
  add("h,help", "show this");
  return parser;
}

Result<Options> join_control_plane_options(const cxxopts::ParseResult& flags) {
  const auto text = [&](const char* name) { return flags[name].as<std::string>(); };
  Options options;
  options.layout.root = text("root");
  while (options.layout.root.ends_with('/')) options.layout.root.pop_back();
  auto target = read_target(flags);
  if (!target) return target.error();
  options.target = std::move(*target);
  options.certificate_key = text("certificate-key");
  if (options.certificate_key.empty()) {
    return Error{Code::invalid,
                 "--certificate-key is missing: `keelson token create --print-join-command "
                 "--control-plane` on a control plane prints the whole command"};
  }
  const std::string& key = options.certificate_key;
  if (key.size() != 64 || key.find_first_not_of("0123456789abcdefABCDEF") != key.npos) {
    return Error{Code::invalid, "--certificate-key: expected 64 hex digits"};
  }
  options.name = text("name").empty() ? host_name() : text("name");
  options.advertise_address = text("advertise-address");
  if (options.advertise_address.empty()) options.advertise_address = default_address();
  if (!valid_address(options.advertise_address)) {
    return Error{Code::invalid, options.advertise_address.empty()
                                    ? "this host has no default route: --advertise-address says where "
                                      "nodes reach it"
                                    : "--advertise-address " + options.advertise_address +
                                          ": is no IPv4 address"};
  }
  options.bind_address = text("bind-address");
  options.foreground = flags.count("foreground") > 0;
  // What is wrong with these is said by whoever reads the file.
  runtime::ControlPlaneConfig config;
  config.name = options.name;
  config.advertise_address = options.advertise_address;
  config.bind_address = options.bind_address;
  const auto checked =
      runtime::parse_control_plane_config(to_text(config), "the control plane's configuration");
  if (!checked) return checked.error();
  return options;
}

class JoinControlPlane {
 public:
  explicit JoinControlPlane(Options options)
      : options_(std::move(options)),
        layout_(options_.layout),
        services_(layout_, Services::kind_for(layout_)) {}

  Status run() {
    if (Status status = fetch(); !status) return status;
    for (const std::string& one :
         missing_for_control_plane(false, secrets_.config.bind_address, secrets_.config.port)) {
      return {Code::unavailable, "this host is not ready: " + one};
    }
    if (Status status = check_unique(); !status) return status;
    made_ = true;
    if (Status status = write_files(); !status) return status;
    for (const ServiceSpec& service : control_plane_services(layout_)) {
      if (Status status = services_.start(service); !status) return status;
      std::printf("[join] started %s\n", service.name.c_str());
    }
    std::fflush(stdout);
    auto api = AdminApi::of_host(layout_);
    if (!api) return api.error();
    if (Status ready = api->wait_ready(std::chrono::seconds(60)); !ready) {
      return {ready.code(), "the API server does not become ready: " + ready.message() +
                                "\nIs the store " + secrets_.config.store + " reached from here?\n" +
                                services_.last_words(kControlPlaneService) +
                                "Its log: " + services_.log_of(kControlPlaneService)};
    }
    // Only now: before this nodes would look here in vain.
    if (Status status = list_server(*api, url()); !status) return status;
    std::printf("\nThis host is a control plane of the cluster. Use it with\n\n  export KUBECONFIG=%s\n\n",
                layout_.admin_kubeconfig().c_str());
    std::fflush(stdout);
    return {};
  }

  // Whether there is anything for `keelson reset`.
  bool made() const { return made_; }
  void end() { static_cast<void>(services_.halt(kControlPlaneService)); }

 private:
  std::string url() const {
    return "https://" + secrets_.config.advertise_address + ":" + std::to_string(secrets_.config.port);
  }

  Status fetch() {
    const JoinTarget& target = options_.target;
    const auto authority = authority_of(target.server, target.key_hash);
    if (!authority) return authority.error();
    std::printf("[join] the cluster's authority has the expected key\n");
    AdminApi api(
        {.server = target.server, .ca_pem = *authority, .bearer_token = target.token.text()});
    auto secrets = fetch_secrets(api, options_.certificate_key);
    if (!secrets) {
      return {secrets.code(),
              secrets.code() == Code::denied
                  ? "--certificate-key: " + secrets.error().message + " than this"
                  : secrets.error().message};
    }
    secrets_ = std::move(*secrets);
    std::printf("[join] got the cluster's secrets\n");
    // What differs between control planes; the rest is the cluster's.
    runtime::ControlPlaneConfig& config = secrets_.config;
    config.name = options_.name;
    config.advertise_address = options_.advertise_address;
    config.bind_address = options_.bind_address;
    config.pki_dir = layout_.pki();
    config.access_log.clear();
    if (!config.store_password_file.empty()) config.store_password_file = layout_.store_password();
    if (!config.scheduler_config.empty()) config.scheduler_config = layout_.scheduler_config();
    return {};
  }

  // Two of one name would take each other for former lives, and one address is one server.
  Status check_unique() {
    auto authority =
        runtime::CertificateAuthority::load({secrets_.ca_certificate, secrets_.ca_key});
    if (!authority) return authority.error();
    auto admin = runtime::client_certificate(*authority, "kubernetes-admin", {"system:masters"});
    if (!admin) return admin.error();
    AdminApi api({.server = options_.target.server,
                  .ca_pem = secrets_.ca_certificate,
                  .client_cert_pem = admin->certificate,
                  .client_key_pem = admin->key});
    const auto leases = api.get("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
                                "?labelSelector=apiserver.kubernetes.io%2Fidentity%3Dkube-apiserver");
    if (!leases) return leases.error();
    for (const boost::json::value& lease : leases->at("items").as_array()) {
      const std::string why = " already (one that has ended is forgotten after half a minute)";
      if (text_at(lease, {"metadata", "name"}) == "apiserver-" + options_.name) {
        return {Code::exists,
                "--name " + options_.name + ": the cluster has a control plane of this name" + why};
      }
      if (text_at(lease, {"metadata", "annotations", "keelson.io/address"}) ==
          options_.advertise_address) {
        return {Code::exists, "--advertise-address " + options_.advertise_address +
                                  ": the cluster has an API server at this address" + why};
      }
    }
    return {};
  }

  Status write_files() {
    for (const std::string& directory :
         {layout_.etc(), layout_.lib(), layout_.run(), layout_.log(), layout_.pki()}) {
      if (Status made = runtime::make_private_directory(directory); !made) return made;
    }
    const std::string pki_dir = layout_.pki() + "/";
    for (const auto& [file, content] :
         {std::pair(pki_dir + "ca.key", secrets_.ca_key),
          std::pair(pki_dir + "ca.crt", secrets_.ca_certificate),
          std::pair(pki_dir + "sa.key", secrets_.service_account_key)}) {
      if (Status status = runtime::write_private_file(file, content); !status) return status;
    }
    if (!secrets_.store_password.empty()) {
      if (Status status =
              runtime::write_private_file(layout_.store_password(), secrets_.store_password);
          !status) {
        return status;
      }
    }
    if (!secrets_.scheduler_config.empty()) {
      if (Status status =
              runtime::write_private_file(layout_.scheduler_config(), secrets_.scheduler_config);
          !status) {
        return status;
      }
    }
    const auto pki = runtime::load_or_create(layout_.pki(), {});
    if (!pki) return pki.error();
    if (Status status = runtime::write_private_file(
            layout_.admin_kubeconfig(),
            runtime::kubeconfig(url(), pki->authority.pair().certificate, pki->admin.certificate,
                                pki->admin.key));
        !status) {
      return status;
    }
    std::printf("[join] keys and certificates in %s\n", layout_.pki().c_str());
    return runtime::write_private_file(layout_.control_plane_config(), to_text(secrets_.config));
  }

  Options options_;
  const Layout& layout_;
  Services services_;
  SharedSecrets secrets_;
  bool made_ = false;
};

int join_control_plane_fails(const std::string& why) {
  std::fprintf(stderr, "keelson join: %s\n", why.c_str());
  return 1;
}

}  // namespace

int join_control_plane(int argc, char** argv) {
  cxxopts::Options parser = join_control_plane_parser();
  try {
    const auto flags = parser.parse(argc, argv);
    if (flags.count("help")) {
      std::fputs(parser.help().c_str(), stdout);
      return 0;
    }
    auto options = join_control_plane_options(flags);
    if (!options) return join_control_plane_fails(options.error().message);
    const bool foreground = options->foreground;
    const std::string there = options->layout.control_plane_config();
    if (runtime::read_file(there)) {
      return join_control_plane_fails("this host has a control plane already (" + there + "); `keelson reset` removes it");
    }
    JoinControlPlane join(std::move(*options));
    return make_host("join", join, foreground);
  } catch (const std::exception& e) {
    return join_control_plane_fails(e.what());
  }
}

}  // namespace keelson::cli
