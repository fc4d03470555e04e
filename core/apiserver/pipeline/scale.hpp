// The scale subresource: a small view of Deployments and ReplicaSets that is read and written alike
// for both. Source: pkg/registry/apps/deployment/storage.
#pragma once

#include "core/apiserver/common.hpp"

namespace keelson::apiserver {

bool has_scale(Kind kind);
// REQUIRES: has_scale(object.kind()).
std::shared_ptr<api::Scale> scale_of(const Object& object);

}  // namespace keelson::apiserver
