// `keelson status`: what is wrong with a cluster, on one screen.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "runtime/pki/certificate.hpp"
#include "tools/cli/cluster/command.hpp"
#include "tools/cli/cluster/connection.hpp"
#include "tools/cli/cluster/status.hpp"
#include "tools/cli/cluster/verbs.hpp"
#include "tools/cli/host/daemon.hpp"
#include "tools/cli/host/host_certificates.hpp"
#include "tools/cli/host/host_services.hpp"

namespace keelson::cli {

namespace {

// A dead control plane must not make the command wait for long.
constexpr Duration kPatience = 10s;

const Verb& verb() {
  static const Verb status = {
      "status",
      "",
      "what is wrong with the cluster, if anything",
      {{"root", "DIR", "as given to init or join: look at that host's services, too"}},
      nullptr,
      "  keelson status                      # on a control plane, as its administrator\n"
      "  keelson status --kubeconfig FILE    # from anywhere\n"};
  return status;
}

int status_fails(const std::string& why) {
  std::fprintf(stderr, "keelson status: %s\n", why.c_str());
  return 2;
}

bool there_is(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0;
}

// The services that this host should run; nothing if it is no part of a cluster.
void report_host(StatusReport& report, const Layout& layout) {
  std::vector<ServiceSpec> all = control_plane_services(layout);
  for (ServiceSpec& one : node_services(layout)) all.push_back(std::move(one));
  if (all.empty() || ::geteuid() != 0) return;
  report.section("This host");
  const Services services(layout, Services::kind_for(layout));
  std::string run;
  for (const ServiceSpec& one : all) {
    if (services.running(one.name)) {
      run += (run.empty() ? "" : ", ") + one.name;
    } else {
      report.wrong(one.name + " does not run here",
                   one.name + " does not run: `keelson start` starts it; its log: " +
                       services.log_of(one.name));
    }
  }
  if (!run.empty()) report.fact(run + " run");
}

// Those of the control plane come from its API; the node's are only here.
std::vector<StatusSources::Certificate> certificates(const Layout& layout,
                                                     const Connection& connection) {
  std::vector<StatusSources::Certificate> out;
  for (const HostCertificate& one : host_certificates(layout)) {
    if (one.info && one.name.starts_with("node "))
      out.push_back({one.name, one.info->ends, one.renewal});
  }
  if (!connection.client_cert_pem.empty()) {
    if (const auto info = runtime::read_certificate(connection.client_cert_pem)) {
      out.push_back({"the kubeconfig's client certificate (" + info->subject.common_name + ")",
                     info->ends,
                     "`keelson certs renew` on a control plane writes another admin.conf"});
    }
  }
  return out;
}

}  // namespace

int status(int argc, char** argv) {
  const auto flags = Flags::parse({verb().flags, global_flags()}, {argv + 1, argv + argc});
  if (!flags) return status_fails(flags.error().message + "; keelson status --help shows what it takes");
  if (flags->on("help")) {
    std::printf(
        "%s: exit code 0 if nothing is, 1 if something is.\n\nUsage:\n  keelson status "
        "[options]\n\n"
        "Examples:\n%s\nOptions:\n%s\nOptions of all cluster commands:\n%s",
        "Says what is wrong with a cluster", verb().examples, flags_help(verb().flags).c_str(),
        flags_help(global_flags()).c_str());
    return 0;
  }
  if (!flags->args().empty()) return status_fails("unexpected argument " + flags->args().front());
  Layout layout{flags->get("root")};
  while (layout.root.ends_with('/')) layout.root.pop_back();

  ConnectionFlags given = connection_flags(verb(), *flags);
  const bool named = !given.kubeconfig.empty() || !given.server.empty();
  const bool from_environment = std::getenv("KUBECONFIG") && !flags->has("root");
  if (!named && !from_environment && there_is(layout.admin_kubeconfig()))
    given.kubeconfig = layout.admin_kubeconfig();
  const Surroundings around = real_surroundings();
  const auto config = load_kubeconfig(given, around);
  if (!config) return status_fails(config.error().message);
  const auto connection = connection_of(*config, given, around);
  if (!connection) return status_fails(connection.error().message);

  const HttpApi::Options options{.timeout = kPatience};
  HttpApi api(*connection, options);
  const auto console = real_console();
  Session session(api, *console, *flags, connection->name_space);
  StatusSources sources{.session = session,
                        .elsewhere =
                            [&](const std::string& server, const ApiRequest& request) {
                              Connection other = *connection;
                              other.server = server;
                              return HttpApi(other, options).call(request);
                            },
                        .certificates = certificates(layout, *connection)};
  StatusReport report;
  report_host(report, layout);
  report_cluster(report, sources);
  console->out(report.text("nothing is wrong with the cluster at " + api.server()));
  return report.well() ? 0 : 1;
}

}  // namespace keelson::cli
