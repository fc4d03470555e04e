// The documents by which clients learn what is served, in the old form (one per group version) and in
// the aggregated one. Compact JSON in the key order of Kubernetes, which clients' tests compare.
#pragma once

#include <string>
#include <string_view>

namespace keelson::rest {

// As /version says it, and the documents.
inline constexpr const char* kServerVersion = "v1.33.0+keelson";

std::string api_versions(std::string_view address);  // /api
std::string api_groups();                            // /apis
std::string api_group(std::string_view group);       // /apis/apps; REQUIRES: it is served
std::string api_resources(std::string_view group, std::string_view version);
// APIGroupDiscoveryList of /api (core) or /apis; `version` "v2" or "v2beta1".
std::string aggregated(bool core, std::string_view version);
// {"paths":[...]} of /
std::string root_paths();
std::string version_info();

}  // namespace keelson::rest
