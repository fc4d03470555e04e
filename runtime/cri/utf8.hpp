// Text from outside, for messages of the API, which must be UTF-8.
#pragma once

#include <string>

namespace keelson::cri {

// Replaces each byte that belongs to no character by U+FFFD.
std::string to_utf8(std::string text);

}  // namespace keelson::cri
