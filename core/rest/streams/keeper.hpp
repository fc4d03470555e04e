// Keeps requests alive while they wait for a node: what answers them is held here until it is done, or
// has been handed to the connection that it upgraded.
#pragma once

#include <map>
#include <memory>

namespace keelson::rest {

class Keeper {
 public:
  void keep(std::shared_ptr<void> request) {
    const void* key = request.get();
    held_[key] = std::move(request);
  }
  // May destroy the request: the last thing that one does to itself.
  void release(const void* request) {
    const auto it = held_.find(request);
    if (it == held_.end()) return;
    const std::shared_ptr<void> last = std::move(it->second);
    held_.erase(it);
  }
  std::size_t size() const { return held_.size(); }

 private:
  std::map<const void*, std::shared_ptr<void>> held_;  // looked up, never walked
};

}  // namespace keelson::rest
