// What makes a message that came as protobuf the one that its JSON would have become.
#pragma once

#include <string>

#include "core/api/types.hpp"

namespace keelson::api {

// Drops unset times and empty inlined members, cuts times to their precision, makes quantities
// canonical. Not empty: what is wrong, with its place; `message` is in an unspecified state then.
std::string normalize_protobuf(Message& message);

}  // namespace keelson::api
