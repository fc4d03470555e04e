// The deletion of an object as a plan, for DELETE itself and for evictions.
#pragma once

#include "core/apiserver/pipeline/operation.hpp"

namespace keelson::apiserver {

// What deleting `now` as `request` asks for takes: marking it, removing it, or nothing more. `last`
// is set to the object's last content if it is removed.
Attempt plan_removal(const Context& context, const ObjectPtr& now, const Request& request,
                     MessagePtr* last);
// From the object that the first write of that plan committed.
Response removal_response(const ObjectPtr& committed, const MessagePtr& last);

}  // namespace keelson::apiserver
