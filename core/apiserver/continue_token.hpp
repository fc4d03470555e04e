// The opaque token by which a client gets the next page of a list: the snapshot's revision and the
// name after which to go on. The same form as Kubernetes' own (base64url of JSON).
#pragma once

#include <optional>

#include "core/apiserver/watch_cache.hpp"
#include "core/base/result.hpp"

namespace keelson::apiserver {

struct ContinueToken {
  std::optional<Revision> at;  // absent: whatever is current, an inconsistent continuation
  Name after;

  std::string encode() const;
  // Error: Code::invalid, with the message that a Kubernetes server gives.
  static Result<ContinueToken> decode(std::string_view text);
};

}  // namespace keelson::apiserver
