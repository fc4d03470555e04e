#include "runtime/process/retried.hpp"

#include <utility>

namespace keelson::runtime {

Retried::Retried(Log& log, std::string what, std::function<Status()> attempt)
    : log_(log), what_(std::move(what)), attempt_(std::move(attempt)) {}

Status Retried::attempt() {
  if (done_) return {};
  const Status status = attempt_();
  if (!status) {
    if (std::exchange(failure_, status.message()) != status.message()) {
      log_.error("cannot begin, will try again", {{"what", what_}, {"why", status.message()}});
    }
    return {status.code(), what_ + ": " + status.message()};
  }
  done_ = true;
  if (!failure_.empty()) log_.info("has begun after all", {{"what", what_}});
  return {};
}

}  // namespace keelson::runtime
