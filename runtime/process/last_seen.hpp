// The newest revision of the API that a node has acted on, kept over restarts of its agent: nothing is
// started on a view older than that (GUARANTEES ST-8).
#pragma once

#include <string>

#include "core/api/object.hpp"

namespace keelson::runtime {

class LastSeen {
 public:
  // A file that cannot be read is as none: the agent then waits for the newest view.
  explicit LastSeen(std::string path);
  ~LastSeen();
  LastSeen(const LastSeen&) = delete;
  LastSeen& operator=(const LastSeen&) = delete;

  api::Revision get() const { return revision_; }
  // Survives the death of the process, not that of the host: with the host its containers are gone too.
  void save(api::Revision revision);

 private:
  int fd_ = -1;
  api::Revision revision_;
};

}  // namespace keelson::runtime
