// What containers and nodes use, for `top` and metrics.k8s.io: every node's /stats/summary, asked
// for every fifteen seconds (metrics-server's resolution), one node after the other. Threading: the
// thread of the loop.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/rest/usage.hpp"
#include "runtime/node/node_dialer.hpp"

namespace keelson::node {

class Fetch;

struct RemoteUsageOptions {
  Duration every = 15s;
  // Figures that are older say nothing any more: the node does not answer.
  Duration stale_after = 60s;
  Duration patience = 10s;
  // Connections. Half of them are for nodes that have answered the last time, so that those that
  // are away, and cost all of the patience, do not hold the others up.
  std::size_t at_once = 16;
};

class RemoteUsage final : public rest::UsageSource {
 public:
  using Options = RemoteUsageOptions;

  RemoteUsage(runtime::AsioLoop& loop, NodeDialer dialer, Options options = {});
  ~RemoteUsage();

  std::optional<rest::Usage> of_container(const api::Pod& pod,
                                          const std::string& container) override;
  std::optional<rest::Usage> of_node(const api::Node& node) override;
  Duration window() const override;

 private:
  // Nodes are looked over so often; each is asked when its time has come.
  static constexpr Duration kTick = 250ms;

  struct Figures {
    Instant read_at;
    std::optional<rest::Usage> machine;
    std::map<std::string, rest::Usage, std::less<>> containers;  // by uid/name
  };
  struct Node {
    Instant due;
    uint32_t failures = 0;  // in a row
    std::unique_ptr<Fetch> fetch;
    std::optional<Figures> figures;
  };

  void tick();
  void ask(const std::string& name, Node& node);
  void answered(Node& node, const Result<std::string>& summary);
  void forget(Node& node);  // its question
  const Figures* fresh(std::string_view node) const;
  static Result<Figures> read(std::string_view summary);

  runtime::AsioLoop& loop_;
  NodeDialer dialer_;
  const Options options_;
  std::map<std::string, Node, std::less<>> nodes_;
  std::size_t asking_ = 0, asking_failed_ = 0;  // of the latter, those with failures
  Timer timer_;
};

}  // namespace keelson::node
