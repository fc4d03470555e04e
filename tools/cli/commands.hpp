// The subcommands. Each gets its own name as argv[0] and returns the exit code: 0 held, 1 a guarantee
// was violated, 2 bad usage or input, 3 undecided.
#pragma once

namespace keelson::cli {

int up(int argc, char** argv);
int sim(int argc, char** argv);
int sim_run(int argc, char** argv);
int sim_replay(int argc, char** argv);
int sim_list(int argc, char** argv);
int sim_compare(int argc, char** argv);
int sim_merge(int argc, char** argv);
int whatif(int argc, char** argv);
int real(int argc, char** argv);
int real_run(int argc, char** argv);
int real_check(int argc, char** argv);

}  // namespace keelson::cli
