// The report of a study: one HTML page that needs nothing else. Opens from a disk, prints, follows
// the reader's choice of light or dark; without scripts only the values under the pointer are
// missing.
#pragma once

#include <string>

#include "sim/lab/study.hpp"

namespace keelson::lab {

std::string html_report(const Study& study);

}  // namespace keelson::lab
