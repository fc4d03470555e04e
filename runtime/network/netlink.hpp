// A socket to the kernel that speaks netlink: requests with an acknowledgement, and dumps. Blocking,
// which takes the kernel some microseconds, or a few milliseconds for a dump of thousands of entries.
// Opened in the network namespace of the calling thread. Source: RFC 3549, linux/netlink.h.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace keelson::network {

// A request that is being written: header, the protocol's own header, attributes.
class NetlinkRequest {
 public:
  NetlinkRequest(uint16_t type, uint16_t flags);

  template <class Header>
  NetlinkRequest& header(const Header& value) {
    return append(&value, sizeof value);
  }
  NetlinkRequest& attribute(uint16_t type, const void* data, std::size_t size);
  template <class T>
  NetlinkRequest& number(uint16_t type, T value) {
    return attribute(type, &value, sizeof value);
  }
  // With its terminating zero, as the kernel wants names.
  NetlinkRequest& text(uint16_t type, const std::string& value) {
    return attribute(type, value.c_str(), value.size() + 1);
  }
  // Attributes written between these stand inside the nested one.
  std::size_t begin(uint16_t type);
  void end(std::size_t nest);

  std::string& bytes() { return bytes_; }

 private:
  NetlinkRequest& append(const void* data, std::size_t size);
  std::string bytes_;
};

// One attribute of an answer. `type` is without the flag bits.
struct NetlinkAttribute {
  uint16_t type = 0;
  std::string_view data;

  template <class T>
  T as() const {  // zero if it is too short
    T value{};
    if (data.size() >= sizeof value) __builtin_memcpy(&value, data.data(), sizeof value);
    return value;
  }
};
std::vector<NetlinkAttribute> netlink_attributes(std::string_view bytes);

// The part of a message behind `header_size` bytes of the protocol's own header.
std::string_view netlink_body(const nlmsghdr& message, std::size_t header_size);

class Netlink {
 public:
  // `protocol`: NETLINK_ROUTE, NETLINK_NETFILTER.
  static Result<Netlink> open(int protocol);
  Netlink(Netlink&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Netlink& operator=(Netlink&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Netlink();

  // Sends and waits for the kernel's verdict: ok, exists, not_found, denied, or invalid with what the
  // kernel says.
  Status call(NetlinkRequest& request);
  // Sends and calls `visit` for each message of the answer. A dump that changed meanwhile (the kernel
  // says so) is made again, after calling `restart`.
  Status dump(NetlinkRequest& request, const std::function<void()>& restart,
              const std::function<void(const nlmsghdr&)>& visit);
  // The messages that are there, without waiting. False: some were lost.
  bool receive(const std::function<void(const nlmsghdr&)>& visit);
  Status join(unsigned group);
  int fd() const { return fd_; }

 private:
  explicit Netlink(int fd) : fd_(fd) {}
  Status send(NetlinkRequest& request);

  int fd_ = -1;
  uint32_t sequence_ = 0;
};

}  // namespace keelson::network
