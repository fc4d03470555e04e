// What agents and schedulers do about a store that has lost acknowledged history (a failover, a disk that
// lied): pods run whose bindings nobody remembers, and to place such a pod again while it still runs would
// start it twice.
//
// A store that has lost history goes on `epoch_gap` revisions later or more (runtime/redis, core/store/
// history.hpp), which cannot be overlooked, also by those to whom epochs are not told. An agent that has
// read its pods after such a gap ends what it runs and the store has forgotten. Two annotations of its Node
// tell of that:
//   keelson.dev/agrees-as-of  as of which revision nothing runs there that the store has forgotten. Every
//                             agent writes it from the beginning, "0" at first; one that never does is of
//                             an older version, and nobody waits for it.
//   keelson.dev/ends-as-of    as of which revision it has read its pods and ends what was forgotten; only
//                             if there is something to end. It may take as long as those pods' grace.
// A scheduler that sees a gap places nothing before the nodes have said that they agree
// (core/scheduler/report_wait.hpp). Nobody has to remember anything over a restart: an annotation is out of
// date if it is a gap behind.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/api/object.hpp"

namespace keelson::client {

inline constexpr uint64_t epoch_gap = 1 << 20;
inline constexpr std::string_view agrees_annotation = "keelson.dev/agrees-as-of";
inline constexpr std::string_view ends_annotation = "keelson.dev/ends-as-of";

// The revision that stands in this annotation of a Node; 0: none.
inline uint64_t said_as_of(const api::Object& node, std::string_view annotation) {
  const auto& annotations = node.meta().annotations();
  const auto it = annotations.find(std::string(annotation));
  uint64_t value = 0;
  if (it != annotations.end()) {
    std::from_chars(it->second.data(), it->second.data() + it->second.size(), value);
  }
  return value;
}

// As of which revision the agent of this Node agrees with the store; 0: it has never said so.
inline uint64_t agrees_as_of(const api::Object& node) { return said_as_of(node, agrees_annotation); }
// As of which revision it ends what the store has forgotten; 0: it has never had to.
inline uint64_t ends_as_of(const api::Object& node) { return said_as_of(node, ends_annotation); }
// Whether the agent of this Node is one that says such things.
inline bool agent_reports(const api::Object& node) {
  return node.meta().annotations().contains(std::string(agrees_annotation));
}

}  // namespace keelson::client
