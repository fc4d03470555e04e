// The grammar of label selectors, apart from what is done with them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/api/selector.hpp"

namespace keelson::api {

// Appends what `text` requires. Empty: parsed; else the message of a Kubernetes API server.
std::string parse_label_requirements(std::string_view text,
                                     std::vector<LabelSelectorMatcher::Requirement>& out);

// What is wrong with a requirement itself; empty: nothing.
std::string check_requirement(const LabelSelectorMatcher::Requirement& requirement);

}  // namespace keelson::api
