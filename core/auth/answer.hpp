// The answer to a question that is stored nowhere (a review, a request for a token).
#pragma once

#include "core/api/error.hpp"

namespace keelson::auth {

template <class M>
struct Answer {
  api::ApiError error;
  M message;  // what was asked, with its status filled in; of no use if there is an error

  bool ok() const { return error.ok(); }
};

}  // namespace keelson::auth
