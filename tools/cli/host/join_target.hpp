// Which cluster a host joins, and by what right: what every form of `keelson join` asks for.
#pragma once

#include <cxxopts.hpp>
#include <string>

#include "core/base/result.hpp"
#include "tools/cli/host/cluster_objects.hpp"

namespace keelson::cli {

struct JoinTarget {
  std::string server;  // a URL
  BootstrapToken token;
  std::string key_hash;
};

// --token, --ca-cert-hash and HOST:PORT.
void add_target_options(cxxopts::Options& parser);
Result<JoinTarget> read_target(const cxxopts::ParseResult& flags);

}  // namespace keelson::cli
