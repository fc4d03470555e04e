// Older and other names of versions: bodies of policy/v1beta1, discovery.k8s.io/v1beta1 and
// events.k8s.io/v1 to and from the version that is stored.
#pragma once

#include <boost/json/fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "core/api/request.hpp"
#include "core/rest/catalog.hpp"

namespace keelson::rest {

// A member that is called otherwise in another version.
struct Rename {
  const char* stored;
  const char* shown;
};
// Those of a message ("keelson.api.core.v1.Event") as it is shown in that version of that group.
std::span<const Rename> renames(std::string_view group, std::string_view version,
                                std::string_view message);

// From the stored version's JSON to that of the resource. REQUIRES: resource.converted().
std::string to_version(const Resource& resource, std::string_view stored);
// In place, the other way round: apiVersion and whatever is named differently.
void from_version(const Resource& resource, boost::json::object& body);
// A patch of the resource as one of the stored version. What cannot be read stays as it is: whoever
// applies it says what is wrong.
std::string patch_from_version(const Resource& resource, api::PatchType type, std::string patch);

}  // namespace keelson::rest
