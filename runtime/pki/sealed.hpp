// Secrets that travel through the API to a host that is to have them: sealed with a key that only the
// operator carries. AES-256-GCM (NIST SP 800-38D), a new nonce for each.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace keelson::runtime {

// A new key: 32 random bytes as 64 hex digits.
std::string make_sealing_key();

// `name` says what the content is: sealed content does not open under another name.
// Code::invalid: the key is not 64 hex digits.
Result<std::string> seal(std::string_view content, std::string_view name, std::string_view key);
// Code::denied: it was sealed with another key or under another name, or has been changed.
Result<std::string> open_sealed(std::string_view sealed, std::string_view name, std::string_view key);

}  // namespace keelson::runtime
