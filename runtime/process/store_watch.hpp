// What a control plane knows of its Redis beyond what it needs to serve: how full it is, how it
// keeps what it is given, and what was the matter with it last. For /metrics and `keelson status`.
//
// Threading: the loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/loop.hpp"
#include "core/base/time.hpp"
#include "runtime/redis/redis_store.hpp"

namespace keelson::runtime {

struct StoreFacts {
  std::string address;  // as shown to people; never with a password
  bool serving = false;
  std::string trouble;       // why it does not serve; empty: it does
  std::string last_trouble;  // the newest that there was, also if it is over; empty: none
  WallTime last_trouble_at;
  uint64_t history_lost = 0;  // how often acknowledged writes were found to be gone
  // What Redis says of itself; empty or 0: it has not been asked yet, or its ACL does not let us.
  std::string version;
  uint64_t memory_bytes = 0, memory_max_bytes = 0;  // 0 at most: as much as there is
  std::string profile;  // durable, dev or ha (runtime/redis/README.md); "volatile": nothing is kept
  uint64_t replicas = 0;
  std::string append_failure;  // why the append-only file is not written; empty: it is
};

class StoreWatch {
 public:
  // Asks now and then from here on, and takes the store's on_change(). `store` must outlive this.
  StoreWatch(Loop& loop, redis::RedisStore& store, std::string address, int replicas);
  ~StoreWatch();

  void note_history_lost() { ++facts_.history_lost; }
  StoreFacts facts() const;

 private:
  void look();
  void note_trouble();
  void take_info(const std::string& text);
  void take_fsync(const std::string& policy);

  Loop& loop_;
  redis::RedisStore& store_;
  const int replicas_;
  StoreFacts facts_;
  bool aof_ = false;
  Timer timer_;
  std::shared_ptr<char> life_ = std::make_shared<char>();
};

}  // namespace keelson::runtime
