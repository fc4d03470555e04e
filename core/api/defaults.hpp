// The parts of apply_defaults (validation.hpp), in the order in which they run.
#pragma once

#include "core/api/types.hpp"

namespace keelson::api {

// First: messages that are there even if nobody wrote them, so that the walk over the field options
// finds their fields.
void apply_structural_defaults(Kind kind, Message& message);
// Last: values that depend on other values, defaulted or not.
void apply_computed_defaults(Kind kind, Message& message);

}  // namespace keelson::api
