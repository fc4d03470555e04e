// `keelson node --config FILE`
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <cxxopts.hpp>

#include "runtime/log/stream_log.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/pki/files.hpp"
#include "runtime/process/node.hpp"
#include "tools/cli/host/daemon.hpp"

namespace keelson::cli {

namespace {

int fail(const std::string& why) {
  std::fprintf(stderr, "keelson node: %s\n", why.c_str());
  return 2;
}

}  // namespace

int node(int argc, char** argv) {
  cxxopts::Options parser("keelson node",
                          "Runs the agent of this host. `keelson join` writes its configuration and "
                          "starts it.\n");
  parser.add_options()("config", "its configuration",
                       cxxopts::value<std::string>()->default_value("/etc/keelson/node.yaml"),
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
                                            ? ": `keelson join` writes it, --config says where it is"
                                            : ": is this root?"));
  }
  const auto config = runtime::parse_node_config(*text, path);
  if (!config) return fail(config.error().message);
  if (Status made = runtime::make_private_directory(config->state_dir); !made) {
    return fail(made.message());
  }

  std::signal(SIGPIPE, SIG_IGN);
  runtime::AsioLoop loop;
  runtime::StreamLog log({.json = config->log_json});
  auto node = runtime::Node::start(loop, log, *config);
  if (!node) return fail(node.error().message);
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
