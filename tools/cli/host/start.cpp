// `keelson start` and `keelson stop`: the services of this host, where no systemd does it.
#include <unistd.h>

#include <cstdio>
#include <cxxopts.hpp>

#include "tools/cli/host/daemon.hpp"
#include "tools/cli/host/host_services.hpp"

namespace keelson::cli {

namespace {

int run(int argc, char** argv, bool up) {
  const std::string name = up ? "keelson start" : "keelson stop";
  const auto fail = [&](const std::string& why) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), why.c_str());
    return 1;
  };
  cxxopts::Options parser(
      name, up ? "Starts the services that init and join have set up on this host and that do not run, "
                 "as after a boot.\nsystemd does it by itself.\n"
               : "Ends the services of this host. Containers go on.\n");
  parser.add_options()("root", "as given to init or join",
                       cxxopts::value<std::string>()->default_value(""), "DIR")("h,help", "show this");
  try {
    const auto flags = parser.parse(argc, argv);
    if (flags.count("help")) {
      std::fputs(parser.help().c_str(), stdout);
      return 0;
    }
    if (!flags.unmatched().empty()) return fail("unexpected argument " + flags.unmatched().front());
    if (::geteuid() != 0) return fail("not root: run it with sudo");
    Layout layout{flags["root"].as<std::string>()};
    while (layout.root.ends_with('/')) layout.root.pop_back();
    std::vector<ServiceSpec> all = control_plane_services(layout);
    for (ServiceSpec& one : node_services(layout)) all.push_back(std::move(one));
    if (all.empty()) return fail("this host has none: `keelson init` or `keelson join` makes them");
    Services services(layout, Services::kind_for(layout));
    if (!up) std::reverse(all.begin(), all.end());
    for (const ServiceSpec& one : all) {
      const bool runs = services.running(one.name);
      if (runs == up) continue;
      if (const Status done = up ? services.start(one) : services.halt(one.name); !done) {
        return fail(done.message());
      }
      std::printf("%s %s\n", up ? "started" : "stopped", one.name.c_str());
    }
    return 0;
  } catch (const std::exception& e) {
    return fail(e.what());
  }
}

}  // namespace

int start(int argc, char** argv) { return run(argc, argv, true); }
int stop(int argc, char** argv) { return run(argc, argv, false); }

}  // namespace keelson::cli
