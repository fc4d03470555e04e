// Tape archives (ustar), as much of them as `kubectl cp` needs.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/base/time.hpp"

namespace keelson::sim {

// Appends a file, or with `directory` a directory. A name that does not fit is cut.
void add_to_tar(std::string& archive, std::string_view name, std::string_view content, WallTime at,
                bool directory = false);
void end_tar(std::string& archive);

// Calls for each file and directory, in order. False: it is no archive, or cut off.
bool read_tar(std::string_view archive,
              const std::function<void(std::string name, bool directory, std::string_view content)>& each);

}  // namespace keelson::sim
