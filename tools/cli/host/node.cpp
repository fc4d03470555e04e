// `keelson node --config FILE`
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>

#include "runtime/log/stream_log.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/pki/files.hpp"
#include "runtime/process/node.hpp"
#include "tools/cli/host/daemon.hpp"
#include "tools/cli/host/daemon_config.hpp"

namespace keelson::cli {

namespace {

constexpr DaemonCommand kNodeCommand{
    .name = "node",
    .help = "Runs the agent of this host. "
            "`keelson join` writes its configuration and starts it.",
    .default_path = "/etc/keelson/node.yaml",
    .written_by = "keelson join"};

int node_fails(const std::string& why) { return daemon_fails(kNodeCommand, why); }

}  // namespace

int node(int argc, char** argv) {
  int exit_code = 0;
  const auto file = read_daemon_config(argc, argv, kNodeCommand, exit_code);
  if (!file) return exit_code;
  const auto config = runtime::parse_node_config(file->text, file->path);
  if (!config) return node_fails(config.error().message);
  if (Status made = runtime::make_private_directory(config->state_dir); !made) {
    return node_fails(made.message());
  }

  std::signal(SIGPIPE, SIG_IGN);
  runtime::AsioLoop loop;
  runtime::StreamLog log({.json = config->log_json});
  auto node = runtime::Node::start(loop, log, *config);
  if (!node) return node_fails(node.error().message);
  boost::asio::signal_set signals(loop.context(), SIGTERM, SIGINT);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (error) return;
    log.info("ending; containers go on");
    loop.stop();
  });
  loop.run();
  node->reset();
  return 0;
}

}  // namespace keelson::cli
