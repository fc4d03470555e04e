// Images that nobody needs are removed when their file system is filling up: from 85 % down to 80 %,
// those longest unused first, none that a pod of this node names, and none younger than two minutes.
//
// A pod names its images from the moment the agent knows of it until nothing of it is left, so what has
// been pulled for a container cannot go before the container is made (k8s#123631, k8s#81756).
// Dead containers need no collector: pod workers keep one per container, for its logs.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/agent/context.hpp"
#include "core/agent/image_limits.hpp"
#include "core/agent/node_stats.hpp"

namespace keelson::agent {

struct ImageRecord {
  std::vector<std::string> names;  // as the runtime has them; the first one removes it
  uint64_t bytes = 0;
  Instant detected;
  Instant last_used;  // zero: never since the agent has started
};
// Which images go, in this order, so that `bytes_wanted` become free; all that may go if that is not
// enough. Pure. `in_use`: normalized names.
std::vector<ImageRecord> images_to_remove(std::vector<ImageRecord> images,
                                          const std::set<std::string>& in_use, Instant now,
                                          Duration min_age, uint64_t bytes_wanted);

class ImageGarbage {
 public:
  // `in_use` names the images that pods of this node want, as their specs write them.
  ImageGarbage(Context& context, NodeStats& stats, std::function<std::set<std::string>()> in_use,
               ImageGarbageLimits limits);

  void start();
  // The store has listed the images anew.
  void images_changed();
  // Removes all that may go: the disk is full. Answers when it is done.
  void reclaim(Done<Unit> done);
  // Where images are, as far as the runtime has said.
  const std::string& image_path() const { return image_path_; }

 private:
  void check();
  void on_measured(const NodeMeasurement& measured);
  // One after the other, from the last.
  void remove(std::vector<ImageRecord> images, Done<Unit> done);
  std::set<std::string> normalized_in_use() const;
  // Notes what is in use now; answers what is there.
  std::vector<ImageRecord> records();

  Context& context_;
  NodeStats& stats_;
  std::function<std::set<std::string>()> in_use_;
  ImageGarbageLimits limits_;
  std::map<std::string, ImageRecord> known_;  // by first name
  std::string image_path_;
  bool removing_ = false;
  Lifetime lifetime_;
  Timer timer_;
};

}  // namespace keelson::agent
