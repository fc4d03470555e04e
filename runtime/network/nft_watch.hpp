// Notices when somebody else changes a table of ours: a flushed rule set is repaired at once and not
// when users complain. Own transactions are told from others' by the kernel's generation number, which
// rises by one with each.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/base/result.hpp"
#include "runtime/loop/asio_loop.hpp"

namespace keelson::network {

class NftWatch {
 public:
  // `on_foreign_change`: somebody else has touched `table`, or may have.
  NftWatch(runtime::AsioLoop& loop, std::string table, std::function<void()> on_foreign_change);
  ~NftWatch();
  NftWatch(const NftWatch&) = delete;
  NftWatch& operator=(const NftWatch&) = delete;

  Status start();
  // Around each transaction of our own.
  void before_own();
  void after_own(bool applied);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace keelson::network
