// keelson: one binary, a subcommand for each task.
#include <google/protobuf/stubs/logging.h>

#include <cstdio>
#include <string_view>

#include "tools/cli/cluster/command.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/host/daemon.hpp"

namespace {

constexpr const char* kUsage =
    "keelson " KEELSON_VERSION
    ": a container orchestrator that can be proven before it is run\n"
    "\n"
    "Usage:\n"
    "  keelson init [options]                    this host becomes the control plane of a cluster\n"
    "  keelson join HOST:PORT --token ...        this host becomes a node of one\n"
    "  keelson token create|list|revoke          with which hosts join\n"
    "  keelson status                            what is wrong with the cluster, if anything\n"
    "  keelson certs check|renew                 when this host's certificates end, and new ones\n"
    "  keelson start|stop                        the services of this host, where no systemd does it\n"
    "  keelson reset                             undoes init and join\n"
    "\n"
    "  keelson up [options]                      a live cluster in this process: simulated nodes,\n"
    "                                            and the Kubernetes API for kubectl\n"
    "  keelson sim run SCENARIO.yaml [options]   run a simulated cluster and check every guarantee\n"
    "  keelson sim replay FILE.run               the same run again, from what a run has recorded\n"
    "  keelson sim list [faults|checks]          what can go wrong, and what must hold\n"
    "  keelson sim compare EXPERIMENT.yaml       compare scheduling policies on a workload\n"
    "  keelson whatif --cluster DUMP [changes]   where pods of a real cluster would go if ...\n"
    "  keelson real run SCENARIO.yaml [options]  the same scenario on real hosts, beside the simulator\n"
    "  keelson real check DIR | --store ADDRESS  the history of a real cluster by the simulator's checks\n"
    "\n"
    "keelson sim run --help shows the options of a run.\n"
    "\n"
    "With a cluster (the words of kubectl; keelson VERB --help shows what each takes):\n";

}  // namespace

int main(int argc, char** argv) {
  // It would print what it thinks of bytes that clients send; whoever reads them answers for that.
  google::protobuf::SetLogHandler(nullptr);
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "sim") return keelson::cli::sim(argc - 1, argv + 1);
  if (command == "real") return keelson::cli::real(argc - 1, argv + 1);
  if (command == "whatif") return keelson::cli::whatif(argc - 1, argv + 1);
  if (command == "up") return keelson::cli::up(argc - 1, argv + 1);
  if (command == "init") return keelson::cli::init(argc - 1, argv + 1);
  if (command == "join") return keelson::cli::join(argc - 1, argv + 1);
  if (command == "start") return keelson::cli::start(argc - 1, argv + 1);
  if (command == "stop") return keelson::cli::stop(argc - 1, argv + 1);
  if (command == "token") return keelson::cli::token(argc - 1, argv + 1);
  if (command == "certs") return keelson::cli::certs(argc - 1, argv + 1);
  if (command == "status") return keelson::cli::status(argc - 1, argv + 1);
  if (command == "reset") return keelson::cli::reset(argc - 1, argv + 1);
  if (command == "control-plane") return keelson::cli::control_plane(argc - 1, argv + 1);
  if (command == "node") return keelson::cli::node(argc - 1, argv + 1);
  if (command == "--version") {
    std::puts("keelson " KEELSON_VERSION);
    return 0;
  }
  if (keelson::cli::is_cluster_verb(argc, argv)) return keelson::cli::cluster(argc, argv);
  const bool asked = command == "help" || command == "--help" || command == "-h";
  if (!asked && argc > 1) std::fprintf(stderr, "keelson: unknown command \"%s\"\n\n", argv[1]);
  std::fputs(kUsage, asked ? stdout : stderr);
  std::fputs(keelson::cli::cluster_usage().c_str(), asked ? stdout : stderr);
  return asked ? 0 : 2;
}
