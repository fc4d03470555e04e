#include "core/scheduler/cache/label_classes.hpp"

#include <algorithm>

#include "core/base/assert.hpp"

namespace keelson::scheduler {
namespace {

// Stands in place of a namespace for groups that span several. No namespace has this name.
constexpr std::string_view kAnyNamespace = "*";

template <class T>
void insert_by_serial(std::vector<T*>& list, T* item) {
  const auto at = std::lower_bound(list.begin(), list.end(), item,
                                   [](const T* a, const T* b) { return a->serial < b->serial; });
  if (at == list.end() || *at != item) list.insert(at, item);
}

std::string text_of(const api::LabelSelectorMatcher& selector) {
  return selector.matches_nothing() ? "!" : selector.to_string();
}

// One namespace by name: the only form whose members are found under that namespace.
const std::string* single_namespace(const NamespaceScope& scope) {
  return scope.names.size() == 1 && !scope.selector ? &scope.names.front() : nullptr;
}

}  // namespace

bool LabelClass::in(const SelectorGroup* group) const {
  const auto at =
      std::lower_bound(groups.begin(), groups.end(), group,
                       [](const SelectorGroup* a, const auto* b) { return a->serial < b->serial; });
  return at != groups.end() && *at == group;
}

bool LabelClasses::matches(const NamespaceScope& scope, const std::string& ns) const {
  if (std::binary_search(scope.names.begin(), scope.names.end(), ns)) return true;
  if (!scope.selector) return false;
  static const api::Labels kNone;
  const auto it = namespaces_.find(ns);
  return scope.selector->matches(it == namespaces_.end() ? kNone : it->second);
}

bool LabelClasses::matches(const SelectorGroup& group, const LabelClass& c) const {
  return std::all_of(group.terms.begin(), group.terms.end(), [&](const PodTerm& term) {
    return matches(term.namespaces, c.ns) && term.labels.matches(c.labels);
  });
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
  if (slot) return slot;
  const auto fresh = std::make_shared<LabelClass>();
  fresh->serial = next_serial_++;
  fresh->ns = ns;
  fresh->labels = labels;
  slot = fresh;
  join(*fresh);
  if (classes_.size() + groups_.size() > sweep_at_) sweep();
  return fresh;
}

SelectorGroupPtr LabelClasses::group(const std::string& ns,
                                     std::vector<api::LabelSelectorMatcher> selectors) {
  std::vector<PodTerm> terms;
  for (auto& selector : selectors) {
    terms.push_back({NamespaceScope::only(ns), std::move(selector)});
  }
  return group(std::move(terms));
}

SelectorGroupPtr LabelClasses::group(std::vector<PodTerm> terms) {
  KEELSON_ASSERT(!terms.empty());
  std::string text;
  for (const PodTerm& term : terms) {
    for (const std::string& name : term.namespaces.names) text += name + ',';
    if (term.namespaces.selector) text += "\t" + text_of(*term.namespaces.selector);
    text += '\n' + text_of(term.labels) + '\n';
  }
  auto& slot = groups_[text];
  if (slot) return slot;
  const auto fresh = std::make_shared<SelectorGroup>();
  fresh->serial = next_serial_++;
  fresh->terms = std::move(terms);
  slot = fresh;
  Place& place = places_[place_of(*fresh)];
  place.groups.push_back(fresh.get());
  for (const auto& [serial, c] : place.classes) {
    if (!matches(*fresh, *c)) continue;
    fresh->classes.push_back(c);
    c->groups.push_back(fresh.get());  // the newest: it stands last
  }
  if (classes_.size() + groups_.size() > sweep_at_) sweep();
  return fresh;
}

void LabelClasses::join(LabelClass& c) {
  for (const std::string& name : places_of(c)) {
    Place& place = places_[name];
    place.classes.emplace(c.serial, &c);
    for (SelectorGroup* group : place.groups) {
      if (!matches(*group, c)) continue;
      insert_by_serial(group->classes, &c);
      insert_by_serial(c.groups, group);
    }
  }
}

bool LabelClasses::set_namespace(const std::string& name, const api::Labels* labels) {
  const auto known = namespaces_.find(name);
  const bool had_any = known != namespaces_.end() && !known->second.empty();
  const bool has_any = labels != nullptr && !labels->empty();
  if (labels == nullptr) {
    if (known != namespaces_.end()) namespaces_.erase(known);
  } else {
    namespaces_[name] = *labels;
  }
  if (!had_any && !has_any) return false;
  bool changed = false;
  for (const auto& [text, group] : groups_) {
    const bool selects = std::any_of(group->terms.begin(), group->terms.end(), [](const auto& t) {
      return t.namespaces.selector && !t.namespaces.selector->empty();
    });
    if (selects) changed |= rejoin(*group);
  }
  return changed;
}

bool LabelClasses::rejoin(SelectorGroup& group) {
  std::vector<LabelClass*> members;
  for (const auto& [serial, c] : places_.at(place_of(group)).classes) {
    if (matches(group, *c)) members.push_back(c);
  }
  if (members == group.classes) return false;
  for (LabelClass* c : group.classes) std::erase(c->groups, &group);
  group.classes = std::move(members);
  for (LabelClass* c : group.classes) insert_by_serial(c->groups, &group);
  ++group.version;
  return true;
}

void LabelClasses::add_pod(LabelClass& c, NameId node, bool leaving) {
  ++(leaving ? c.leaving : c.on_nodes)[node];
}

void LabelClasses::remove_pod(LabelClass& c, NameId node, bool leaving) {
  PodsOnNodes& pods = leaving ? c.leaving : c.on_nodes;
  const auto it = pods.find(node);
  KEELSON_ASSERT(it != pods.end());
  if (--it->second == 0) pods.erase(it);
}

std::vector<std::string> LabelClasses::places_of(const LabelClass& c) const {
  std::vector<std::string> places{c.ns, std::string(kAnyNamespace)};
  for (const auto& [key, value] : c.labels) {
    const std::string label = '\n' + key + '=' + value;
    places.push_back(c.ns + label);
    places.push_back(std::string(kAnyNamespace) + label);
  }
  // A protobuf map has no order of its own. Members are sorted by serial, so that this one does not
  // show, but nothing should depend on that.
  std::sort(places.begin(), places.end());
  return places;
}

std::string LabelClasses::place_of(const SelectorGroup& group) {
  // All terms must match, so each of them names a place that will do; one of a single namespace is
  // the least crowded.
  std::string ns(kAnyNamespace);
  for (const PodTerm& term : group.terms) {
    if (const std::string* single = single_namespace(term.namespaces)) ns = *single;
  }
  for (const PodTerm& term : group.terms) {
    for (const auto& requirement : term.labels.requirements()) {
      if (requirement.op == api::LabelSelectorMatcher::Op::in && requirement.values.size() == 1) {
        return ns + '\n' + requirement.key + '=' + requirement.values.front();
      }
    }
  }
  return ns;
}

void LabelClasses::sweep() {
  // Groups first: classes may hold them (as their spread_group), never the other way round.
  for (auto it = classes_.begin(); it != classes_.end();) {
    LabelClass& c = *it->second;
    if (it->second.use_count() > 1) {
      ++it;
      continue;
    }
    KEELSON_ASSERT(c.on_nodes.empty() && c.leaving.empty());
    for (SelectorGroup* group : c.groups) std::erase(group->classes, &c);
    for (const std::string& name : places_of(c)) places_.at(name).classes.erase(c.serial);
    it = classes_.erase(it);
  }
  for (auto it = groups_.begin(); it != groups_.end();) {
    SelectorGroup& group = *it->second;
    if (it->second.use_count() > 1) {
      ++it;
      continue;
    }
    for (LabelClass* c : group.classes) std::erase(c->groups, &group);
    std::erase(places_.at(place_of(group)).groups, &group);
    it = groups_.erase(it);
  }
  boost::unordered::erase_if(places_, [](const auto& entry) {
    return entry.second.classes.empty() && entry.second.groups.empty();
  });
  sweep_at_ = std::max<std::size_t>(1024, 2 * (classes_.size() + groups_.size()));
}

}  // namespace keelson::scheduler
