// A real cluster as the beginning of an experiment: what
//
//   kubectl get nodes,pods,pdb,priorityclasses,services,rs,deployments -A -o yaml > dump.yaml
//
// says about it (or -o json; or several documents; compressed by gzip, too). Only nodes are needed.
// Pods that have ended are left out; pods without a node are arrivals that come at once, in the order
// in which they were created. What else stands there is kept for whoever knows it. Fields that Keelson
// does not know are ignored, absent ones have the API's defaults; a pod's priority is that of its
// class if it has none yet.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "sim/lab/workload.hpp"

namespace keelson::lab {

// Error: Code::invalid, "FILE:LINE:COLUMN: path: why" where the text is wrong, "FILE: why" else.
Result<Workload> read_dump(const std::string& file);
Result<Workload> parse_dump(std::string_view text, const std::string& file);

}  // namespace keelson::lab
