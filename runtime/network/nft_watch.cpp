#include "runtime/network/nft_watch.hpp"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <arpa/inet.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <optional>
#include <utility>

#include "runtime/network/netlink.hpp"

namespace keelson::network {
namespace {

uint16_t nft_message(uint8_t message) {
  return static_cast<uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | message);
}

// Tables, chains, rules, sets and elements all name their table in the attribute with number 1.
bool concerns(const nlmsghdr& message, const std::string& table) {
  if ((message.nlmsg_type >> 8) != NFNL_SUBSYS_NFTABLES) return false;
  if ((message.nlmsg_type & 0xff) == NFT_MSG_NEWGEN) return false;
  for (const NetlinkAttribute& one : netlink_attributes(netlink_body(message, sizeof(nfgenmsg)))) {
    if (one.type == NFTA_TABLE_NAME) return one.data == std::string_view(table.c_str(), table.size() + 1);
  }
  return false;
}

}  // namespace

struct NftWatch::Impl : std::enable_shared_from_this<Impl> {
  Impl(runtime::AsioLoop& l, std::string t, std::function<void()> f)
      : loop(l), table(std::move(t)), on_foreign_change(std::move(f)), descriptor(l.context()) {}

  // Whether a message among those that have come concerns the table.
  bool drain() {
    bool touched = false;
    const bool complete = events->receive([&](const nlmsghdr& message) {
      if (!touched) touched = concerns(message, table);
    });
    return touched || !complete;
  }

  void wait() {
    descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                            if (error || self->closed) return;
                            if (self->drain()) self->on_foreign_change();
                            if (!self->closed) self->wait();
                          });
  }

  uint32_t generation() {
    NetlinkRequest request(nft_message(NFT_MSG_GETGEN), 0);
    request.header(nfgenmsg{AF_UNSPEC, NFNETLINK_V0, 0});
    uint32_t result = 0;
    const Status asked = requests->dump(request, [] {}, [&](const nlmsghdr& message) {
      for (const auto& one : netlink_attributes(netlink_body(message, sizeof(nfgenmsg)))) {
        if (one.type == NFTA_GEN_ID) result = ntohl(one.as<uint32_t>());
      }
    });
    return asked.ok() ? result : 0;
  }

  runtime::AsioLoop& loop;
  std::string table;
  std::function<void()> on_foreign_change;
  std::optional<Netlink> events, requests;
  boost::asio::posix::stream_descriptor descriptor;
  uint32_t generation_before = 0;
  bool touched_before = false;
  bool closed = false;
};

NftWatch::NftWatch(runtime::AsioLoop& loop, std::string table,
                   std::function<void()> on_foreign_change)
    : impl_(std::make_shared<Impl>(loop, std::move(table), std::move(on_foreign_change))) {}

NftWatch::~NftWatch() {
  impl_->closed = true;
  if (impl_->descriptor.is_open()) impl_->descriptor.release();  // `events` closes it
}

Status NftWatch::start() {
  Result<Netlink> events = Netlink::open(NETLINK_NETFILTER);
  if (!events.ok()) return events.error();
  Result<Netlink> requests = Netlink::open(NETLINK_NETFILTER);
  if (!requests.ok()) return requests.error();
  if (Status joined = events->join(NFNLGRP_NFTABLES); !joined.ok()) return joined;
  impl_->events = std::move(*events);
  impl_->requests = std::move(*requests);
  impl_->descriptor.assign(impl_->events->fd());
  impl_->wait();
  return {};
}

void NftWatch::before_own() {
  if (!impl_->events) return;
  impl_->touched_before = impl_->drain();
  impl_->generation_before = impl_->generation();
}

void NftWatch::after_own(bool applied) {
  if (!impl_->events) return;
  const uint32_t now = impl_->generation();
  const bool alone = now != 0 && now == impl_->generation_before + (applied ? 1 : 0);
  const bool touched = impl_->drain();
  if (impl_->touched_before || (!alone && touched)) {
    impl_->loop.post([impl = impl_] {
      if (!impl->closed) impl->on_foreign_change();
    });
  }
}

}  // namespace keelson::network
