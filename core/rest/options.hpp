// Query parameters and DeleteOptions, checked as Kubernetes checks them.
// Source: apimachinery/pkg/apis/meta/v1/validation and internalversion/validation.
#pragma once

#include "core/api/request.hpp"
#include "core/rest/catalog.hpp"
#include "core/rest/http.hpp"
#include "core/rest/uri.hpp"

namespace keelson::rest {

// dryRun, fieldManager, fieldValidation, force. `options`: "CreateOptions", "UpdateOptions" or
// "PatchOptions", for messages. The field manager defaults to the user agent's name.
api::ApiError read_write_options(const Uri& uri, std::string_view options,
                                 std::string_view user_agent, api::Request& request);

// limit, continue, selectors, resourceVersion and how it is meant.
api::ApiError read_list_options(const Uri& uri, const Resource& resource, api::Request& request);

struct WatchOptions {
  api::WatchRequest request;
  std::optional<int64_t> timeout_seconds;
};
api::ApiError read_watch_options(const Uri& uri, const Resource& resource,
                                 WatchOptions& watch);

// From the body and the query, which are equivalent.
api::ApiError read_delete_options(const Uri& uri, std::string_view content_type,
                                  std::string_view body, api::Request& request);

}  // namespace keelson::rest
