// Patches of a Scale, which is no stored object and has no lists: merge and strategic merge patch
// are the same for it, and a JSON patch moves among its few members. Unknown fields are an error, or
// put into `warnings`, or ignored.
#pragma once

#include "core/apiserver/common.hpp"

namespace keelson::apiserver {

ApiError patch_scale(const api::Scale& before, api::PatchType type, std::string_view patch,
                     api::FieldValidation validation, api::Scale& after,
                     std::vector<std::string>& warnings);

}  // namespace keelson::apiserver
