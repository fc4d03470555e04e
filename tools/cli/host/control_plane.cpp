// `keelson control-plane --config FILE`
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>

#include "runtime/log/stream_log.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/pki/files.hpp"
#include "runtime/process/control_plane.hpp"
#include "tools/cli/host/daemon.hpp"
#include "tools/cli/host/daemon_config.hpp"

namespace keelson::cli {

namespace {

constexpr Duration kDrain = 5s;

constexpr DaemonCommand kCommand{
    .name = "control-plane",
    .help = "Runs API server, scheduler and controllers. "
            "`keelson init` writes its configuration and starts it.",
    .default_path = "/etc/keelson/control-plane.yaml",
    .written_by = "keelson init"};

int control_plane_fails(const std::string& why) { return daemon_fails(kCommand, why); }

}  // namespace

int control_plane(int argc, char** argv) {
  int exit_code = 0;
  const auto file = read_daemon_config(argc, argv, kCommand, exit_code);
  if (!file) return exit_code;
  const auto config = runtime::parse_control_plane_config(file->text, file->path);
  if (!config) return control_plane_fails(config.error().message);

  std::signal(SIGPIPE, SIG_IGN);
  runtime::AsioLoop loop;
  runtime::StreamLog log({.json = config->log_json});
  auto plane = runtime::ControlPlane::start(loop, log, *config);
  if (!plane) return control_plane_fails(plane.error().message);
  boost::asio::signal_set signals(loop.context(), SIGTERM, SIGINT);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (error) return;
    log.info("ending");
    (*plane)->drain(kDrain, [&loop] { loop.stop(); });
    signals.async_wait([&loop](const boost::system::error_code& again, int) {
      if (!again) loop.stop();
    });
  });
  loop.run();
  plane->reset();
  return 0;
}

}  // namespace keelson::cli
