// The three ways to patch: RFC 6902 JSON patch, RFC 7386 merge patch, and Kubernetes' strategic merge
// patch, whose list rules come from the field options patch_strategy and merge_key.
#pragma once

#include <boost/json/fwd.hpp>
#include <memory>
#include <string_view>
#include <vector>

#include "core/api/error.hpp"
#include "core/api/object.hpp"
#include "core/api/request.hpp"

namespace keelson::api {

// `before` with the patch applied, as a new message, or the error that a server answers (400 for a
// malformed patch, 422 for one that cannot be applied).
struct Patched {
  std::unique_ptr<Message> message;
  ApiError error;
  // metadata.resourceVersion, if the patch set one: a precondition.
  std::optional<Revision> revision;
  // About fields that the kind does not have, or that the patch has twice.
  std::vector<std::string> warnings;
};
// REQUIRES: a type other than apply, which apply.hpp does. Unknown and duplicate fields are ignored,
// warned of, or a 422.
Patched apply_patch(const Object& before, PatchType type, std::string_view patch,
                    FieldValidation validation = FieldValidation::ignore);

// A patch that led to something that is no object of the kind, or that was to be refused for its
// fields: a 422 that shows the patch, as a value or by its text, and says why.
ApiError unfit_patch(PatchType type, const boost::json::value& patch, std::string_view text,
                     const std::string& why);

}  // namespace keelson::api
