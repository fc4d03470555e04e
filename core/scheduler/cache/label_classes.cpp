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
  Place& place = places_[place_of(*fresh)];
  for (const auto& [serial, c] : place.classes) {
    if (fresh->matches(*c)) fresh->classes.push_back(c);
  }
  slot = fresh;
  place.groups.push_back(fresh);
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

std::vector<std::string> LabelClasses::places_of(const LabelClass& c) const {
  std::vector<std::string> places{c.ns};
  for (const auto& [key, value] : c.labels) places.push_back(c.ns + '\n' + key + '=' + value);
  // A protobuf map has no order of its own. Groups are sorted by serial, so that this one does not
  // show, but nothing should depend on that.
  std::sort(places.begin(), places.end());
  return places;
}

std::string LabelClasses::place_of(const SelectorGroup& group) {
  for (const auto& selector : group.selectors) {
    for (const auto& requirement : selector.requirements()) {
      if (requirement.op == api::LabelSelectorMatcher::Op::in && requirement.values.size() == 1) {
        return group.ns + '\n' + requirement.key + '=' + requirement.values.front();
      }
    }
  }
  return group.ns;
}

void LabelClasses::awake(const LabelClassPtr& c) {
  awake_.emplace(c->serial, c);
  for (const std::string& name : places_of(*c)) {
    Place& place = places_[name];
    place.classes.emplace(c->serial, c.get());
    for (const auto& weak : place.groups) {
      const auto group = weak.lock();
      if (!group || !group->matches(*c)) continue;
      const auto at = std::lower_bound(
          group->classes.begin(), group->classes.end(), c.get(),
          [](const LabelClass* a, const LabelClass* b) { return a->serial < b->serial; });
      group->classes.insert(at, c.get());
    }
  }
}

void LabelClasses::asleep(LabelClass& c) {
  const LabelClassPtr keep = awake_.at(c.serial);  // the map's may be the last reference
  for (const std::string& name : places_of(c)) {
    const auto at = places_.find(name);
    KEELSON_ASSERT(at != places_.end());
    Place& place = at->second;
    place.classes.erase(c.serial);
    for (const auto& weak : place.groups) {
      if (const auto group = weak.lock()) std::erase(group->classes, &c);
    }
    if (place.classes.empty() && place.groups.empty()) places_.erase(at);
  }
  awake_.erase(c.serial);
}

void LabelClasses::sweep() {
  std::erase_if(classes_, [](const auto& entry) { return entry.second.expired(); });
  std::erase_if(groups_, [](const auto& entry) { return entry.second.expired(); });
  boost::unordered::erase_if(places_, [](auto& entry) {
    std::erase_if(entry.second.groups, [](const auto& weak) { return weak.expired(); });
    return entry.second.classes.empty() && entry.second.groups.empty();
  });
  sweep_at_ = std::max<std::size_t>(1024, 2 * (classes_.size() + groups_.size()));
}

}  // namespace keelson::scheduler
