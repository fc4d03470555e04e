#include "core/scheduler/cache/label_classes.hpp"

#include <algorithm>

#include "core/base/assert.hpp"

namespace keelson::scheduler {
namespace {

// The entry for `node` in a sorted list, or where it would stand.
auto find_node(std::vector<std::pair<NameId, int32_t>>& list, NameId node) {
  return std::lower_bound(list.begin(), list.end(), node,
                          [](const auto& entry, NameId n) { return entry.first < n; });
}

}  // namespace

bool SelectorGroup::matches(const LabelClass& c) const {
  return std::all_of(selectors.begin(), selectors.end(),
                     [&](const auto& selector) { return selector.matches(c.labels); });
}

LabelClassPtr LabelClasses::intern(const std::string& ns, const api::Labels& labels) {
  std::vector<std::pair<std::string_view, std::string_view>> sorted;
  sorted.reserve(labels.size());
  for (const auto& [key, value] : labels) sorted.emplace_back(key, value);
  std::sort(sorted.begin(), sorted.end());
  std::string text = ns;
  for (const auto& [key, value] : sorted) {
    text += '\n';
    text += key;
    text += '=';
    text += value;
  }
  auto& slot = classes_[text];
  if (auto known = slot.lock()) return known;
  auto fresh = std::make_shared<LabelClass>();
  fresh->serial = next_serial_++;
  fresh->ns = ns;
  fresh->labels = labels;
  slot = fresh;
  if (classes_.size() + groups_.size() > sweep_at_) sweep();
  return fresh;
}

SelectorGroupPtr LabelClasses::group(const std::string& ns,
                                     std::vector<api::LabelSelectorMatcher> selectors) {
  std::string text = ns;
  for (const auto& selector : selectors) {
    text += '\n';
    text += selector.to_string();
  }
  auto& slot = groups_[text];
  if (auto known = slot.lock()) return known;
  auto fresh = std::make_shared<SelectorGroup>();
  fresh->ns = ns;
  fresh->selectors = std::move(selectors);
  if (const auto in_ns = awake_.find(ns); in_ns != awake_.end()) {
    for (const auto& [serial, c] : in_ns->second) {
      if (fresh->matches(*c)) fresh->classes.push_back(c.get());
    }
  }
  slot = fresh;
  groups_of_[ns].push_back(fresh);
  if (classes_.size() + groups_.size() > sweep_at_) sweep();
  return fresh;
}

void LabelClasses::add_pod(const LabelClassPtr& c, NameId node) {
  if (c->on_nodes.empty()) awake(c);
  const auto it = find_node(c->on_nodes, node);
  if (it != c->on_nodes.end() && it->first == node) {
    ++it->second;
  } else {
    c->on_nodes.insert(it, {node, 1});
  }
}

void LabelClasses::remove_pod(const LabelClassPtr& c, NameId node) {
  const auto it = find_node(c->on_nodes, node);
  KEELSON_ASSERT(it != c->on_nodes.end() && it->first == node);
  if (--it->second > 0) return;
  c->on_nodes.erase(it);
  if (c->on_nodes.empty()) asleep(*c);
}

void LabelClasses::awake(const LabelClassPtr& c) {
  awake_[c->ns].emplace(c->serial, c);
  const auto in_ns = groups_of_.find(c->ns);
  if (in_ns == groups_of_.end()) return;
  for (const auto& weak : in_ns->second) {
    const auto group = weak.lock();
    if (!group || !group->matches(*c)) continue;
    const auto at = std::lower_bound(
        group->classes.begin(), group->classes.end(), c.get(),
        [](const LabelClass* a, const LabelClass* b) { return a->serial < b->serial; });
    group->classes.insert(at, c.get());
  }
}

void LabelClasses::asleep(LabelClass& c) {
  if (const auto groups = groups_of_.find(c.ns); groups != groups_of_.end()) {
    for (const auto& weak : groups->second) {
      if (const auto group = weak.lock()) std::erase(group->classes, &c);
    }
  }
  const auto in_ns = awake_.find(c.ns);
  KEELSON_ASSERT(in_ns != awake_.end());
  const LabelClassPtr keep = in_ns->second.at(c.serial);  // the map's may be the last reference
  in_ns->second.erase(c.serial);
  if (in_ns->second.empty()) awake_.erase(in_ns);
}

void LabelClasses::sweep() {
  std::erase_if(classes_, [](const auto& entry) { return entry.second.expired(); });
  std::erase_if(groups_, [](const auto& entry) { return entry.second.expired(); });
  for (auto it = groups_of_.begin(); it != groups_of_.end();) {
    std::erase_if(it->second, [](const auto& weak) { return weak.expired(); });
    it = it->second.empty() ? groups_of_.erase(it) : std::next(it);
  }
  sweep_at_ = std::max<std::size_t>(1024, 2 * (classes_.size() + groups_.size()));
}

}  // namespace keelson::scheduler
