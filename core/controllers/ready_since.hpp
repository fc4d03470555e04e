// Since when a pod is ready, by our own clock. minReadySeconds compares with the node's timestamp
// in Kubernetes, so a node whose clock is wrong makes pods available too early or never. Here the
// wait counts from the moment at which the change was seen. Only a pod that was ready already when
// it was first seen (after a restart of this process) is given credit for its timestamp. Beyond
// that the timestamp only tells one readiness from another: a pod that was not ready for a moment
// which nobody saw, because two changes arrived together, starts anew.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/client/view.hpp"

namespace keelson::controllers {

class ReadySince {
 public:
  // How long each pod has been ready, zero where it is not; forgets pods of the key not given.
  std::vector<Duration> observe(const client::View& view, const api::ObjectKey& key,
                                const std::vector<api::Ref<api::Pod>>& pods);
  void forget(const api::ObjectKey& key) { seen_.erase(key); }
  void clear() { seen_.clear(); }

 private:
  struct Seen {
    bool ready = false;
    int64_t stamp = 0;  // the condition's, by whatever clock
    Instant since;
  };
  std::map<api::ObjectKey, std::map<std::string, Seen>> seen_;  // by pod uid
};

}  // namespace keelson::controllers
