// `keelson token create|list|revoke`
#include <cstdio>
#include <cxxopts.hpp>

#include "runtime/pki/certificate.hpp"
#include "runtime/pki/files.hpp"
#include "runtime/process/config.hpp"
#include "tools/cli/cluster/human.hpp"
#include "tools/cli/host/cluster_objects.hpp"
#include "tools/cli/host/daemon.hpp"
#include "tools/cli/host/join_command.hpp"
#include "tools/cli/host/shared_secrets.hpp"

namespace keelson::cli {

namespace {

int token_fails(const std::string& why) {
  std::fprintf(stderr, "keelson token: %s\n", why.c_str());
  return 1;
}

int create(const Layout& layout, AdminApi& api, const cxxopts::ParseResult& options) {
  if (options.count("control-plane") && !options.count("print-join-command")) {
    return token_fails("--control-plane goes with --print-join-command");
  }
  const std::string ttl = options["ttl"].as<std::string>();
  const auto valid_for = parse_lifetime(ttl);
  if (!valid_for) {
    return token_fails("--ttl " + ttl + ": expected a time such as 24h, at most 100 years, or 0 for ever");
  }
  std::string certificate_key;
  if (options.count("control-plane")) {
    auto key = share_secrets(api, layout);
    if (!key) return token_fails(key.error().message);
    certificate_key = std::move(*key);
  }
  const BootstrapToken token = make_token();
  const Status made = publish_token(
      api, token, *valid_for,
      options.count("description") ? options["description"].as<std::string>() : std::string());
  if (!made) return token_fails(made.message());
  if (!options.count("print-join-command")) {
    std::printf("%s\n", token.text().c_str());
    return 0;
  }
  const auto command = join_command(layout, token, certificate_key);
  if (!command) return token_fails(command.error().message);
  std::printf("%s\n", command->c_str());
  return 0;
}

int list(AdminApi& api) {
  const auto tokens = list_tokens(api);
  if (!tokens) return token_fails(tokens.error().message);
  std::printf("%-8s  %-22s  %s\n", "ID", "EXPIRES", "DESCRIPTION");
  for (const ListedToken& token : *tokens) {
    const std::string expires = token.expiration.empty() ? "never"
                                : token.expired          ? "expired"
                                                         : token.expiration;
    std::printf("%-8s  %-22s  %s\n", token.id.c_str(), expires.c_str(), token.description.c_str());
  }
  return 0;
}

int revoke(AdminApi& api, const std::vector<std::string>& tokens) {
  if (tokens.empty()) return token_fails("which one? keelson token revoke ID");
  for (const std::string& token : tokens) {
    const std::string id = token.substr(0, token.find('.'));
    const auto gone = api.remove("/api/v1/namespaces/kube-system/secrets/bootstrap-token-" + id);
    if (!gone && gone.code() == Code::not_found) return token_fails("there is no token " + id);
    if (!gone) return token_fails(gone.error().message);
    std::printf("token \"%s\" revoked\n", id.c_str());
  }
  return 0;
}

}  // namespace

int token(int argc, char** argv) {
  cxxopts::Options parser("keelson token",
                          "Tokens with which hosts join the cluster. Run it on a control plane.\n"
                          "  keelson token create [--ttl 24h] [--print-join-command [--control-plane]]\n"
                          "  keelson token list\n"
                          "  keelson token revoke ID...\n");
  parser.add_options()("ttl", "how long it is valid; 0: for ever",
                       cxxopts::value<std::string>()->default_value("24h"), "TIME")(
      "description", "for people", cxxopts::value<std::string>(), "TEXT")(
      "print-join-command", "print what to run on the host that is to join")(
      "control-plane", "... as a control plane: uploads this one's secrets, sealed, for two hours")(
      "root", "below which this host keeps everything (default: /)",
      cxxopts::value<std::string>()->default_value(""), "DIR")("h,help", "show this");
  try {
    parser.allow_unrecognised_options();
    const auto options = parser.parse(argc, argv);
    const std::vector<std::string>& words = options.unmatched();
    for (const std::string& word : words) {
      if (word.starts_with('-')) return token_fails("unknown option " + word);
    }
    if (options.count("help") || words.empty()) {
      std::fputs(parser.help().c_str(), options.count("help") ? stdout : stderr);
      return options.count("help") ? 0 : 2;
    }
    const Layout layout{options["root"].as<std::string>()};
    auto api = AdminApi::of_host(layout);
    if (!api) return token_fails(api.error().message);
    if (words[0] == "create") return create(layout, *api, options);
    if (words[0] == "list") return list(*api);
    if (words[0] == "revoke" || words[0] == "delete") {
      return revoke(*api, {words.begin() + 1, words.end()});
    }
    return token_fails("\"" + words[0] + "\" is none of create, list and revoke");
  } catch (const std::exception& e) {
    return token_fails(e.what());
  }
}

}  // namespace keelson::cli
