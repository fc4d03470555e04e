// Signed tokens (JSON Web Tokens, RFC 7519) with RS256, and the keys that they are signed with, as
// JSON Web Keys (RFC 7517). Pure computation: keys come from outside.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace keelson::auth {

class JwtKeys {
 public:
  // `signing`: the private RSA key, as PEM. `others`: further keys, private or public, whose tokens
  // are accepted: those of before a rotation. Code::invalid says which PEM is no RSA key of at
  // least 2048 bits.
  static Result<JwtKeys> load(std::string_view signing,
                              const std::vector<std::string>& others = {});

  // header.payload.signature; `payload` is JSON. Empty: the library refused, which it does not with
  // a key that was loaded.
  std::string sign(std::string_view payload) const;

  // The payload, if one of the keys has signed it; nothing is said of what stands in it.
  std::optional<std::string> verify(std::string_view token) const;

  // {"keys":[...]}: what others verify tokens with.
  std::string public_keys() const;

 private:
  struct Key;
  std::vector<std::shared_ptr<const Key>> keys_;  // the first one signs
};

// Base64 as URLs have it, without padding (RFC 4648, section 5).
std::string encode_base64url(std::string_view bytes);
std::optional<std::string> decode_base64url(std::string_view text);

}  // namespace keelson::auth
