// Private keys, as PEM (PKCS#8, without a pass phrase).
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace keelson::runtime {

enum class KeyType {
  ec_p256,   // for TLS
  rsa_2048,  // for tokens, which clients expect to be signed with RS256
};

// Takes milliseconds (EC) or some hundred of them (RSA). Draws on the system's randomness.
Result<std::string> generate_key(KeyType type);

// The public half of a private key, as PEM (SubjectPublicKeyInfo).
Result<std::string> public_key(std::string_view private_pem);

}  // namespace keelson::runtime
