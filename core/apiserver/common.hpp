// Names that every file of the API server uses.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api/error.hpp"
#include "core/api/kinds.hpp"
#include "core/api/object.hpp"
#include "core/api/request.hpp"
#include "core/base/callback.hpp"

namespace keelson::apiserver {

using api::ApiError;
using api::Kind;
using api::Message;
using api::MessagePtr;
using api::Object;
using api::ObjectKey;
using api::ObjectMeta;
using api::ObjectPtr;
using api::Reason;
using api::Request;
using api::Response;
using api::Revision;
using api::Subresource;
using api::Verb;

inline constexpr std::string_view kNodeLeaseNamespace = "kube-node-lease";
inline constexpr std::string_view kSystemNamespace = "kube-system";

// The reason why an object does not go away at once: see the garbage collector.
inline constexpr std::string_view kForegroundFinalizer = "foregroundDeletion";
inline constexpr std::string_view kOrphanFinalizer = "orphan";

inline Response failed(ApiError error) {
  Response response;
  response.error = std::move(error);
  return response;
}

// Ties callbacks to the life of their owner: a callback that comes after the owner has gone (a
// killed process, whose requests the store still answers) does nothing.
class Lifeline {
 public:
  Lifeline() : token_(std::make_shared<char>()) {}
  Lifeline(const Lifeline&) = delete;
  Lifeline& operator=(const Lifeline&) = delete;

  template <class F>
  auto tie(F f) const {
    return [alive = std::weak_ptr<char>(token_), f = std::move(f)](auto&&... args) mutable {
      if (!alive.expired()) f(std::forward<decltype(args)>(args)...);
    };
  }

 private:
  std::shared_ptr<char> token_;
};

}  // namespace keelson::apiserver
