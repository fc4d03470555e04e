// `keelson sim run` alone: what a second compiler builds for the determinism test.
#include "tools/cli/commands.hpp"

int main(int argc, char** argv) { return keelson::cli::sim_run(argc, argv); }
