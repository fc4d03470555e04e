#include "tools/cli/cluster/verbs.hpp"

#include <algorithm>

namespace keelson::cli {

namespace {

std::vector<Verb> gather() {
  using Family = std::vector<Verb> (*)();
  constexpr Family kFamilies[] = {
      get_verbs,    describe_verbs, run_verbs,          create_verbs,    apply_verbs,
      delete_verbs, expose_verbs,   scale_verbs,        set_verbs,       rollout_verbs,
      logs_verbs,   exec_verbs,     port_forward_verbs, label_verbs,     taint_verbs,
      drain_verbs,  top_verbs,      events_verbs,       wait_verbs,      explain_verbs,
      info_verbs,   auth_verbs,     config_verbs,       simulation_verbs,
      completion_verbs};
  std::vector<Verb> all;
  for (const Family family : kFamilies) {
    for (Verb& verb : family()) all.push_back(std::move(verb));
  }
  return all;
}

// Whether a global flag takes the next word as its value.
bool takes_value(const std::string& word) {
  if (word.find('=') != std::string::npos) return false;
  for (const FlagSpec& spec : global_flags()) {
    const auto [short_name, long_name] = flag_names(spec);
    if (*spec.value != '\0' && !spec.implicit &&
        (word == "--" + long_name || word == "-" + short_name)) {
      return true;
    }
  }
  return false;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == ' ') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

}  // namespace

const std::vector<Verb>& all_verbs() {
  static const std::vector<Verb> verbs = gather();
  return verbs;
}

const std::vector<FlagSpec>& global_flags() {
  static const std::vector<FlagSpec> flags = {
      {"kubeconfig", "FILE", "the kubeconfig to use (else $KUBECONFIG, else ~/.kube/config)"},
      {"context", "NAME", "the context of the kubeconfig"},
      {"cluster", "NAME", "the cluster of the kubeconfig"},
      {"user", "NAME", "the user of the kubeconfig"},
      {"n,namespace", "NAME", "the namespace"},
      {"s,server", "URL", "address of the API server"},
      {"token", "TOKEN", "bearer token"},
      {"username", "NAME", "for basic authentication"},
      {"password", "TEXT", "for basic authentication"},
      {"as", "NAME", "act as this user"},
      {"as-group", "NAME", "act as a member of this group (repeatable)"},
      {"certificate-authority", "FILE", "certificates that the server's is verified by"},
      {"client-certificate", "FILE", "client certificate"},
      {"client-key", "FILE", "its key"},
      {"tls-server-name", "NAME", "the name to expect in the server's certificate"},
      {"insecure-skip-tls-verify", "", "accept any certificate of the server"},
      {"request-timeout", "TIME", "give up on a request after this time (10s, 1m; 0: never)"},
      {"v", "LEVEL", "print the requests from level 6 on"},
      {"h,help", "", "show this"}};
  return flags;
}

const Verb* find_verb(std::vector<std::string>& words) {
  std::vector<std::string> before, rest;
  std::size_t i = 0;
  while (i < words.size() && words[i].size() > 1 && words[i][0] == '-' && words[i] != "--") {
    const bool two = takes_value(words[i]);
    before.push_back(words[i++]);
    if (two && i < words.size()) before.push_back(words[i++]);
  }
  const std::vector<std::string> tail(words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
  const Verb* best = nullptr;
  std::size_t length = 0;
  for (const Verb& verb : all_verbs()) {
    const auto name = split(verb.name);
    if (name.size() > length && name.size() <= tail.size() &&
        std::equal(name.begin(), name.end(), tail.begin())) {
      best = &verb;
      length = name.size();
    }
  }
  if (!best) return nullptr;
  words = std::move(before);
  words.insert(words.end(), tail.begin() + static_cast<std::ptrdiff_t>(length), tail.end());
  return best;
}

ConnectionFlags connection_flags(const Verb& verb, const Flags& flags) {
  const auto get = [&](const char* name) -> std::string {
    const bool own = std::any_of(verb.flags.begin(), verb.flags.end(), [&](const FlagSpec& spec) {
      return flag_names(spec).second == name;
    });
    return own ? "" : flags.get(name);
  };
  ConnectionFlags out;
  out.kubeconfig = get("kubeconfig");
  out.context = get("context");
  out.cluster = get("cluster");
  out.user = get("user");
  out.server = get("server");
  out.name_space = get("namespace");
  out.token = get("token");
  out.username = get("username");
  out.password = get("password");
  out.tls_server_name = get("tls-server-name");
  out.as = get("as");
  out.as_groups = flags.all("as-group");
  out.certificate_authority = get("certificate-authority");
  out.client_certificate = get("client-certificate");
  out.client_key = get("client-key");
  out.insecure_skip_verify = flags.on("insecure-skip-tls-verify");
  return out;
}

int run_verb(const Verb& verb, const Flags& flags, const ConnectionFlags& connection,
             const Json& kubeconfig, const std::string& ns, Api& api, Console& io) {
  Session session(api, io, flags, ns);
  session.kubeconfig = kubeconfig;
  session.connection_flags = connection;
  if (const std::string mode = session.dry_run();
      mode != "none" && mode != "client" && mode != "server") {
    io.err("error: Invalid dry-run value (" + mode +
           "). Must be \"none\", \"server\", or \"client\".\n");
    return 1;
  }
  const Status status = verb.run(session);
  if (!status) session.complain(status.error());
  return session.exit_code;
}

}  // namespace keelson::cli
