// The resources that are questions: access reviews, token reviews and requests for tokens.
#pragma once

#include "core/auth/access.hpp"
#include "core/rest/call.hpp"

namespace keelson::rest {

class Reviews {
 public:
  // Null: everybody may do everything, and there are no tokens.
  explicit Reviews(auth::AccessControl* access) : access_(access) {}

  struct Outcome {
    api::ApiError error;
    api::MessagePtr message;
  };
  // REQUIRES: `asked` is of the resource's kind.
  Outcome answer(const Call& call, const api::Message& asked);

 private:
  auth::AccessControl* access_;
};

}  // namespace keelson::rest
