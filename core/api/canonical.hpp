// Messages as bytes that are equal for equal messages: fields by number, maps by key. What two
// messages are compared by, and what hashes over content are taken from.
#pragma once

#include <string>

#include "core/api/types.hpp"

namespace keelson::api {

std::string canonical_bytes(const Message& message);

// Same content.
bool same(const Message& a, const Message& b);

}  // namespace keelson::api
