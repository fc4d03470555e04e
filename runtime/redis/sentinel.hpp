// Asks one Sentinel where the master is.
#pragma once

#include <memory>

#include "runtime/redis/connection.hpp"

namespace keelson::redis {

class SentinelQuery {
 public:
  // `done` is called once, on a later turn: the master's address, or why this Sentinel does not
  // tell (Code::unavailable). What it says may be out of date: the caller checks ROLE.
  SentinelQuery(runtime::AsioLoop& loop, const HostPort& sentinel, std::string master,
                Duration patience, Done<HostPort> done);

 private:
  void ask();
  void finish(Result<HostPort> result);

  std::string master_;
  Done<HostPort> done_;
  Connection connection_;
};

}  // namespace keelson::redis
