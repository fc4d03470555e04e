// What agents and schedulers do about a store that has lost acknowledged history (a failover, a disk that
// lied): pods run whose bindings nobody remembers, and to place such a pod again while it still runs would
// start it twice.
//
// A store that has lost history goes on `epoch_gap` revisions later or more (runtime/redis, core/store/
// history.hpp), which cannot be overlooked, also by those to whom epochs are not told. An agent that has
// read its pods after such a gap ends what it runs and the store has forgotten, and then says in an
// annotation of its Node as of which revision it agrees with the store. A scheduler that sees a gap places
// nothing before all nodes that are Ready have said so (core/scheduler/report_wait.hpp). Nobody has to
// remember anything over a restart: an annotation is out of date if it is a gap behind.
#pragma once

#include <charconv>
#include <cstdint>
#include <string_view>

#include "core/api/object.hpp"

namespace keelson::client {

inline constexpr uint64_t epoch_gap = 1 << 20;
inline constexpr std::string_view agrees_annotation = "keelson.dev/agrees-as-of";

// As of which revision the agent of this Node agrees with the store; 0: it has never said so.
inline uint64_t agrees_as_of(const api::Object& node) {
  const auto& annotations = node.meta().annotations();
  const auto it = annotations.find(std::string(agrees_annotation));
  uint64_t value = 0;
  if (it != annotations.end()) {
    std::from_chars(it->second.data(), it->second.data() + it->second.size(), value);
  }
  return value;
}

}  // namespace keelson::client
