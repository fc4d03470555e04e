// What is done with the results of a study, fresh or merged.
#pragma once

#include "sim/lab/study.hpp"
#include "tools/cli/lab/options.hpp"

namespace keelson::cli {

// That they can be written is to be known before hours of running. Error: Code::invalid.
Status check_outputs(const Outputs& outputs);

// Writes the files, and the table, if wanted, to standard output unless that belongs to a file's
// content. The exit code: 0, 2 if a file could not be written, 3 if runs are missing.
int publish(const lab::Study& study, const Outputs& outputs, bool table);

}  // namespace keelson::cli
