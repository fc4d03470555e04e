// A thread for work that may block on a disk: one job after the other, its answer on the core thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "core/base/callback.hpp"
#include "runtime/loop/asio_loop.hpp"

namespace keelson::volumes {

class WorkThread {
 public:
  explicit WorkThread(runtime::AsioLoop& loop) : loop_(loop) {}
  // Waits for the job at hand; jobs that have not begun are dropped without an answer.
  ~WorkThread();
  WorkThread(const WorkThread&) = delete;
  WorkThread& operator=(const WorkThread&) = delete;

  // Core thread. `job` runs on the other one, `done` gets what it returns on a later turn here.
  template <class T, class Job>
  void run(Job job, Done<T> done) {
    add([this, job = std::move(job), done = std::move(done)]() mutable {
      loop_.post_from_any_thread(
          [done = std::move(done), result = Result<T>(job())]() mutable { done(std::move(result)); });
    });
  }

 private:
  void add(Callback<void()> job);
  void serve();

  runtime::AsioLoop& loop_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Callback<void()>> jobs_;
  bool ending_ = false;
  std::thread thread_;  // begun with the first job
};

}  // namespace keelson::volumes
