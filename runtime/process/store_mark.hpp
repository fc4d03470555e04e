// The note beside a control plane's keys that its store was made. With it, a store that is found empty has
// lost everything and is not made anew (RedisStoreOptions::create).
//
// On the loop's thread, which reads and writes one small file.
#pragma once

#include <functional>
#include <string>

#include "core/base/log.hpp"
#include "core/base/loop.hpp"
#include "runtime/process/retried.hpp"

namespace keelson::runtime {

class StoreMark {
 public:
  // Asks each second whether the store serves, and then writes the note, until it is on the disk.
  StoreMark(Loop& loop, Log& log, std::string path, std::string cluster,
            std::function<bool()> serving);

  // Whether there is the note of this or an earlier process.
  static bool there(const std::string& path);

 private:
  void look();

  const std::string path_;
  std::function<bool()> serving_;
  Retried written_;
  Timer timer_;
};

}  // namespace keelson::runtime
