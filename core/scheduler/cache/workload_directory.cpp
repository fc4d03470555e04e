#include "core/scheduler/cache/workload_directory.hpp"

#include <algorithm>

namespace keelson::scheduler {
namespace {

// Where a service stands in the index: its alphabetically first label. Empty: it selects nothing.
std::string index_key(const api::Service& service) {
  std::string best, text;
  for (const auto& [key, value] : service.spec().selector()) {
    if (text.empty() || key < best) {
      best = key;
      text = key + '=' + value;
    }
  }
  return text;
}

}  // namespace

bool WorkloadDirectory::apply(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  const api::Kind kind = (after ? after : before)->kind();
  bool changed = false;
  if (kind == api::Kind::services) changed = apply_service(before, after);
  if (kind == api::Kind::replica_sets) changed = apply_replica_set(before, after);
  if (kind == api::Kind::pod_disruption_budgets) return apply_budget(before, after);
  if (changed) ++version_;
  return changed;
}

bool WorkloadDirectory::apply_service(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  const auto matcher = [](const api::ObjectPtr& object) {
    return api::LabelSelectorMatcher::from_set(object->as<api::Service>().spec().selector());
  };
  if (before && after && matcher(before).to_string() == matcher(after).to_string()) return false;
  bool changed = false;
  if (before) {
    const std::string key = index_key(before->as<api::Service>());
    if (!key.empty()) {
      auto& by_label = services_[before->ns()];
      changed |= by_label[key].erase(before->name()) > 0;
      if (by_label[key].empty()) by_label.erase(key);
      if (by_label.empty()) services_.erase(before->ns());
    }
  }
  if (after) {
    const std::string key = index_key(after->as<api::Service>());
    if (!key.empty()) {
      services_[after->ns()][key][after->name()] = matcher(after);
      changed = true;
    }
  }
  return changed;
}

bool WorkloadDirectory::apply_replica_set(const api::ObjectPtr& before,
                                          const api::ObjectPtr& after) {
  if (!after) {
    const auto in_ns = replica_sets_.find(before->ns());
    if (in_ns == replica_sets_.end()) return false;
    const bool erased = in_ns->second.erase(before->name()) > 0;
    if (in_ns->second.empty()) replica_sets_.erase(in_ns);
    return erased;
  }
  ReplicaSetSelector& entry = replica_sets_[after->ns()][after->name()];
  // The selector of a replica set is immutable; only another incarnation has another one.
  if (entry.uid == after->uid() && !entry.uid.empty()) return false;
  entry.uid = after->uid();
  auto parsed = api::LabelSelectorMatcher::from(after->as<api::ReplicaSet>().spec().selector());
  entry.selector = parsed.ok() ? std::move(parsed).value() : api::LabelSelectorMatcher::nothing();
  return true;
}

bool WorkloadDirectory::apply_budget(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  ++budgets_version_;
  if (!after) {
    const auto in_ns = budgets_.find(before->ns());
    if (in_ns == budgets_.end()) return false;
    const bool erased = in_ns->second.erase(before->name()) > 0;
    if (in_ns->second.empty()) budgets_.erase(in_ns);
    return erased;
  }
  const auto& pdb = after->as<api::PodDisruptionBudget>();
  Budget budget;
  budget.object = after;
  auto parsed = pdb.spec().has_selector() ? api::LabelSelectorMatcher::from(pdb.spec().selector())
                                          : api::LabelSelectorMatcher::nothing();
  budget.selector = parsed.ok() ? std::move(parsed).value() : api::LabelSelectorMatcher::nothing();
  budgets_[after->ns()][after->name()] = std::move(budget);
  return true;
}

SelectorGroupPtr WorkloadDirectory::spread_group(const PodInfo& pod) const {
  LabelClass& c = *pod.labels;
  if (c.spread_version == version_ && c.spread_owner == pod.owner_uid) return c.spread_group;
  std::vector<std::pair<std::string, api::LabelSelectorMatcher>> found;  // by service name
  if (const auto in_ns = services_.find(c.ns); in_ns != services_.end()) {
    for (const auto& [key, value] : c.labels) {
      const auto named = in_ns->second.find(key + '=' + value);
      if (named == in_ns->second.end()) continue;
      for (const auto& [name, selector] : named->second) {
        if (selector.matches(c.labels)) found.emplace_back(name, selector);
      }
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<api::LabelSelectorMatcher> selectors;
  for (auto& [name, selector] : found) selectors.push_back(std::move(selector));
  if (!pod.owner_uid.empty()) {
    if (const auto in_ns = replica_sets_.find(c.ns); in_ns != replica_sets_.end()) {
      for (const auto& owner : pod.object->meta().owner_references()) {
        if (!owner.controller() || owner.kind() != "ReplicaSet") continue;
        const auto it = in_ns->second.find(owner.name());
        if (it != in_ns->second.end() && it->second.uid == owner.uid()) {
          selectors.push_back(it->second.selector);
        }
      }
    }
  }
  c.spread_group = selectors.empty() ? nullptr : classes_.group(c.ns, std::move(selectors));
  c.spread_version = version_;
  c.spread_owner = pod.owner_uid;
  return c.spread_group;
}

const std::map<std::string, Budget>* WorkloadDirectory::budgets(const std::string& ns) const {
  const auto it = budgets_.find(ns);
  return it == budgets_.end() ? nullptr : &it->second;
}

}  // namespace keelson::scheduler
