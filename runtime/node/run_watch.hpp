// Tells when containers have ended: asks the runtime once a second for all that somebody waits for,
// and not at all when nobody does. Threading: the thread of the loop.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "core/base/loop.hpp"
#include "runtime/node/streaming_runtime.hpp"

namespace keelson::node {

class RunWatch {
 public:
  static constexpr Duration kEvery = 1s;

  RunWatch(Loop& loop, StreamingRuntime& runtime);

  using Id = uint64_t;
  // `ended` is called once when the container does not run any more, and never from inside a call.
  Id add(agent::ContainerId container, Callback<void()> ended);
  void remove(Id id) { waiting_.erase(id); }

 private:
  struct Waiting {
    agent::ContainerId container;
    Callback<void()> ended;
  };
  void look();
  void take(const agent::RuntimeState& state);

  StreamingRuntime& runtime_;
  std::map<Id, Waiting> waiting_;
  Id next_ = 1;
  std::shared_ptr<int> here_ = std::make_shared<int>(0);
  Timer timer_;
};

}  // namespace keelson::node
