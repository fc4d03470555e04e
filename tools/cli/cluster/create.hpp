// The families of `create`, and what they share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

// The one argument that `create KIND` takes.
Result<std::string> one_name(const Session& session);
Json new_object(std::string_view api_version, std::string_view kind, const std::string& name);

std::vector<Verb> create_config_verbs();
std::vector<Verb> create_service_verbs();
std::vector<Verb> create_access_verbs();

}  // namespace keelson::cli
