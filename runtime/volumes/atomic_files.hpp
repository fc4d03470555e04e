// Replaces the files of a directory all at once, as kubelet's atomic writer does: the files lie in a
// directory of their own ("..2026_11_25_23_31_02.Ab3xYz") to which the link "..data" points; what users
// see are links through it ("ca.crt" -> "..data/ca.crt"). One rename of "..data" swaps all of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/agent/volumes.hpp"
#include "core/base/result.hpp"

namespace keelson::volumes {

// `directory` is there, and nobody else writes to it. `files` are sorted by path. Code::invalid: a path
// has an empty part, "." or "..", begins with "..", or is also another's folder. `group`: may read
// everything. Nothing is written if nothing has changed. An error leaves the old files in place and
// nothing of the new ones. Blocks.
Status write_files(const std::string& directory, const std::vector<agent::VolumeFile>& files,
                   std::optional<int64_t> group);

}  // namespace keelson::volumes
