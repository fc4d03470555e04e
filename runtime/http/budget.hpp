// What one request or answer takes of a budget that all connections share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace keelson::http {

// Bytes in use, of all. Those who hold a part of them may outlive the server.
using BudgetUse = std::shared_ptr<std::atomic<uint64_t>>;

// Given back when it is destroyed.
class BudgetShare {
 public:
  explicit BudgetShare(BudgetUse use) : use_(std::move(use)) {}
  ~BudgetShare() { *use_ -= bytes_; }
  BudgetShare(const BudgetShare&) = delete;
  BudgetShare& operator=(const BudgetShare&) = delete;

  // It is so large now. False: together with the others that is more than `most`. What is not larger
  // than `small` is free, and one alone is always let through.
  bool grow_to(uint64_t bytes, uint64_t small, uint64_t most) {
    if (bytes <= small) return true;
    const uint64_t others = use_->fetch_add(bytes - bytes_) - bytes_;
    bytes_ = bytes;
    return others == 0 || others + bytes <= most;
  }

 private:
  const BudgetUse use_;
  uint64_t bytes_ = 0;
};

}  // namespace keelson::http
