#include "core/scheduler/framework/filter_run.hpp"

namespace keelson::scheduler {

void FilterRun::plain_filter(NodeBitset& nodes, Diagnosis& diagnosis) {
  for (Plugin* plugin : profile_.at(Point::filter)) {
    if (state_.filter_skipped(plugin->slot())) continue;
    diagnosis.attribute_to(plugin->slot());
    plugin->filter(state_, pod_, snapshot_, nodes, diagnosis);
  }
}

void FilterRun::filter(NodeBitset& nodes, Diagnosis& diagnosis) {
  const std::size_t before = mark();
  NodeBitset nominees_here;
  for (const auto& [name, pods] : snapshot_.nominated()) {
    const NodeIndex node = snapshot_.find(name);
    if (node == kNoNode || !nodes.test(node)) continue;
    for (const PodInfoPtr& nominee : pods) {
      if (nominee->priority < pod_.priority || nominee->uid() == pod_.uid()) continue;
      if (nominees_here.slots() == 0) nominees_here.resize(snapshot_.slots());
      nominees_here.set(node);
      add(node, nominee);
    }
  }
  plain_filter(nodes, diagnosis);
  undo_to(before);
  if (nominees_here.slots() == 0 || !nominees_here.intersects(nodes)) return;
  nominees_here.intersect(nodes);
  NodeBitset rest = nominees_here;
  plain_filter(rest, diagnosis);
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
