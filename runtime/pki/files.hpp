// Files with secrets in them.
#pragma once

#include <string>

#include "core/base/result.hpp"

namespace keelson::runtime {

// Code::not_found: there is none. Files of more than a MiB are refused.
Result<std::string> read_file(const std::string& path);

// Readable for nobody else (mode 0600). Written beside its place and moved there, so that nobody
// sees half of it, also after a crash.
Status write_private_file(const std::string& path, const std::string& content);

// With its parents; mode 0700 where it is new.
Status make_private_directory(const std::string& path);

}  // namespace keelson::runtime
