// Older and other names of versions: bodies of policy/v1beta1, events.k8s.io/v1 and the like to and
// from the version that is stored, or, of reviews, that is answered.
#pragma once

#include <boost/json/fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "core/api/error.hpp"
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

// Whether that version lets a member of the message be left out that the stored one demands.
bool optional_in(std::string_view group, std::string_view version, std::string_view message,
                 std::string_view member);

// From the stored version's JSON to that of the resource. REQUIRES: resource.converted(), or a
// review.
std::string to_version(const Resource& resource, std::string_view stored);
// In place, the other way round: apiVersion and whatever is named differently.
void from_version(const Resource& resource, boost::json::object& body);
// The same, both ways, of messages in protobuf, whose fields may have other numbers.
std::string from_version_protobuf(const Resource& resource, std::string raw);
std::string to_version_protobuf(const Resource& resource, std::string raw);
// Makes the request's patch, of any type, fit the stored version. What cannot be read stays as it
// is; members that are there twice are refused or warned of here.
api::ApiError store_patch(const Resource& resource, api::Request& request,
                          std::vector<std::string>& warnings);
// A field selector in the names of the stored version.
std::string stored_fields(const Resource& resource, std::string_view selector);

// What may be stored but not be created under this version.
api::ApiError refuse_new(const Resource& resource, const api::Message& message);
// The same of what is applied, which may be the text of a configuration for something that is
// there.
api::ApiError refuse_new(const Resource& resource, const std::string& name,
                         std::string_view configuration);

}  // namespace keelson::rest
