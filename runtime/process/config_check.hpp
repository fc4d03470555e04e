// What a configuration says, judged field by field before anything is made of it; config.hpp has the form.
#pragma once

#include <string>

#include "core/base/result.hpp"
#include "runtime/process/config.hpp"

namespace keelson::runtime {

// Code::invalid: "FIELD: what is wrong with it, and what is expected".
Status check(const ControlPlaneConfig& config);
Status check(const NodeConfig& config);

}  // namespace keelson::runtime
