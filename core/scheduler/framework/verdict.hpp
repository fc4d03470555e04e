// What a plugin answers. A "no" is an expected answer with a reason for the user, not an error.
// Source: the status codes of kube-scheduler's framework.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace keelson::scheduler {

enum class VerdictCode : uint8_t {
  success,
  unschedulable,  // not now; removing other pods may help: preemption looks at it
  unresolvable,   // removing pods does not help: preemption skips it
  skip,           // this plugin has nothing to say about this pod: its later points are not called
  error,          // unexpected: the pod is tried again after its back-off
};

struct [[nodiscard]] Verdict {
  VerdictCode code = VerdictCode::success;
  std::string reason;

  static Verdict success() { return {}; }
  static Verdict skip() { return {VerdictCode::skip, {}}; }
  static Verdict unschedulable(std::string why) {
    return {VerdictCode::unschedulable, std::move(why)};
  }
  static Verdict unresolvable(std::string why) {
    return {VerdictCode::unresolvable, std::move(why)};
  }
  static Verdict error(std::string why) { return {VerdictCode::error, std::move(why)}; }

  bool ok() const { return code == VerdictCode::success || code == VerdictCode::skip; }
};

}  // namespace keelson::scheduler
