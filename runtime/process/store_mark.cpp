#include "runtime/process/store_mark.hpp"

#include <utility>

#include "runtime/pki/files.hpp"

namespace keelson::runtime {

namespace {
constexpr Duration kLook = 1s;
}

StoreMark::StoreMark(Loop& loop, Log& log, std::string path, std::string cluster,
                     std::function<bool()> serving)
    : path_(std::move(path)),
      serving_(std::move(serving)),
      written_(log, "the note that the store was made",
               [this, line = std::move(cluster) + "\n"] {
                 return there(path_) ? Status() : write_private_file(path_, line);
               }),
      timer_(loop, [this] { look(); }) {
  timer_.arm(kLook);
}

bool StoreMark::there(const std::string& path) { return read_file(path).ok(); }

void StoreMark::look() {
  if (!serving_() || !written_.attempt()) timer_.arm(kLook);
}

}  // namespace keelson::runtime
