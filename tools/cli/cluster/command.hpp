// The cluster verbs as main() calls them.
#pragma once

#include <memory>
#include <string>

#include "tools/cli/cluster/session.hpp"

namespace keelson::cli {

// Runs the verb that the words name. argv[0] is the program. Returns the exit code: 0 done, 1
// refused or failed (as kubectl), the command's own after exec.
int cluster(int argc, char** argv);

// Whether these words are a cluster verb's.
bool is_cluster_verb(int argc, char** argv);

// The terminal and the clock of this process.
std::unique_ptr<Console, void (*)(Console*)> real_console();

// The list of verbs for the program's own help.
std::string cluster_usage();

}  // namespace keelson::cli
