// What this process uses, under the names that every Prometheus client library gives them.
#pragma once

#include <string>

namespace keelson::host {

// process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds; what the kernel does not tell
// is left out.
std::string own_process_metrics();

}  // namespace keelson::host
