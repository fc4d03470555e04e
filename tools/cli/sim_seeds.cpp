#include "tools/cli/sim_seeds.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>

namespace keelson::cli {

namespace {

// A worker process runs every jobs-th seed from `first` on and writes a line for each.
[[noreturn]] void work(const sim::Scenario& scenario, const Seeds& seeds, Limits limits,
                       uint64_t first, int out) {
  stop_on_interrupt(true);
  for (uint64_t seed = first; seed <= seeds.last && !interrupted(); seed += seeds.jobs) {
    OneRun one(scenario, seed, limits, false);
    one.execute();
    const std::string line = sim::to_line(sim::summarise(one.run(), one.wall())) + "\n";
    for (std::size_t at = 0; at < line.size();) {
      const ssize_t n = write(out, line.data() + at, line.size() - at);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) _exit(1);
      at += static_cast<std::size_t>(n);
    }
  }
  _exit(0);
}

struct Worker {
  pid_t pid = -1;
  int in = -1;        // -1: it has ended
  uint64_t next = 0;  // the seed that it is at
  std::string buffer;
};

// Starts the worker at its next seed. False: the system refuses.
bool start(Worker& worker, const sim::Scenario& scenario, const Seeds& seeds, Limits limits) {
  int ends[2];
  if (pipe(ends) != 0) {
    std::perror("keelson: pipe");
    return false;
  }
  std::fflush(nullptr);
  worker.pid = fork();
  if (worker.pid == 0) {
    close(ends[0]);
    work(scenario, seeds, limits, worker.next, ends[1]);
  }
  close(ends[1]);
  if (worker.pid < 0) {
    std::perror("keelson: fork");
    close(ends[0]);
    return false;
  }
  worker.in = ends[0];
  worker.buffer.clear();
  return true;
}

void take_lines(Worker& worker, const Seeds& seeds, std::vector<sim::Summary>& done) {
  for (std::size_t end; (end = worker.buffer.find('\n')) != std::string::npos;) {
    sim::Summary summary;
    if (sim::from_line(worker.buffer.substr(0, end), &summary)) done.push_back(std::move(summary));
    worker.buffer.erase(0, end + 1);
    worker.next += seeds.jobs;
  }
}

// How the worker ended at a seed; empty: as it should.
std::string ending_of(const Worker& worker) {
  int status = 0;
  while (waitpid(worker.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    return "the process was ended by signal " + std::to_string(WTERMSIG(status)) +
           " (what it said stands above)";
  }
  return WEXITSTATUS(status) == 0 ? "" : "the process failed";
}

// How far it is, on standard error: a line that is overwritten on a terminal, elsewhere (a CI's log)
// one now and then.
class Progress {
 public:
  explicit Progress(uint64_t seeds) : seeds_(seeds) {}
  void show(std::size_t done) {
    const auto now = std::chrono::steady_clock::now();
    if (terminal_) {
      std::fprintf(stderr, "\r  %zu of %llu seeds ", done, seeds_);
    } else if (now - said_ >= std::chrono::seconds(30)) {
      said_ = now;
      std::fprintf(stderr, "  %zu of %llu seeds after %lld s\n", done, seeds_,
                   static_cast<long long>(
                       std::chrono::duration_cast<std::chrono::seconds>(now - begin_).count()));
    }
  }
  void clear() {
    if (terminal_) std::fprintf(stderr, "\r%40s\r", "");
  }

 private:
  unsigned long long seeds_;
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now(), said_ = begin_;
};

}  // namespace

std::vector<sim::Summary> run_seeds(const sim::Scenario& scenario, const Seeds& seeds,
                                    Limits limits) {
  std::vector<sim::Summary> done;
  std::vector<Worker> workers;
  for (uint64_t i = 0; i < seeds.jobs && i < seeds.count(); ++i) {
    Worker worker;
    worker.next = seeds.first + i;
    if (!start(worker, scenario, seeds, limits)) break;
    workers.push_back(std::move(worker));
  }
  Progress progress(seeds.count());
  bool told = false;
  for (std::size_t open = workers.size(); open > 0;) {
    std::vector<pollfd> fds;
    for (const Worker& worker : workers) fds.push_back({worker.in, POLLIN, 0});
    const int ready = poll(fds.data(), fds.size(), 500);
    if (interrupted() && !told) {
      // Ctrl-C reaches the workers by itself; a signal to this process alone does not.
      for (const Worker& worker : workers) {
        if (worker.in >= 0) kill(worker.pid, SIGTERM);
      }
      told = true;
    }
    progress.show(done.size());
    if (ready <= 0) continue;
    for (std::size_t i = 0; i < workers.size(); ++i) {
      Worker& worker = workers[i];
      if (worker.in < 0 || fds[i].revents == 0) continue;
      char bytes[65536];
      const ssize_t n = read(worker.in, bytes, sizeof bytes);
      if (n < 0 && errno == EINTR) continue;
      if (n > 0) {
        worker.buffer.append(bytes, static_cast<std::size_t>(n));
        take_lines(worker, seeds, done);
      } else {
        close(worker.in);
        worker.in = -1;
        --open;
        if (const std::string why = ending_of(worker); !why.empty() && worker.next <= seeds.last) {
          // That seed has failed; the others still have their turn.
          sim::Summary crashed;
          crashed.seed = worker.next;
          crashed.verdict = sim::Verdict::violated;
          crashed.failure = why;
          done.push_back(std::move(crashed));
          worker.next += seeds.jobs;
          if (worker.next <= seeds.last && !interrupted() && start(worker, scenario, seeds, limits))
            ++open;
        }
      }
    }
  }
  progress.clear();
  std::sort(done.begin(), done.end(),
            [](const sim::Summary& a, const sim::Summary& b) { return a.seed < b.seed; });
  return done;
}

}  // namespace keelson::cli
