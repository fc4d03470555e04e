// Something that the process needs and may fail to get for a while: a port that another program still
// holds, a file on a full disk. Its owner tries it again from a timer of its own:
//
//   Retried dns(log, "DNS", [&] { return server.start(); });
//   Status missing = dns.attempt();   // each time the owner looks
//
// Logged once for each new reason, and once more when it works after all.
#pragma once

#include <functional>
#include <string>

#include "core/base/log.hpp"
#include "core/base/result.hpp"

namespace keelson::runtime {

class Retried {
 public:
  // `attempt` is called until it has succeeded once.
  Retried(Log& log, std::string what, std::function<Status()> attempt);

  // Why it is still missing, as "WHAT: WHY"; OK for good once it is there.
  Status attempt();
  bool done() const { return done_; }

 private:
  Log& log_;
  std::string what_;
  std::function<Status()> attempt_;
  std::string failure_;  // the last that was logged
  bool done_ = false;
};

}  // namespace keelson::runtime
