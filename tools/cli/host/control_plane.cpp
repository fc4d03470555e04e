// `keelson control-plane --config FILE`
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <cxxopts.hpp>

#include "runtime/log/stream_log.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/pki/files.hpp"
#include "runtime/process/control_plane.hpp"
#include "tools/cli/host/daemon.hpp"

namespace keelson::cli {

namespace {

constexpr Duration kDrain = 5s;

int fail(const std::string& why) {
  std::fprintf(stderr, "keelson control-plane: %s\n", why.c_str());
  return 2;
}

}  // namespace

int control_plane(int argc, char** argv) {
  cxxopts::Options parser("keelson control-plane",
                          "Runs API server, scheduler and controllers. `keelson init` writes its "
                          "configuration and starts it.\n");
  parser.add_options()("config", "its configuration",
                       cxxopts::value<std::string>()->default_value("/etc/keelson/control-plane.yaml"),
                       "FILE")("h,help", "show this");
  std::string path;
  try {
    const auto options = parser.parse(argc, argv);
    if (options.count("help")) {
      std::fputs(parser.help().c_str(), stdout);
      return 0;
    }
    if (!options.unmatched().empty()) return fail("unexpected argument " + options.unmatched().front());
    path = options["config"].as<std::string>();
  } catch (const std::exception& e) {
    return fail(e.what());
  }
  const auto text = runtime::read_file(path);
  if (!text) {
    return fail(text.error().message + (text.code() == Code::not_found
                                            ? ": `keelson init` writes it, --config says where it is"
                                            : ": is this root?"));
  }
  const auto config = runtime::parse_control_plane_config(*text, path);
  if (!config) return fail(config.error().message);

  std::signal(SIGPIPE, SIG_IGN);
  runtime::AsioLoop loop;
  runtime::StreamLog log({.json = config->log_json});
  auto plane = runtime::ControlPlane::start(loop, log, *config);
  if (!plane) return fail(plane.error().message);
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
