// Tells when something in a directory is written, made, moved or removed. One inotify instance for
// all. Threading: the thread of the loop; nothing is called from inside a call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/callback.hpp"
#include "runtime/loop/asio_loop.hpp"

namespace keelson::node {

class DirectoryWatch {
 public:
  // Where the kernel has no instance or no watch left to give, nothing is ever told: whoever
  // watches looks by itself from time to time.
  explicit DirectoryWatch(runtime::AsioLoop& loop);
  ~DirectoryWatch();

  using Id = uint64_t;
  Id add(const std::string& directory, Callback<void()> changed);
  void remove(Id id);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace keelson::node
