#include "tools/cli/host/join_target.hpp"

namespace keelson::cli {

void add_target_options(cxxopts::Options& parser) {
  const auto text = [] { return cxxopts::value<std::string>()->default_value(""); };
  auto add = parser.add_options();
  add("token", "a bootstrap token", text(), "TOKEN");
  add("ca-cert-hash", "the hash of the cluster's authority", text(), "sha256:HEX");
  add("positional", "", cxxopts::value<std::vector<std::string>>());
  parser.parse_positional({"positional"});
  parser.positional_help("HOST:PORT");
}

Result<JoinTarget> read_target(const cxxopts::ParseResult& flags) {
  const auto bad = [](std::string why) { return Error{Code::invalid, std::move(why)}; };
  JoinTarget target;
  const auto positional = flags.count("positional")
                              ? flags["positional"].as<std::vector<std::string>>()
                              : std::vector<std::string>();
  if (positional.size() != 1) return bad("which cluster? keelson join HOST:PORT --token ...");
  target.server = positional[0].starts_with("https://") ? positional[0] : "https://" + positional[0];
  if (positional[0].find(':') == std::string::npos) target.server += ":6443";
  const std::string token_text = flags["token"].as<std::string>();
  if (token_text.empty()) return bad("--token is missing; `keelson token create` makes one");
  auto token = parse_token(token_text);
  if (!token) return bad("--token: " + token.error().message);
  target.token = std::move(*token);
  target.key_hash = flags["ca-cert-hash"].as<std::string>();
  if (!target.key_hash.starts_with("sha256:") || target.key_hash.size() != 7 + 64) {
    return bad("--ca-cert-hash: expected sha256: and 64 hex digits, as `keelson init` has printed it");
  }
  return target;
}

}  // namespace keelson::cli
