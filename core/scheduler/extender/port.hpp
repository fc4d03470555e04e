// How the scheduler reaches its extenders: a port, as core opens no sockets.
#pragma once

#include <cstddef>
#include <string>

#include "core/base/callback.hpp"
#include "core/base/result.hpp"

namespace keelson::scheduler {

class ExtenderPort {
 public:
  // POSTs JSON to the verb of an extender, by its position in the configuration, and calls back with
  // the body of an answer of status 200; later, never from inside this call. Errors: unavailable,
  // nothing has happened; unknown, it may have.
  virtual void post(std::size_t extender, const std::string& verb, std::string body,
                    Done<std::string> done) = 0;

 protected:
  ~ExtenderPort() = default;
};

}  // namespace keelson::scheduler
