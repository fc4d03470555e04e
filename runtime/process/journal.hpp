// What has run on a node: a file with a line for each start and each end of a container, with the runtime's
// own times, for whoever wants to know afterwards, people and checkers (`keelson real check`) alike. It
// grows to 8 MiB; the one before it is kept beside it, as PATH.1.
//
//   {"at":"1764123456000000000","agent":"h2"}                                a new agent has begun
//   {"at":"...","id":"4fe1...","sandbox":"90ab...","pod":"UID","name":"web","image":"nginx:1.8",
//    "attempt":0,"init":false,"started":"...","finished":"0","exit":0,"reason":""}
//   {"at":"...","gone":"4fe1...","after":"..."}   it ran when it was last looked at, and is not there any more
//   {"at":"...","all":["4fe1..."]}       after a new agent's first look: these run, and no others
//   {"at":"...","same":true}             it has looked, and nothing is new; at most every ten seconds
//   {"at":"...","agent":"h2","continued":true}   the file is a new one, the agent is not; what runs follows
//
// Times are nanoseconds since 1970, as text, for they do not fit into JSON's numbers. A container may have
// several lines; a later one knows more. Threading: the loop's thread, which writes a line now and then.
#pragma once

#include <map>
#include <string>

#include "core/agent/container_runtime.hpp"
#include "core/base/loop.hpp"

namespace keelson::runtime {

class Journal {
 public:
  // A file that cannot be written is done without. `loop` must outlive it.
  Journal(Loop& loop, std::string path, const std::string& node);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Of each list: writes down what is new in it.
  void saw(const agent::RuntimeState& state);

 private:
  void write(const std::string& line);
  void tell(const agent::ContainerInfo& info);
  void rotate();

  Loop& loop_;
  const std::string path_, node_;
  int fd_ = -1;
  uint64_t size_ = 0;
  WallTime looked_;  // zero: not yet
  Instant written_{};
  std::map<std::string, agent::ContainerInfo> known_;  // by id: what has been written of it
};

}  // namespace keelson::runtime
