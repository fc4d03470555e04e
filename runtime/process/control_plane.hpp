// One control plane: store, API server, access control, HTTPS, and the roles that it competes for.
// Everything of core runs on the loop's thread.
#pragma once

#include <functional>
#include <memory>

#include "core/base/log.hpp"
#include "core/base/result.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/process/config.hpp"

namespace keelson::runtime {

class ControlPlane {
 public:
  // Loads the keys, connects to the store by and by, and serves. Code::invalid: the configuration or a
  // file that it names; unavailable: the port is taken.
  static Result<std::unique_ptr<ControlPlane>> start(AsioLoop& loop, Log& log,
                                                     const ControlPlaneConfig& config);
  ~ControlPlane();

  // Gives up the roles, finishes requests up to `bound`, then calls `done`.
  void drain(Duration bound, std::function<void()> done);

 private:
  struct Impl;
  explicit ControlPlane(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::runtime
