// What nodes may write into the objects that they can reach: their own Node, their own Lease, the
// status of pods bound to them, mirrors of their own static pods.
// Source: Kubernetes plugin/pkg/admission/noderestriction.
#pragma once

#include <string>

#include "core/api/error.hpp"
#include "core/api/request.hpp"
#include "core/apiserver/watch_cache.hpp"
#include "core/auth/auth.hpp"

namespace keelson::auth {

// No error: the write is no node's, or allowed. See apiserver::WriteGuard for the arguments.
api::ApiError check_node_write(const UserInfo& user, const apiserver::WatchCache& cache,
                               const api::Request& request, const api::Object* before,
                               const api::Message* after);

// A node may ask for tokens of the service accounts of its pods, each bound to such a pod.
api::ApiError check_node_token(const UserInfo& user, const apiserver::WatchCache& cache,
                               const std::string& ns, const std::string& account,
                               const api::TokenRequest& request);

}  // namespace keelson::auth
