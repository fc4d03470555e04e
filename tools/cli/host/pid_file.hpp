// Files that say which process a service is. A number alone says little: after a boot, or after enough other
// processes, it is a stranger's. So beside each file NAME stands NAME.start with the boot and the moment at
// which that process started (/proc/PID/stat, field 22), and both must fit. NAME itself is the plain number,
// for people and scripts.
#pragma once

#include <sys/types.h>

#include <string>

namespace keelson::cli {

// REQUIRES: the process is there, or nobody has waited for it yet.
void write_pid(const std::string& path, pid_t pid);
// The process that the file is about; 0: there is no file, it has ended, or its number is another's now.
pid_t read_pid(const std::string& path);
void remove_pid(const std::string& path);

}  // namespace keelson::cli
