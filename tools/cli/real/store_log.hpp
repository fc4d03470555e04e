// Reads what a live store has kept of its history: the log, entry by entry, and the heartbeats. Only
// reads: no server that serves from this Redis notices.
#pragma once

#include <string>

#include "core/base/result.hpp"
#include "runtime/redis/address.hpp"

namespace keelson::real {

// As lines of a record (record_files.hpp). The hashes of the log are followed: where one does not fit to
// what was written, a line says so ("damage"). Code::unavailable: nobody answers there.
Result<std::string> read_store(const redis::Address& address, const std::string& prefix = "{keelson}");

}  // namespace keelson::real
