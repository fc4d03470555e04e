// A whole control plane for the measurement, without sockets: clients create pods at an API server with
// the memory store, and a scheduler watches them, binds them there and writes its Events.
#pragma once

#include <memory>

#include "bench/scheduling/shapes.hpp"

namespace keelson::bench {

class ApiSchedulingWorld {
 public:
  ApiSchedulingWorld(const Shape& shape, uint64_t seed);
  ~ApiSchedulingWorld();

  struct Outcome {
    int bound = 0;
    // From the first pod's creation to the last one's bind, all on one thread; and of this, until the
    // last pod was created.
    double seconds = 0, creating = 0;
  };
  Outcome run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::bench
