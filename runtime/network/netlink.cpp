#include "runtime/network/netlink.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace keelson::network {
namespace {

// The kernel's own limit for one datagram of a dump is 32 KiB.
constexpr std::size_t kDatagramMax = 65536;
// What a burst of notifications may take before some are lost; a lost one costs a rebuild.
constexpr int kReceiveBytes = 4 << 20;
// A kernel that does not answer for this long will not.
constexpr timeval kPatience = {5, 0};
constexpr int kDumpAttempts = 5;

Error from_errno(int code, const std::string& what) {
  const Code kind = code == EEXIST                                          ? Code::exists
                    : code == ENOENT || code == ESRCH                       ? Code::not_found
                    : code == EPERM || code == EACCES                       ? Code::denied
                    : code == EAGAIN || code == ENOBUFS || code == ENOMEM   ? Code::unavailable
                                                                            : Code::invalid;
  return {kind, what + ": " + std::strerror(code)};
}

}  // namespace

NetlinkRequest::NetlinkRequest(uint16_t type, uint16_t flags) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  append(&header, sizeof header);
}

NetlinkRequest& NetlinkRequest::append(const void* data, std::size_t size) {
  bytes_.append(static_cast<const char*>(data), size);
  bytes_.resize(NLMSG_ALIGN(bytes_.size()), '\0');
  return *this;
}

NetlinkRequest& NetlinkRequest::attribute(uint16_t type, const void* data, std::size_t size) {
  const nlattr header{static_cast<uint16_t>(NLA_HDRLEN + size), type};
  append(&header, sizeof header);
  return append(data, size);
}

std::size_t NetlinkRequest::begin(uint16_t type) {
  const std::size_t at = bytes_.size();
  attribute(static_cast<uint16_t>(type | NLA_F_NESTED), nullptr, 0);
  return at;
}

void NetlinkRequest::end(std::size_t nest) {
  const auto size = static_cast<uint16_t>(bytes_.size() - nest);
  std::memcpy(bytes_.data() + nest, &size, sizeof size);
}

std::vector<NetlinkAttribute> netlink_attributes(std::string_view bytes) {
  std::vector<NetlinkAttribute> result;
  while (bytes.size() >= NLA_HDRLEN) {
    nlattr header;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.nla_len < NLA_HDRLEN || header.nla_len > bytes.size()) break;
    result.push_back({static_cast<uint16_t>(header.nla_type & NLA_TYPE_MASK),
                      bytes.substr(NLA_HDRLEN, header.nla_len - NLA_HDRLEN)});
    bytes.remove_prefix(std::min<std::size_t>(NLA_ALIGN(header.nla_len), bytes.size()));
  }
  return result;
}

std::string_view netlink_body(const nlmsghdr& message, std::size_t header_size) {
  const std::string_view all(reinterpret_cast<const char*>(&message), message.nlmsg_len);
  const std::size_t skip = NLMSG_HDRLEN + NLMSG_ALIGN(header_size);
  return all.size() > skip ? all.substr(skip) : std::string_view();
}

Result<Netlink> Netlink::open(int protocol) {
  Netlink socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (socket.fd_ < 0) return from_errno(errno, "netlink socket");
  // The forced size needs the right to administer the network, without which the rest fails anyway.
  if (setsockopt(socket.fd_, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBytes, sizeof kReceiveBytes) != 0) {
    setsockopt(socket.fd_, SOL_SOCKET, SO_RCVBUF, &kReceiveBytes, sizeof kReceiveBytes);
  }
  setsockopt(socket.fd_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (bind(socket.fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return from_errno(errno, "netlink bind");
  }
  return socket;
}

Netlink::~Netlink() {
  if (fd_ >= 0) ::close(fd_);
}

Status Netlink::join(unsigned group) {
  if (setsockopt(fd_, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
    return from_errno(errno, "netlink group " + std::to_string(group));
  }
  return {};
}

Status Netlink::send(NetlinkRequest& request) {
  auto* header = reinterpret_cast<nlmsghdr*>(request.bytes().data());
  header->nlmsg_len = static_cast<uint32_t>(request.bytes().size());
  header->nlmsg_seq = ++sequence_;
  const auto sent = ::send(fd_, request.bytes().data(), request.bytes().size(), 0);
  if (sent < 0) return from_errno(errno, "netlink request");
  return {};
}

Status Netlink::call(NetlinkRequest& request) {
  reinterpret_cast<nlmsghdr*>(request.bytes().data())->nlmsg_flags |= NLM_F_ACK;
  return dump(request, [] {}, [](const nlmsghdr&) {});
}

Status Netlink::dump(NetlinkRequest& request, const std::function<void()>& restart,
                     const std::function<void(const nlmsghdr&)>& visit) {
  alignas(nlmsghdr) std::array<char, kDatagramMax> buffer;
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    restart();
    if (Status sent = send(request); !sent.ok()) return sent;
    bool interrupted = false;
    for (bool more = true; more;) {
      const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (size < 0) return from_errno(errno, "netlink answer");
      auto left = static_cast<unsigned>(size);
      for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data());
           more && NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
        if (message->nlmsg_seq != sequence_) continue;  // a leftover of an earlier request
        if (message->nlmsg_flags & NLM_F_DUMP_INTR) interrupted = true;
        if (message->nlmsg_type == NLMSG_ERROR) {
          const int code = -static_cast<nlmsgerr*>(NLMSG_DATA(message))->error;
          if (code != 0) return from_errno(code, "the kernel refuses");
          more = false;
        } else if (message->nlmsg_type == NLMSG_DONE) {
          more = false;
        } else {
          visit(*message);
          if (!(message->nlmsg_flags & NLM_F_MULTI)) more = false;
        }
      }
    }
    if (!interrupted) return {};
  }
  return {Code::unavailable, "the kernel's table keeps changing while it is read"};
}

bool Netlink::receive(const std::function<void(const nlmsghdr&)>& visit) {
  alignas(nlmsghdr) std::array<char, kDatagramMax> buffer;
  bool complete = true;
  for (;;) {
    const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == ENOBUFS) {
      complete = false;
      continue;
    }
    if (size <= 0) return complete;
    if (static_cast<std::size_t>(size) > buffer.size()) {
      complete = false;
      continue;
    }
    auto left = static_cast<unsigned>(size);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      visit(*message);
    }
  }
}

}  // namespace keelson::network
