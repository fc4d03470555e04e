// A core thread for tests of the containerd runtime, and calls that wait for their answers.
#pragma once

#include <future>
#include <memory>
#include <thread>

#include "core/base/log.hpp"
#include "runtime/cri/cri_runtime.hpp"
#include "runtime/loop/asio_loop.hpp"

namespace keelson::test {

class CriLoop {
 public:
  CriLoop() : thread_([this] { loop.run(); }) {}
  ~CriLoop() {
    runtime.reset();
    loop.stop();
    thread_.join();
  }

  // Runs `work` on the core thread and waits for it.
  template <class F>
  void on_loop(F work) {
    std::promise<void> ended;
    loop.post_from_any_thread([&] {
      work();
      ended.set_value();
    });
    ended.get_future().wait();
  }

  // `call(done)` on the core thread; what it answers, or `unknown` after two minutes.
  template <class T, class F>
  Result<T> wait(F call) {
    auto answer = std::make_shared<std::promise<Result<T>>>();
    auto future = answer->get_future();
    loop.post_from_any_thread([answer, call = std::move(call)]() mutable {
      call(Done<T>([answer](Result<T> result) { answer->set_value(std::move(result)); }));
    });
    if (future.wait_for(std::chrono::minutes(2)) != std::future_status::ready) {
      return {Code::unknown, "the test waits no longer"};
    }
    return future.get();
  }

  void use(cri::CriOptions options) {
    on_loop(
        [&] { runtime.owned = std::make_unique<cri::CriRuntime>(loop, log, std::move(options)); });
  }

  runtime::AsioLoop loop;
  NullLog log;
  // Lives and dies on the core thread.
  struct Owner {
    CriLoop* of;
    std::unique_ptr<cri::CriRuntime> owned;
    cri::CriRuntime* operator->() { return owned.get(); }
    void reset() {
      of->on_loop([this] { owned.reset(); });
    }
  } runtime{this, nullptr};

 private:
  std::thread thread_;
};

}  // namespace keelson::test
