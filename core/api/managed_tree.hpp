// What updates and server-side apply share in their dealings with managed fields.
#pragma once

#include <boost/json/value.hpp>

#include "core/api/managed_fields.hpp"
#include "core/api/typed_tree.hpp"

namespace keelson::api {

// The object as it is compared: without its managedFields. Null: as one is before anybody has set
// anything (with the members that are always there).
boost::json::value managed_tree(Kind kind, const Message* message);

// Takes what has changed away from everybody and what has gone out of all entries. Returns what was
// set: it belongs to whoever made the change. What is `untouched` counts neither way.
FieldSet take_over(ManagedFields& managed, const TreeDifference& difference,
                   const FieldSet& untouched);

}  // namespace keelson::api
