// The report of a study as text for a terminal.
#pragma once

#include <string>

#include "sim/lab/study.hpp"

namespace keelson::lab {

// Per metric a line for each variant: the mean with its interval, and the difference from the
// baseline with a mark of significance. Ends in a line break.
std::string text_report(const Study& study);

}  // namespace keelson::lab
