#include "core/scheduler/cache/snapshot.hpp"

#include <algorithm>

#include "core/api/quantity.hpp"
#include "core/base/assert.hpp"

namespace keelson::scheduler {
namespace {

constexpr std::string_view kZoneLabel = "topology.kubernetes.io/zone";
constexpr std::string_view kLegacyZoneLabel = "failure-domain.beta.kubernetes.io/zone";
constexpr std::string_view kNotReadyTaint = "node.kubernetes.io/not-ready";
constexpr std::string_view kUnreachableTaint = "node.kubernetes.io/unreachable";

NameId label_value(const std::vector<std::pair<NameId, NameId>>& labels, NameId key) {
  const auto it = std::lower_bound(labels.begin(), labels.end(), key,
                                   [](const auto& entry, NameId k) { return entry.first < k; });
  return it != labels.end() && it->first == key ? it->second : 0;
}

}  // namespace

const std::vector<NameId>& Snapshot::label_column(NameId key) const {
  const auto [it, fresh] = label_columns_.try_emplace(key);
  if (fresh) {
    it->second.resize(slots());
    for (NodeIndex n = 0; n < slots(); ++n) it->second[n] = label_value(labels_[n], key);
  }
  return it->second;
}

const ImageState* Snapshot::image(NameId image) const {
  const auto it = image_states_.find(image);
  return it == image_states_.end() ? nullptr : &it->second;
}

NodeIndex Snapshot::nominated_node(const PodInfo& pod) const {
  if (nomination_of_.empty()) return kNoNode;
  const auto it = nomination_of_.find(pod.uid());
  if (it == nomination_of_.end()) return kNoNode;
  const NodeIndex node = find(it->second);
  return node != kNoNode && valid_.test(node) ? node : kNoNode;
}

ResourceColumn& Snapshot::column(ResourceId id) {
  if (id >= resources_.size()) resources_.resize(id + 1);
  ResourceColumn& c = resources_[id];
  c.allocatable.resize(slots(), 0);
  c.requested.resize(slots(), 0);
  return c;
}

NodeIndex Snapshot::row_for(NameId name) {
  KEELSON_ASSERT(name != 0);
  if (const NodeIndex known = find(name); known != kNoNode) return known;
  NodeIndex node = 0;
  if (!free_rows_.empty()) {
    node = free_rows_.back();
    free_rows_.pop_back();
  } else {
    node = static_cast<NodeIndex>(slots());
    const std::size_t size = slots() + 1;
    names_.resize(size);
    generation_.resize(size);
    objects_.resize(size);
    for (ResourceColumn& c : resources_) {
      c.allocatable.resize(size, 0);
      c.requested.resize(size, 0);
    }
    nonzero_cpu_.resize(size);
    devices_.resize(size);
    nonzero_memory_.resize(size);
    taint_set_.resize(size);
    zone_.resize(size);
    labels_.resize(size);
    host_ports_.resize(size);
    images_.resize(size);
    pods_.resize(size);
    for (auto& [key, values] : label_columns_) values.resize(size);
    for (NodeBitset* set : {&valid_, &cordoned_, &tainted_, &with_host_ports_, &with_nominees_}) {
      set->resize(size);
    }
  }
  names_[node] = name;
  if (name >= index_of_.size()) index_of_.resize(name + 1, kNoNode);
  index_of_[name] = node;
  with_nominees_.assign(node, nominated_.contains(name));
  note_change(node);
  return node;
}

// REQUIRES: no pods on it and not valid.
void Snapshot::free_row(NodeIndex node) {
  KEELSON_ASSERT(pods_[node].empty() && !valid_.test(node));
  index_of_[names_[node]] = kNoNode;
  names_[node] = 0;
  with_nominees_.reset(node);
  free_rows_.push_back(node);
}

EventMask Snapshot::set_node(const api::ObjectPtr& object) {
  const auto& node = object->as<api::Node>();
  const NodeIndex row = row_for(words_.id(object->name()));
  EventMask changed;
  if (!valid_.test(row)) {
    valid_.set(row);
    ++node_count_;
    ++images_version_;
    ++added_since_reorder_;
    changed |= events::node_added;
  }
  objects_[row] = object;
  if (set_allocatable(row, node)) changed |= events::node_allocatable;
  if (set_labels(row, object->meta())) changed |= events::node_labels;
  if (set_taints(row, node)) changed |= events::node_taints;
  if (set_images(row, node)) changed |= events::node_images;
  if (cordoned_.test(row) != node.spec().unschedulable()) {
    cordoned_.assign(row, node.spec().unschedulable());
    changed |= events::node_unschedulable;
  }
  if (!changed.empty()) note_change(row);
  if (changed.intersects(events::node_added | events::node_labels)) topology_.nodes_changed();
  if (changed.intersects(events::node_taints)) topology_.taints_changed();
  return changed;
}

void Snapshot::remove_node(NameId name) {
  const NodeIndex row = find(name);
  if (row == kNoNode || !valid_.test(row)) return;
  // Back to the state of a row that only pods keep alive.
  static const api::Node kBare;
  set_allocatable(row, kBare);
  set_labels(row, kBare.metadata());
  set_taints(row, kBare);
  set_images(row, kBare);
  cordoned_.reset(row);
  valid_.reset(row);
  objects_[row] = nullptr;
  --node_count_;
  ++images_version_;
  topology_.nodes_changed();
  note_change(row);
  if (pods_[row].empty()) free_row(row);
}

bool Snapshot::set_allocatable(NodeIndex row, const api::Node& node) {
  // A node that reports no allocatable offers its capacity.
  const auto& amounts =
      node.status().allocatable().empty() ? node.status().capacity() : node.status().allocatable();
  for (const auto& [name, quantity] : amounts) column(words_.resource(name));
  bool changed = false;
  for (ResourceId id = 0; id < resources_.size(); ++id) {
    const auto it = amounts.find(words_.resource_name(id));
    int64_t amount = 0;
    if (it != amounts.end()) {
      amount = id == kCpu ? api::milli_value_of(it->second) : api::value_of(it->second);
      amount = std::clamp<int64_t>(amount, 0, kMostAmount);
    }
    ResourceColumn& c = column(id);
    if (c.allocatable[row] == amount) continue;
    changed = true;
    c.total_allocatable += static_cast<uint64_t>(amount) - static_cast<uint64_t>(c.allocatable[row]);
    c.allocatable[row] = amount;
    if (words_.resource_name(id) == api::kGpuResource) devices_.set_count(row, amount);
  }
  return changed;
}

bool Snapshot::set_labels(NodeIndex row, const api::ObjectMeta& meta) {
  std::vector<std::pair<NameId, NameId>> labels;
  labels.reserve(meta.labels().size());
  for (const auto& [key, value] : meta.labels()) {
    labels.emplace_back(words_.id(key), words_.label_value(value));
  }
  std::sort(labels.begin(), labels.end());
  if (labels == labels_[row]) return false;
  labels_[row] = std::move(labels);
  for (auto& [key, values] : label_columns_) values[row] = label_value(labels_[row], key);
  const NameId zone = label_value(labels_[row], words_.id(kZoneLabel));
  zone_[row] = zone != 0 ? zone : label_value(labels_[row], words_.id(kLegacyZoneLabel));
  return true;
}

bool Snapshot::set_taints(NodeIndex row, const api::Node& node) {
  std::vector<Taint> taints;
  for (const auto& t : node.spec().taints()) {
    taints.push_back({words_.id(t.key()), words_.id(t.value()), effect_of(t.effect())});
  }
  // A node that says it is not ready gets the taint here at once: the one that the node lifecycle
  // controller writes arrives a moment later, and pods must not land there in between.
  for (const auto& condition : node.status().conditions()) {
    if (condition.type() != "Ready" || condition.status() == "True") continue;
    const NameId key =
        words_.id(condition.status() == "False" ? kNotReadyTaint : kUnreachableTaint);
    const bool known = std::any_of(taints.begin(), taints.end(), [&](const Taint& t) {
      return t.key == key && t.effect == Effect::no_schedule;
    });
    if (!known) taints.push_back({key, 0, Effect::no_schedule});
  }
  const TaintSetId id = taint_set_id(std::move(taints));
  if (taint_set_[row] == id) return false;
  set_taint_set(row, id);
  return true;
}

void Snapshot::set_taint_set(NodeIndex row, TaintSetId id) {
  const auto prefers = [&](TaintSetId set) {
    const auto& taints = taint_sets_[set].taints;
    return std::any_of(taints.begin(), taints.end(),
                       [](const Taint& t) { return t.effect == Effect::prefer_no_schedule; });
  };
  if (prefers(taint_set_[row])) --prefer_no_schedule_nodes_;
  if (prefers(id)) ++prefer_no_schedule_nodes_;
  taint_set_[row] = id;
  tainted_.assign(row, id != 0);
}

TaintSetId Snapshot::taint_set_id(std::vector<Taint> taints) {
  if (taints.empty()) return 0;
  const auto [it, fresh] =
      taint_set_ids_.try_emplace(taints, static_cast<TaintSetId>(taint_sets_.size()));
  if (fresh) taint_sets_.push_back({std::move(taints)});
  return it->second;
}

bool Snapshot::set_images(NodeIndex row, const api::Node& node) {
  std::vector<std::pair<NameId, int64_t>> images;
  for (const auto& image : node.status().images()) {
    for (const auto& name : image.names()) images.emplace_back(words_.id(name), image.size_bytes());
  }
  std::sort(images.begin(), images.end());
  images.erase(std::unique(images.begin(), images.end(),
                           [](const auto& a, const auto& b) { return a.first == b.first; }),
               images.end());
  if (images == images_[row]) return false;
  ++images_version_;
  for (const auto& [image, size] : images_[row]) {
    const auto it = image_states_.find(image);
    auto& nodes = it->second.nodes;
    nodes.erase(std::lower_bound(nodes.begin(), nodes.end(), row));
    if (nodes.empty()) image_states_.erase(it);
  }
  for (const auto& [image, size] : images) {
    ImageState& state = image_states_[image];
    state.size = size;
    state.nodes.insert(std::lower_bound(state.nodes.begin(), state.nodes.end(), row), row);
  }
  images_[row] = std::move(images);
  return true;
}

const NamespaceUsage& Snapshot::usage() const {
  if (!usage_) {
    usage_.emplace();
    for (const auto& pods : pods_) {
      for (const PodInfoPtr& pod : pods) usage_->add(*pod, +1);
    }
  }
  return *usage_;
}

void Snapshot::account(NodeIndex node, const PodInfo& pod, int64_t sign) {
  if (usage_) usage_->add(pod, sign);
  for (ResourceId id = 0; id < kFirstExtended; ++id) {
    resources_[id].requested[node] += sign * pod.requests[id];
  }
  for (const auto& [id, amount] : pod.extended) column(id).requested[node] += sign * amount;
  nonzero_cpu_[node] += sign * pod.nonzero_cpu;
  nonzero_memory_[node] += sign * pod.nonzero_memory;
}

void Snapshot::add_pod(NodeIndex node, const PodInfoPtr& pod) {
  account(node, *pod, +1);
  if (pod->gpus.any()) devices_.add(node, *pod);
  pods_[node].push_back(pod);
  classes_.add_pod(*pod->labels, names_[node], pod->deleting());
  topology_.pod_came(*pod, node);
  auto& ports = host_ports_[node];
  for (const HostPort& port : pod->host_ports) {
    ports.insert(std::lower_bound(ports.begin(), ports.end(), port), port);
  }
  if (!ports.empty()) with_host_ports_.set(node);
  touch(node);
}

void Snapshot::remove_pod(NodeIndex node, const PodInfo& pod) {
  account(node, pod, -1);
  if (pod.gpus.any()) devices_.remove(node, pod);
  classes_.remove_pod(*pod.labels, names_[node], pod.deleting());
  topology_.pod_left(pod, node);
  auto& pods = pods_[node];
  const auto it =
      std::find_if(pods.begin(), pods.end(), [&](const PodInfoPtr& p) { return p.get() == &pod; });
  KEELSON_ASSERT(it != pods.end());
  pods.erase(it);
  auto& ports = host_ports_[node];
  for (const HostPort& port : pod.host_ports) {
    const auto at = std::lower_bound(ports.begin(), ports.end(), port);
    KEELSON_ASSERT(at != ports.end() && *at == port);
    ports.erase(at);
  }
  if (ports.empty()) with_host_ports_.reset(node);
  touch(node);
}

void Snapshot::place(const PodInfoPtr& pod, NameId node) {
  const NodeIndex row = row_for(node);
  for (ResourceId id = 0; id < kFirstExtended; ++id) column(id);
  add_pod(row, pod);
  note_change(row);
  ++priorities_[pod->priority];
}

void Snapshot::unplace(const PodInfo& pod, NameId node) {
  const NodeIndex row = find(node);
  KEELSON_ASSERT(row != kNoNode);
  const int32_t priority = pod.priority;
  remove_pod(row, pod);
  note_change(row);
  const auto it = priorities_.find(priority);
  KEELSON_ASSERT(it != priorities_.end());
  if (--it->second == 0) priorities_.erase(it);
  if (pods_[row].empty() && !valid_.test(row)) free_row(row);
}

void Snapshot::nominate(const PodInfoPtr& pod, NameId node) {
  unnominate(pod->uid());
  nominated_[node].push_back(pod);
  nomination_of_[pod->uid()] = node;
  if (const NodeIndex row = find(node); row != kNoNode) {
    with_nominees_.set(row);
    note_change(row);
  }
}

NameId Snapshot::unnominate(const std::string& uid) {
  const auto it = nomination_of_.find(uid);
  if (it == nomination_of_.end()) return 0;
  const NameId node = it->second;
  nomination_of_.erase(it);
  const auto list = nominated_.find(node);
  KEELSON_ASSERT(list != nominated_.end());
  std::erase_if(list->second, [&](const PodInfoPtr& p) { return p->uid() == uid; });
  const bool none_left = list->second.empty();
  if (none_left) nominated_.erase(list);
  if (const NodeIndex row = find(node); row != kNoNode) {
    if (none_left) with_nominees_.reset(row);
    note_change(row);
  }
  return node;
}

void Snapshot::refreshed(NameId node) {
  if (const NodeIndex row = find(node); row != kNoNode) note_change(row);
}

void Snapshot::reorder_if_needed() {
  // After growth by a sixteenth: the work per node that ever came is bounded.
  if (added_since_reorder_ == 0 || added_since_reorder_ * 16 < node_count_) return;
  added_since_reorder_ = 0;
  // One node of each zone in turn; zones and the nodes in them by name, so that the order is the
  // same whatever the history.
  std::map<std::string_view, std::vector<NodeIndex>> zones;
  valid_.for_each([&](NodeIndex n) { zones[words_.text(zone_[n])].push_back(n); });
  for (auto& [zone, nodes] : zones) {
    std::sort(nodes.begin(), nodes.end(),
              [&](NodeIndex a, NodeIndex b) { return name_text(a) < name_text(b); });
  }
  std::vector<NodeIndex> order;
  order.reserve(slots());
  for (std::size_t round = 0; order.size() < node_count_; ++round) {
    for (const auto& [zone, nodes] : zones) {
      if (round < nodes.size()) order.push_back(nodes[round]);
    }
  }
  for (NodeIndex n = 0; n < slots(); ++n) {
    if (!valid_.test(n)) order.push_back(n);
  }
  permute(order);
}

void Snapshot::permute(const std::vector<NodeIndex>& order) {
  KEELSON_ASSERT(order.size() == slots());
  if (std::is_sorted(order.begin(), order.end())) return;
  const auto shuffle = [&](auto& column) {
    std::remove_reference_t<decltype(column)> moved(column.size());
    for (std::size_t i = 0; i < order.size(); ++i) moved[i] = std::move(column[order[i]]);
    column = std::move(moved);
  };
  const auto shuffle_bits = [&](NodeBitset& set) {
    NodeBitset moved(set.slots());
    for (NodeIndex i = 0; i < order.size(); ++i) {
      if (set.test(order[i])) moved.set(i);
    }
    set = std::move(moved);
  };
  shuffle(names_);
  shuffle(generation_);
  shuffle(objects_);
  for (ResourceColumn& c : resources_) {
    if (c.allocatable.empty()) continue;
    shuffle(c.allocatable);
    shuffle(c.requested);
  }
  devices_.permute(order);
  shuffle(nonzero_cpu_);
  shuffle(nonzero_memory_);
  shuffle(taint_set_);
  shuffle(zone_);
  shuffle(labels_);
  shuffle(host_ports_);
  shuffle(images_);
  shuffle(pods_);
  for (auto& [key, values] : label_columns_) shuffle(values);
  for (NodeBitset* set : {&valid_, &cordoned_, &tainted_, &with_host_ports_, &with_nominees_}) {
    shuffle_bits(*set);
  }

  std::vector<NodeIndex> new_index(order.size());
  for (NodeIndex i = 0; i < order.size(); ++i) new_index[order[i]] = i;
  for (NodeIndex i = 0; i < order.size(); ++i) {
    if (names_[i] != 0) index_of_[names_[i]] = i;
  }
  for (NodeIndex& row : free_rows_) row = new_index[row];
  for (auto& [image, state] : image_states_) {
    for (NodeIndex& row : state.nodes) row = new_index[row];
    std::sort(state.nodes.begin(), state.nodes.end());
  }
  topology_.nodes_changed();
  // Rows moved: whatever a plugin remembered by index and generation is void.
  for (NodeIndex i = 0; i < order.size(); ++i) touch(i);
  change_count_ += kChangesKept + 1;
}

}  // namespace keelson::scheduler
