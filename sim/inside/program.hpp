// What a container's own process does, if its command is one that the shell can run: worked out when it
// starts, so that its end, its log and its files all tell the same story.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/types.hpp"
#include "core/base/time.hpp"
#include "sim/inside/files.hpp"
#include "sim/inside/inside.hpp"
#include "sim/inside/shell.hpp"

namespace keelson::sim {

struct Program {
  struct Change {
    Duration at{};
    FileChange change;
  };
  std::vector<Outcome::Piece> pieces;  // what it prints, times from its start
  std::vector<Change> changes;         // what it does to files
  Duration length{};
  int32_t code = 0;
  bool ends = true;   // false: it goes on for ever
  bool known = true;  // false: with something that the shell does not know
  std::optional<std::vector<std::string>> writable;  // as of Inside
  Serving serving;
};

// nullptr: there is nothing to work out. `command` is empty, or unknown, or one that lives off the input
// of whoever attaches to it.
std::shared_ptr<const Program> program_of(const api::Container& container,
                                          const std::vector<std::string>& command,
                                          const Inside& inside, WallTime start);

// Whether the container's process lasts only as long as somebody who is attached to it lets it.
bool lives_off_input(const api::Container& container, const std::vector<std::string>& command);

// What a process that ended leaves as its last words, as kubelet takes them: the file, or under
// FallbackToLogsOnError the end of the log of one that failed.
std::string termination_message(const api::Container& container, const Program& program,
                                const ContainerFiles& files, Duration ran, int32_t code);

// What processes print are bytes; what is told of it to people is UTF-8, with U+FFFD for all else.
std::string readable(std::string_view bytes);

}  // namespace keelson::sim
