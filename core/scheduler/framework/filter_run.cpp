#include "core/scheduler/framework/filter_run.hpp"

#include <algorithm>

namespace keelson::scheduler {

void FilterRun::plain_filter(NodeBitset& nodes, Diagnosis& diagnosis, uint64_t among) {
  for (Plugin* plugin : profile_.at(Point::filter)) {
    if ((among >> plugin->slot() & 1) == 0 || state_.filter_skipped(plugin->slot())) continue;
    diagnosis.attribute_to(plugin->slot());
    plugin->filter(state_, pod_, snapshot_, nodes, diagnosis);
  }
}

uint64_t FilterRun::filters() const {
  uint64_t bits = 0;
  for (const Plugin* plugin : profile_.at(Point::filter)) {
    if (!state_.filter_skipped(plugin->slot())) bits |= uint64_t{1} << plugin->slot();
  }
  return bits;
}

std::optional<uint64_t> FilterRun::memo_basis() const {
  if (!remember_ || pod_.shape == 0) return std::nullopt;
  uint64_t sum = 0;
  for (const Plugin* plugin : profile_.at(Point::filter)) {
    const auto basis = plugin->memo_basis(snapshot_);
    if (basis) {
      sum += *basis;
    } else if (!state_.filter_skipped(plugin->slot())) {
      return std::nullopt;
    }
  }
  return sum;
}

void FilterRun::add_nominees(NodeIndex node, NodeBitset& nominees_here) {
  const auto nominees = snapshot_.nominated().find(snapshot_.name(node));
  KEELSON_ASSERT(nominees != snapshot_.nominated().end());
  for (const PodInfoPtr& nominee : nominees->second) {
    if (nominee->priority < pod_.priority || nominee->uid() == pod_.uid()) continue;
    if (nominees_here.slots() == 0) nominees_here.resize(snapshot_.slots());
    nominees_here.set(node);
    add(node, nominee);
  }
}

// None of these plugins looks beyond the node's own row.
bool FilterRun::judge_rows_alone(uint64_t among) const {
  return std::all_of(profile_.at(Point::filter).begin(), profile_.at(Point::filter).end(),
                     [&](const Plugin* plugin) {
                       return (among >> plugin->slot() & 1) == 0 ||
                              state_.filter_skipped(plugin->slot()) ||
                              plugin->memo_basis(snapshot_).has_value();
                     });
}

void FilterRun::filter(NodeBitset& nodes, Diagnosis& diagnosis, uint64_t among) {
  if (!nodes.intersects(snapshot_.with_nominees())) return plain_filter(nodes, diagnosis, among);
  NodeBitset nominated = nodes;
  nominated.intersect(snapshot_.with_nominees());
  if (judge_rows_alone(among)) return filter_nominated(nodes, nominated, diagnosis, among);
  // A plugin counts pods elsewhere too: each node is judged with its own nominees, not with those of
  // others.
  nodes.subtract(nominated);
  plain_filter(nodes, diagnosis, among);
  NodeBitset one(nodes.slots());
  nominated.for_each([&](NodeIndex node) {
    one.clear();
    one.set(node);
    filter_nominated(one, one, diagnosis, among);
    if (one.test(node)) nodes.set(node);
  });
}

void FilterRun::filter_nominated(NodeBitset& nodes, const NodeBitset& nominated,
                                 Diagnosis& diagnosis, uint64_t among) {
  const std::size_t before = mark();
  NodeBitset nominees_here;
  nominated.for_each([&](NodeIndex node) { add_nominees(node, nominees_here); });
  plain_filter(nodes, diagnosis, among);
  undo_to(before);
  if (nominees_here.slots() == 0 || !nominees_here.intersects(nodes)) return;
  nominees_here.intersect(nodes);
  NodeBitset rest = nominees_here;
  plain_filter(rest, diagnosis, among);
  nominees_here.subtract(rest);  // what fitted with the nominees only
  nodes.subtract(nominees_here);
}

void FilterRun::apply(NodeIndex node, const PodInfoPtr& other, bool added) {
  for (Plugin* plugin : profile_.at(Point::pre_filter)) {
    if (state_.filter_skipped(plugin->slot())) continue;
    if (added) {
      plugin->pod_added(state_, pod_, *other, snapshot_, node);
    } else {
      plugin->pod_removed(state_, pod_, *other, snapshot_, node);
    }
  }
  if (added) {
    snapshot_.add_pod(node, other);
  } else {
    snapshot_.remove_pod(node, *other);
  }
}

void FilterRun::add(NodeIndex node, const PodInfoPtr& other) {
  apply(node, other, true);
  changes_.push_back({node, other, true});
}

void FilterRun::remove(NodeIndex node, const PodInfoPtr& other) {
  const PodInfoPtr keep = other;  // may be a reference into the list that it is taken from
  apply(node, keep, false);
  changes_.push_back({node, keep, false});
}

void FilterRun::undo_to(std::size_t mark) {
  while (changes_.size() > mark) {
    const Change change = std::move(changes_.back());
    changes_.pop_back();
    apply(change.node, change.pod, !change.added);
  }
}

}  // namespace keelson::scheduler
