// Files that results go to; "-" is standard output.
#pragma once

#include <string>

namespace keelson::cli {

// Hours of running are not to end at a file that cannot be written: asked before them. True for "" and
// "-"; makes the file where it can.
bool can_write(const std::string& file);

// False: it cannot be written, which has been said on standard error.
bool write_file(const std::string& file, const std::string& text);

}  // namespace keelson::cli
