// The kubeconfig file: which cluster, as whom, in which namespace. Read as kubectl reads it: the
// files of --kubeconfig or of the list in $KUBECONFIG or ~/.kube/config, merged (the first that
// names a thing wins), then the flags.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "tools/cli/cluster/tree.hpp"

namespace keelson::cli {

// All that is needed to talk to a cluster. PEM texts, not file names.
struct Connection {
  std::string server = "http://localhost:8080";  // what kubectl tries where nothing is configured
  std::string name_space = "default";
  std::string ca_pem, client_cert_pem, client_key_pem;
  std::string token, username, password;
  std::string tls_server_name;
  std::string as;
  std::vector<std::string> as_groups;
  bool insecure_skip_verify = false;
};

// What the flags say; empty: nothing.
struct ConnectionFlags {
  std::string kubeconfig, context, cluster, user, server, name_space;
  std::string token, username, password, tls_server_name, as;
  std::vector<std::string> as_groups;
  std::string certificate_authority, client_certificate, client_key;  // files
  bool insecure_skip_verify = false;
};

// How files and the environment are read: main() passes the real ones.
struct Surroundings {
  std::function<std::optional<std::string>(const std::string& file)> read;
  std::function<std::optional<std::string>(const std::string& name)> env;
};
Surroundings real_surroundings();

// The merged file as `config view` shows it: kind Config, relative file names made absolute. A file
// that the flag names must exist; those of the environment may not.
Result<Json> load_kubeconfig(const ConnectionFlags& flags, const Surroundings& around);

// Errors say which context, user or file is wrong.
Result<Connection> connection_of(const Json& config, const ConnectionFlags& flags,
                                 const Surroundings& around);

}  // namespace keelson::cli
