// The agent's Node: registers or adopts it, posts its status, and renews its heartbeat.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/agent/context.hpp"
#include "core/client/informer.hpp"

namespace keelson::agent {

class NodeStatus {
 public:
  explicit NodeStatus(Context& context);

  void start();
  // The node registers itself once this was called.
  void set_runtime_health(bool healthy);
  // As Agent's.
  void set_not_ready(std::string why);
  void images_changed();
  // Shown in its conditions.
  void set_pressure(NodePressure pressure);
  // The agent agrees with the store as of this revision: said in the Node (core/client/lost_history.hpp).
  void set_agrees(uint64_t revision);
  // Likewise: as of this revision it ends what the store has forgotten.
  void set_ends(uint64_t revision);
  // What the Node says of the two, or is about to.
  uint64_t agrees() const;
  uint64_t ends() const;
  // Goes out with a heartbeat at once.
  void report(api::PeerReport report);
  // The labels of the Node as last seen; those of the options until then.
  std::map<std::string, std::string> labels() const;
  // Likewise its taints.
  std::vector<api::Taint> taints() const;
  // The Node as last seen; null: not registered yet.
  const api::ObjectPtr& object() const { return latest_.ptr(); }
  // Whether the Node has been read from the API by a request that was sent at `since` or later.
  bool read_since(Instant since) const { return read_at_ && *read_at_ >= since; }
  // Reads it; Context::on_freed tells when it is time to look at read_since() again.
  void read_again();

 private:
  void on_node(const api::ObjectPtr& before, const api::ObjectPtr& after);
  void adopt(const api::ObjectPtr& node);
  void reconcile();
  void arm(Duration after);
  void create();
  // Labels, and what else of a Node's metadata is the agent's to say.
  void describe(api::ObjectMeta& meta) const;
  bool described() const;
  void update_meta();
  void update_status(api::NodeStatus status);
  void read_back();
  void on_write(api::Response response);
  void failed();
  // The status that the Node should have, heartbeat times left as they are.
  api::NodeStatus wanted() const;
  void beat();
  void on_beat(const api::Response& response, std::size_t reports);
  void schedule_beat();

  Context& context_;
  Rng rng_;
  client::Informer nodes_;
  std::map<std::string, std::string> own_labels_;
  api::Ref<api::Node> latest_;
  std::vector<api::PeerReport> reports_;
  Lifetime lifetime_;  // before the timers, which use it
  Timer timer_, beat_timer_, read_timer_;
  Instant next_status_;
  Instant not_before_;  // the next write about the Node, unless something failed
  uint64_t sequence_ = 0;
  uint32_t failures_ = 0;
  std::optional<bool> healthy_;
  uint64_t agrees_ = 0;
  uint64_t ends_ = 0;  // 0: nothing has to be said
  std::string not_ready_;
  NodePressure pressure_;
  std::optional<Instant> read_at_;
  bool reading_ = false;
  bool busy_ = false;  // a request about the Node is under way
  bool beating_ = false;
};

}  // namespace keelson::agent
