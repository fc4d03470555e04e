// The three patches as functions from tree to tree.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <string>

#include "core/api/json_plan.hpp"

namespace keelson::api {

struct PatchFailure {
  enum class Kind : uint8_t {
    none,
    malformed,   // the patch is none: 400
    unapplied,   // it does not fit the object: 422
    too_large,   // 413
  } kind{};
  std::string message;
  std::string place;  // JSON pointer, where there is one
  explicit operator bool() const { return kind != Kind::none; }
};

// RFC 6902. On failure `document` is in an unspecified state.
PatchFailure apply_json_patch(boost::json::value& document, const boost::json::value& patch);

// RFC 7386.
void apply_merge_patch(boost::json::value& document, const boost::json::value& patch);

// Kubernetes' own, guided by what `plan` knows of the fields. Consumes the patch.
PatchFailure apply_strategic_patch(boost::json::object& document, boost::json::object patch,
                                   const MessagePlan& plan);

}  // namespace keelson::api
