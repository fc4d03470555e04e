#include "core/controllers/node_ipam.hpp"

#include <array>
#include <charconv>
#include <vector>

#include "core/controllers/owners.hpp"

namespace keelson::controllers {

namespace {

using api::Kind;

constexpr std::array kNodeIpamReads{Kind::nodes};

// Blocks of 2^24 addresses and more have no use; so many blocks keep the bitmap small.
constexpr int kBlocksMaxBits = 16;

// False: not of the form "10.244.0.0/16".
bool read_cidr(std::string_view text, uint32_t& address, int& prefix) {
  const char* at = text.data();
  const char* const end = at + text.size();
  address = 0;
  for (int i = 0; i < 4; ++i) {
    uint8_t byte = 0;
    const auto [next, error] = std::from_chars(at, end, byte);
    if (error != std::errc() || next == end || *next != (i == 3 ? '/' : '.')) return false;
    address = address << 8 | byte;
    at = next + 1;
  }
  const auto [next, error] = std::from_chars(at, end, prefix);
  return error == std::errc() && next == end && prefix >= 0 && prefix <= 32;
}

uint32_t mask(int prefix) { return prefix == 0 ? 0 : ~uint32_t{0} << (32 - prefix); }

std::string text_of(uint32_t address, int prefix) {
  return std::to_string(address >> 24) + '.' + std::to_string(address >> 16 & 255) + '.' +
         std::to_string(address >> 8 & 255) + '.' + std::to_string(address & 255) + '/' +
         std::to_string(prefix);
}

}  // namespace

Result<PodNetwork> parse_pod_network(const std::string& cidr, int node_prefix) {
  PodNetwork network;
  network.node_prefix = node_prefix;
  if (!read_cidr(cidr, network.address, network.prefix)) {
    return Error{Code::invalid, "\"" + cidr + "\" is no IPv4 network such as 10.244.0.0/16"};
  }
  if ((network.address & ~mask(network.prefix)) != 0) {
    return Error{Code::invalid, cidr + " has address bits beyond its prefix: did you mean " +
                                    text_of(network.address & mask(network.prefix),
                                            network.prefix) + "?"};
  }
  if (node_prefix <= network.prefix || node_prefix > 30 ||
      node_prefix - network.prefix > kBlocksMaxBits) {
    return Error{Code::invalid, "a node's part of " + cidr + " cannot be a /" +
                                    std::to_string(node_prefix)};
  }
  return network;
}

std::span<const Kind> NodeIpamController::reads() const { return kNodeIpamReads; }

// All nodes are one key: who gets which block is decided at one place, one after the other.
void NodeIpamController::keys_for(const View& /*view*/, const api::ObjectPtr& before,
                                  const api::ObjectPtr& after, const KeySink& sink) const {
  const bool freed = before && !after;
  const bool wants = after && after->as<api::Node>().spec().pod_cidr().empty();
  if (freed || wants) sink({Kind::nodes, {}, "*"});
}

Plan NodeIpamController::reconcile(const View& view, const api::ObjectKey& /*key*/) {
  Plan plan;
  const std::size_t blocks = std::size_t{1} << (network_.node_prefix - network_.prefix);
  std::vector<bool> taken(blocks);
  std::vector<api::Ref<api::Node>> waiting;
  for (const auto& node : view.list<api::Node>()) {
    if (node->spec().pod_cidr().empty()) {
      if (!node.object().deleting()) waiting.push_back(node);
      continue;
    }
    uint32_t address = 0;
    int prefix = 0;
    if (!read_cidr(node->spec().pod_cidr(), address, prefix) ||
        (address & mask(network_.prefix)) != network_.address) {
      continue;  // somebody's own arrangement
    }
    // Also one of another size takes what it overlaps.
    const std::size_t first = (address - network_.address) >> (32 - network_.node_prefix);
    const std::size_t count =
        prefix < network_.node_prefix ? std::size_t{1} << (network_.node_prefix - prefix) : 1;
    for (std::size_t i = first; i < std::min(first + count, blocks); ++i) taken[i] = true;
  }
  std::size_t next = 0;
  for (const auto& node : waiting) {
    while (next < blocks && taken[next]) ++next;
    if (next == blocks) {
      plan.events.push_back({node.ptr(), true, "CIDRNotAvailable",
                             "No network for its pods is left: the cluster's is used up"});
      continue;
    }
    const uint32_t address =
        network_.address + (static_cast<uint32_t>(next++) << (32 - network_.node_prefix));
    api::Node now = *node;
    now.mutable_spec()->set_pod_cidr(text_of(address, network_.node_prefix));
    now.mutable_spec()->clear_pod_cidrs();
    now.mutable_spec()->add_pod_cidrs(now.spec().pod_cidr());
    plan.together(api::update(changed(node, std::move(now))));
  }
  return plan;
}

}  // namespace keelson::controllers
