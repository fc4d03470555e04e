// The body of one request, as far as it counts against what all bodies together may take: from its
// first bytes until whoever handles the request has let go of it, or begins a stream that may last.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "runtime/http/options.hpp"

namespace keelson::http {

class BodyHold {
 public:
  // Requests may outlive their server.
  using Total = std::shared_ptr<std::atomic<uint64_t>>;

  explicit BodyHold(Total total) : total_(std::move(total)) {}
  ~BodyHold() { *total_ -= bytes_; }
  BodyHold(const BodyHold&) = delete;
  BodyHold& operator=(const BodyHold&) = delete;

  // So much of the body is here. False: too much, together with the others.
  bool grow_to(uint64_t bytes, const ServerLimits& limits) {
    if (bytes <= limits.small_body_bytes) return true;
    const uint64_t others = total_->fetch_add(bytes - bytes_) - bytes_;
    bytes_ = bytes;
    return others == 0 || others + bytes <= limits.bodies_bytes;
  }

 private:
  const Total total_;
  uint64_t bytes_ = 0;
};

}  // namespace keelson::http
