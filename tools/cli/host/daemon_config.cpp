#include "tools/cli/host/daemon_config.hpp"

#include <cstdio>
#include <cxxopts.hpp>

#include "runtime/pki/files.hpp"

namespace keelson::cli {

int daemon_fails(const DaemonCommand& command, const std::string& why) {
  std::fprintf(stderr, "keelson %s: %s\n", command.name, why.c_str());
  return 2;
}

std::optional<DaemonConfig> read_daemon_config(int argc, char** argv, const DaemonCommand& command,
                                               int& exit_code) {
  const auto fail = [&](const std::string& why) {
    exit_code = daemon_fails(command, why);
    return std::nullopt;
  };
  cxxopts::Options parser(std::string("keelson ") + command.name, std::string(command.help) + "\n");
  parser.add_options()("config", "its configuration",
                       cxxopts::value<std::string>()->default_value(command.default_path), "FILE")(
      "h,help", "show this");
  DaemonConfig config;
  try {
    const auto options = parser.parse(argc, argv);
    if (options.count("help")) {
      std::fputs(parser.help().c_str(), stdout);
      exit_code = 0;
      return std::nullopt;
    }
    if (!options.unmatched().empty()) return fail("unexpected argument " + options.unmatched().front());
    config.path = options["config"].as<std::string>();
  } catch (const std::exception& e) {
    return fail(e.what());
  }
  auto text = runtime::read_file(config.path);
  if (!text) {
    const std::string hint = text.code() == Code::not_found
                                 ? std::string(": `") + command.written_by +
                                       "` writes it, --config says where it is"
                                 : std::string(": is this root?");
    return fail(text.error().message + hint);
  }
  config.text = std::move(*text);
  return config;
}

}  // namespace keelson::cli
