// Work that is spread over processes of this machine: one that crashes loses one task, and nothing is
// shared that could make two runs depend on each other.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace keelson::cli {

struct Tasks {
  uint64_t count = 0;  // numbered from 0
  unsigned jobs = 1;   // processes
  const char* unit = "tasks";  // for the progress on standard error
  // On an interrupt (one_run.hpp) the workers end what they are at, which asks interrupted() itself;
  // else they are ended and what they were at counts as not done.
  bool patient = false;
  bool quiet = false;  // no progress
};

struct TaskEnd {
  uint64_t task = 0;
  std::string line;     // what the work returned
  std::string failure;  // how its process ended instead; empty: it did not
};

// Calls `work` for each task in some worker, the tasks in about their order; it returns a text without
// line breaks. Calls `done` here for each task that ended, in any order. Tasks are not done if it was
// interrupted or if the system refuses processes (said on standard error). REQUIRES: the caller has
// called stop_on_interrupt().
void run_tasks(const Tasks& tasks, const std::function<std::string(uint64_t task)>& work,
               const std::function<void(TaskEnd end)>& done);

}  // namespace keelson::cli
