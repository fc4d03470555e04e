#include "core/scheduler/cache/topology_index.hpp"

#include <algorithm>

#include "core/base/assert.hpp"
#include "core/scheduler/cache/node_match.hpp"
#include "core/scheduler/cache/snapshot.hpp"

namespace keelson::scheduler {

struct NodeScope {
  std::vector<NameId> keys;
  // As the pod had them for which the scope was made first.
  std::shared_ptr<const PodInfo> affinity;
  bool taints = false;
  std::vector<Toleration> tolerations;
  NodeBitset nodes;
  uint64_t version = 0, taints_version = 0;
};

namespace {

bool tolerated(const NodeScope& scope, const Snapshot& snapshot, NodeIndex node) {
  const auto& taints = snapshot.taints(snapshot.taint_set(node)).taints;
  return std::all_of(taints.begin(), taints.end(), [&](const Taint& taint) {
    return taint.effect == Effect::prefer_no_schedule || tolerated(scope.tolerations, taint);
  });
}

bool contains(const NodeScope& scope, const Snapshot& snapshot, NodeIndex node) {
  for (const NameId key : scope.keys) {
    if (snapshot.label_column(key)[node] == 0) return false;
  }
  if (scope.affinity && !matches_node_affinity(*scope.affinity, snapshot, node)) return false;
  return !scope.taints || tolerated(scope, snapshot, node);
}

// Numbers and marks, so that equal texts mean equal scopes.
class ScopeText {
 public:
  explicit ScopeText(std::string& text) : text_(text) { text_.clear(); }
  void mark(char what) { text_ += what; }
  void number(uint64_t value) {
    for (; value >= 128; value >>= 7) text_ += static_cast<char>((value & 127) | 128);
    text_ += static_cast<char>(value);
  }
  void affinity(const PodInfo& pod) {
    mark('a');
    number(pod.node_selector.size());
    for (const auto& [key, value] : pod.node_selector) {
      number(key);
      number(value);
    }
    number(pod.has_required_terms ? 1 : 0);
    number(pod.required_terms.size());
    for (const NodeTerm& term : pod.required_terms) {
      number(term.requirements.size());
      for (const NodeRequirement& r : term.requirements) requirement(r);
    }
  }
  void toleration(const Toleration& t) {
    number(t.key);
    number(t.value);
    number(static_cast<uint64_t>(t.effect) * 4 + (t.any_key ? 2u : 0u) + (t.any_value ? 1u : 0u));
  }

 private:
  void requirement(const NodeRequirement& r) {
    number(r.key);
    number(static_cast<uint64_t>(r.op) * 2 + (r.on_name ? 1u : 0u));
    number(r.values.size());
    for (const NameId value : r.values) number(value);
    number(static_cast<uint64_t>(r.number));
  }
  std::string& text_;
};

}  // namespace

// --- Counts -------------------------------------------------------------------------------------

void TopologyCount::add(Domain domain, int32_t sign) {
  const int32_t before = pods[domain];
  pods[domain] += sign;
  total += sign;
  if (!lowest_known_ || nodes[domain] == 0) return;
  const auto after = static_cast<std::size_t>(before + sign);
  if (after >= domains_with_.size()) domains_with_.resize(after + 1, 0);
  --domains_with_[static_cast<std::size_t>(before)];
  ++domains_with_[after];
  // The count changed by one, so the lowest did by no more.
  if (before + sign < lowest_) lowest_ = before + sign;
  if (before == lowest_ && domains_with_[static_cast<std::size_t>(before)] == 0) ++lowest_;
}

int32_t TopologyCount::lowest() const {
  if (domains == 0) return 0;
  if (!lowest_known_) {
    lowest_known_ = true;
    lowest_ = INT32_MAX;
    domains_with_.clear();
    for (Domain d = 0; d < pods.size(); ++d) {
      if (nodes[d] == 0) continue;
      const auto n = static_cast<std::size_t>(pods[d]);
      if (n >= domains_with_.size()) domains_with_.resize(n + 1, 0);
      ++domains_with_[n];
      lowest_ = std::min(lowest_, pods[d]);
    }
  }
  return lowest_;
}

const Topology& TopologyIndex::topology(NameId key) {
  Topology& topology = topologies_[key];
  if (topology.version == version_) return topology;
  topology.version = version_;
  topology.domains = 0;
  topology.domain_of.assign(snapshot_.slots(), kNoDomain);
  if (key == kPerNode) {
    topology.domains = static_cast<Domain>(snapshot_.slots());
    snapshot_.valid().for_each([&](NodeIndex n) { topology.domain_of[n] = n; });
    return topology;
  }
  const auto& column = snapshot_.label_column(key);
  boost::unordered_flat_map<NameId, Domain> numbers;
  snapshot_.valid().for_each([&](NodeIndex n) {
    if (column[n] == 0) return;
    const auto [it, fresh] = numbers.try_emplace(column[n], topology.domains);
    if (fresh) ++topology.domains;
    topology.domain_of[n] = it->second;
  });
  return topology;
}

NodeScopePtr TopologyIndex::scope(std::span<const NameId> keys, const PodInfo* affinity,
                                  const PodInfo* tolerations) {
  if (affinity != nullptr && !asks_for_nodes(*affinity)) affinity = nullptr;
  if (keys.empty() && affinity == nullptr && tolerations == nullptr) return nullptr;
  ScopeText text(scope_text_);
  for (const NameId key : keys) text.number(key);
  if (affinity != nullptr) text.affinity(*affinity);
  if (tolerations != nullptr) {
    text.mark('t');
    for (const Toleration& t : tolerations->tolerations) text.toleration(t);
  }
  const auto known = scopes_.find(std::string_view(scope_text_));
  if (known != scopes_.end()) return known->second;
  if (scopes_.size() >= sweep_at_) {
    std::erase_if(scopes_, [](const auto& entry) { return entry.second.use_count() == 1; });
  }
  const auto fresh = std::make_shared<NodeScope>();
  fresh->keys.assign(keys.begin(), keys.end());
  if (affinity != nullptr) {
    auto copy = std::make_shared<PodInfo>();
    copy->node_selector = affinity->node_selector;
    copy->has_required_terms = affinity->has_required_terms;
    copy->required_terms = affinity->required_terms;
    fresh->affinity = std::move(copy);
  }
  if (tolerations != nullptr) {
    fresh->taints = true;
    fresh->tolerations = tolerations->tolerations;
  }
  scopes_.emplace(scope_text_, fresh);
  return fresh;
}

const NodeBitset& TopologyIndex::nodes_of(const NodeScopePtr& scope) {
  if (!scope) return snapshot_.valid();
  const bool current = scope->version == version_ &&
                       (!scope->taints || scope->taints_version == taints_version_);
  if (!current) {
    scope->version = version_;
    scope->taints_version = taints_version_;
    scope->nodes = snapshot_.valid();
    scope->nodes.keep_if([&](NodeIndex n) { return contains(*scope, snapshot_, n); });
  }
  return scope->nodes;
}

bool TopologyIndex::current(const TopologyCount& count) const {
  return count.version_ == version_ && count.group_version_ == count.group->version &&
         (!count.scope || !count.scope->taints || count.taints_version_ == taints_version_);
}

const TopologyCount& TopologyIndex::count(const SelectorGroupPtr& group, NameId key,
                                          const NodeScopePtr& scope, bool leaving) {
  ++uses_;
  for (TopologyCount* known : group->counts) {
    if (known->key != key || known->scope != scope || known->leaving != leaving) continue;
    known->used_ = uses_;
    if (!current(*known)) recount(*known);
    return *known;
  }
  if (counts_.size() + holders_.size() >= sweep_at_) sweep();
  counts_.push_back(std::make_unique<TopologyCount>());
  TopologyCount& fresh = *counts_.back();
  fresh.group = group;
  fresh.key = key;
  fresh.scope = scope;
  fresh.leaving = leaving;
  fresh.used_ = uses_;
  group->counts.push_back(&fresh);
  recount(fresh);
  return fresh;
}

void TopologyIndex::recount(TopologyCount& count) {
  const Topology& parts = topology(count.key);
  const NodeBitset& nodes = nodes_of(count.scope);
  count.topology = &parts;
  count.pods.assign(parts.domains, 0);
  count.nodes.assign(parts.domains, 0);
  count.domains = 0;
  count.total = 0;
  count.lowest_known_ = false;
  nodes.for_each([&](NodeIndex n) {
    const Domain domain = parts.at(n);
    if (domain != kNoDomain && ++count.nodes[domain] == 1) ++count.domains;
  });
  const auto add = [&](const PodsOnNodes& list) {
    for (const auto& [name, pods] : list) {
      const NodeIndex node = snapshot_.find(name);
      if (node == kNoNode || !nodes.test(node)) continue;
      const Domain domain = parts.at(node);
      if (domain == kNoDomain) continue;
      count.pods[domain] += pods;
      count.total += pods;
    }
  };
  for (const LabelClass* c : count.group->classes) {
    add(c->on_nodes);
    if (count.leaving) add(c->leaving);
  }
  count.version_ = version_;
  count.taints_version_ = taints_version_;
  count.group_version_ = count.group->version;
}

// --- Terms of pods on nodes ---------------------------------------------------------------------

const TermHolders& TopologyIndex::refreshed(TermHolders& holders) {
  if (holders.version_ == version_) return holders;
  holders.version_ = version_;
  const Topology& parts = topology(holders.key);
  holders.topology = &parts;
  holders.sums.assign(parts.domains, 0);
  for (const auto& [name, on_node] : holders.on_nodes_) {
    const NodeIndex node = snapshot_.find(name);
    const Domain domain = node == kNoNode ? kNoDomain : parts.at(node);
    if (domain != kNoDomain) holders.sums[domain] += on_node.sum;
  }
  return holders;
}

void TopologyIndex::hold(const AffinityTerm& term, TermHolders::Kind kind, NodeIndex node,
                         int32_t sign) {
  auto& list = term.pods->holders;
  const auto known = std::find_if(list.begin(), list.end(), [&](const TermHolders* h) {
    return h->key == term.topology_key && h->kind == kind;
  });
  TermHolders* holders = known == list.end() ? nullptr : *known;
  if (holders == nullptr) {
    KEELSON_ASSERT(sign > 0);
    if (counts_.size() + holders_.size() >= sweep_at_) sweep();
    holders_.push_back(std::make_unique<TermHolders>());
    holders = holders_.back().get();
    holders->group = term.pods;
    holders->key = term.topology_key;
    holders->kind = kind;
    list.push_back(holders);
  }
  const int64_t amount =
      int64_t{sign} * (kind == TermHolders::Kind::preferred ? term.weight : 1);
  const auto at = holders->on_nodes_.try_emplace(snapshot_.name(node)).first;
  TermHolders::OnNode& here = at->second;
  here.sum += amount;
  here.pods += static_cast<uint32_t>(sign);
  holders->pods += static_cast<uint32_t>(sign);
  if (here.pods == 0) holders->on_nodes_.erase(at);
  if (holders->version_ != version_) return;
  const Domain domain = holders->topology->at(node);
  if (domain != kNoDomain) holders->sums[domain] += amount;
}

void TopologyIndex::pod_changed(const PodInfo& pod, NodeIndex node, int32_t sign) {
  const bool leaving = pod.deleting();
  for (const SelectorGroup* group : pod.labels->groups) {
    for (TopologyCount* count : group->counts) {
      if ((leaving && !count->leaving) || !current(*count)) continue;
      const Domain domain = count->topology->at(node);
      if (domain == kNoDomain || !nodes_of(count->scope).test(node)) continue;
      count->add(domain, sign);
    }
  }
  if (!pod.affinity) return;
  using Kind = TermHolders::Kind;
  for (const auto& term : pod.affinity->required) hold(term, Kind::required, node, sign);
  for (const auto& term : pod.affinity->required_anti) hold(term, Kind::required_anti, node, sign);
  for (const auto& term : pod.affinity->preferred) hold(term, Kind::preferred, node, sign);
}

// What no pod has any more, and counts that nobody asked for lately. A decision asks for far fewer
// counts than are kept, so those that it works with stay.
void TopologyIndex::sweep() {
  constexpr uint64_t kRecent = 4096;
  std::erase_if(counts_, [&](const auto& count) {
    if (count->used_ + kRecent > uses_) return false;
    std::erase(count->group->counts, count.get());
    return true;
  });
  std::erase_if(holders_, [&](const auto& holders) {
    if (holders->pods > 0) return false;
    std::erase(holders->group->holders, holders.get());
    return true;
  });
  sweep_at_ = std::max<std::size_t>(1024, 2 * (counts_.size() + holders_.size()));
}

std::string TopologyIndex::check() {
  for (const auto& count : counts_) {
    if (!current(*count)) continue;
    const std::vector<int32_t> pods = count->pods, nodes = count->nodes;
    const int64_t total = count->total;
    const bool known = count->lowest_known_;
    const int32_t lowest = count->lowest();
    recount(*count);
    if (pods != count->pods || total != count->total) return "a count of pods by topology is wrong";
    if (nodes != count->nodes) return "a count of nodes by topology is wrong";
    if (known && lowest != count->lowest()) return "the lowest count of a topology is wrong";
  }
  std::map<const TermHolders*, uint32_t> pods;
  for (NodeIndex node = 0; node < snapshot_.slots(); ++node) {
    for (const PodInfoPtr& pod : snapshot_.pods(node)) {
      if (!pod->affinity) continue;
      const auto visit = [&](const std::vector<AffinityTerm>& terms, TermHolders::Kind kind) {
        for (const AffinityTerm& term : terms) {
          for (const TermHolders* h : term.pods->holders) {
            if (h->key == term.topology_key && h->kind == kind) ++pods[h];
          }
        }
      };
      visit(pod->affinity->required, TermHolders::Kind::required);
      visit(pod->affinity->required_anti, TermHolders::Kind::required_anti);
      visit(pod->affinity->preferred, TermHolders::Kind::preferred);
    }
  }
  for (const auto& holders : holders_) {
    if (holders->pods != pods[holders.get()]) return "a term's holders are miscounted";
    if (holders->version_ != version_) continue;
    const std::vector<int64_t> sums = holders->sums;
    holders->version_ = 0;
    if (refreshed(*holders).sums != sums) return "a term's sums by topology are wrong";
  }
  return {};
}

}  // namespace keelson::scheduler
