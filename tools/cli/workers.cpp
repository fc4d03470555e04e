#include "tools/cli/workers.hpp"

#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <vector>

#include "tools/cli/one_run.hpp"

namespace keelson::cli {

namespace {

using Work = std::function<std::string(uint64_t task)>;
using Done = std::function<void(TaskEnd end)>;

// The next task that nobody is at, shared by all processes: whoever is free takes it, so that no
// worker idles while another has slow tasks left.
class NextTask {
 public:
  NextTask() {
    void* page = mmap(nullptr, sizeof(std::atomic<uint64_t>), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED) next_ = new (page) std::atomic<uint64_t>(0);
  }
  ~NextTask() {
    if (next_) munmap(next_, sizeof(std::atomic<uint64_t>));
  }
  NextTask(const NextTask&) = delete;
  NextTask& operator=(const NextTask&) = delete;
  explicit operator bool() const { return next_ != nullptr; }
  uint64_t take() { return next_->fetch_add(1); }
  uint64_t peek() const { return next_->load(); }

 private:
  std::atomic<uint64_t>* next_ = nullptr;
};

void write_all(int out, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t n = write(out, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(1);
    at += static_cast<std::size_t>(n);
  }
}

// A worker says "+7" when it begins with task 7, and "=..." with what came of it.
[[noreturn]] void serve(const Tasks& tasks, const Work& work, NextTask& next, int out) {
  stop_on_interrupt(true);
  if (!tasks.patient) {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
  }
  for (uint64_t task; !interrupted() && (task = next.take()) < tasks.count;) {
    write_all(out, "+" + std::to_string(task) + "\n");
    write_all(out, "=" + work(task) + "\n");
  }
  _exit(0);
}

struct Worker {
  pid_t pid = -1;
  int in = -1;                   // -1: it has ended
  std::optional<uint64_t> task;  // that it is at
  std::string buffer;
};

// False: the system refuses.
bool start(Worker& worker, const Tasks& tasks, const Work& work, NextTask& next) {
  int ends[2];
  if (pipe(ends) != 0) {
    std::perror("keelson: pipe");
    return false;
  }
  std::fflush(nullptr);
  worker.pid = fork();
  if (worker.pid == 0) {
    close(ends[0]);
    serve(tasks, work, next, ends[1]);
  }
  close(ends[1]);
  if (worker.pid < 0) {
    std::perror("keelson: fork");
    close(ends[0]);
    return false;
  }
  worker.in = ends[0];
  worker.task.reset();
  worker.buffer.clear();
  return true;
}

// The lines that end in what has come; the buffer is searched once, however long a line is.
uint64_t take_lines(Worker& worker, const char* bytes, std::size_t size, const Done& done) {
  uint64_t ended = 0;
  std::size_t from = worker.buffer.size();
  worker.buffer.append(bytes, size);
  for (std::size_t end; (end = worker.buffer.find('\n', from)) != std::string::npos; from = 0) {
    std::string line = worker.buffer.substr(1, end - 1);
    if (worker.buffer[0] == '+') {
      worker.task = std::stoull(line);
    } else {
      done({*worker.task, std::move(line), {}});
      worker.task.reset();
      ++ended;
    }
    worker.buffer.erase(0, end + 1);
  }
  return ended;
}

// How the worker ended; empty: as it should.
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

// How far it is, on standard error: a line that is overwritten on a terminal, elsewhere (a CI's
// log) one now and then.
class Progress {
 public:
  explicit Progress(const Tasks& tasks) : tasks_(tasks) {}
  void show(uint64_t done) {
    if (tasks_.quiet) return;
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double> passed = now - begin_;
    if (terminal_) {
      std::fprintf(stderr, "\r  %llu of %llu %s%s   ", ull(done), ull(tasks_.count), tasks_.unit,
                   left(done, passed.count()).c_str());
    } else if (now - said_ >= std::chrono::seconds(30)) {
      said_ = now;
      std::fprintf(stderr, "  %llu of %llu %s after %.0f s%s\n", ull(done), ull(tasks_.count),
                   tasks_.unit, passed.count(), left(done, passed.count()).c_str());
    }
  }
  void clear() {
    if (terminal_) std::fprintf(stderr, "\r%60s\r", "");
  }

 private:
  static unsigned long long ull(uint64_t n) { return n; }
  // An estimate from what is done; not before it is worth one.
  std::string left(uint64_t done, double passed) const {
    if (done < tasks_.jobs || passed < 2) return "";
    const double seconds =
        passed / static_cast<double>(done) * static_cast<double>(tasks_.count - done);
    const auto whole = static_cast<unsigned long long>(seconds + 0.5);
    char text[64];
    std::snprintf(text, sizeof text, ", about %llu:%02llu left", whole / 60, whole % 60);
    return text;
  }
  const Tasks& tasks_;
  bool terminal_ = !tasks_.quiet && isatty(STDERR_FILENO) != 0;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now(), said_ = begin_;
};

}  // namespace

void run_tasks(const Tasks& tasks, const Work& work, const Done& done) {
  NextTask next;
  if (!next) {
    std::perror("keelson: mmap");
    return;
  }
  std::vector<Worker> workers;
  for (uint64_t i = 0; i < tasks.jobs && i < tasks.count; ++i) {
    Worker worker;
    if (!start(worker, tasks, work, next)) break;
    workers.push_back(std::move(worker));
  }
  Progress progress(tasks);
  uint64_t ended = 0;
  bool told = false;
  std::vector<char> bytes(1 << 16);
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
    progress.show(ended);
    if (ready <= 0) continue;
    for (std::size_t i = 0; i < workers.size(); ++i) {
      Worker& worker = workers[i];
      if (worker.in < 0 || fds[i].revents == 0) continue;
      const ssize_t n = read(worker.in, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n > 0) {
        ended += take_lines(worker, bytes.data(), static_cast<std::size_t>(n), done);
        continue;
      }
      close(worker.in);
      worker.in = -1;
      --open;
      const std::string why = ending_of(worker);
      if (why.empty() || (interrupted() && !tasks.patient)) continue;
      // That task has failed; the others still have their turn.
      if (worker.task) {
        done({*worker.task, {}, why});
        ++ended;
      }
      if (next.peek() < tasks.count && !interrupted() && start(worker, tasks, work, next)) ++open;
    }
  }
  progress.clear();
}

}  // namespace keelson::cli
