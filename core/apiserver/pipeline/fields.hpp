// Tracking of who manages which fields, for requests that say who writes.
#pragma once

#include "core/api/managed_fields.hpp"
#include "core/apiserver/pipeline/context.hpp"

namespace keelson::apiserver {

// REQUIRES: the request names a field manager.
api::FieldWriter field_writer(const Request& request, const Context& context);

// `now` is what a create, an update or a patch has made of `before` (null: of nothing), defaults
// included. Without a field manager nothing is noted and nothing looked at.
void note_update(const Request& request, const Context& context, const Message* before,
                 Message& now);

}  // namespace keelson::apiserver
