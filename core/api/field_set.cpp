#include "core/api/field_set.hpp"

namespace keelson::api {

FieldSet::FieldSet() = default;
FieldSet::FieldSet(const FieldSet&) = default;
FieldSet::FieldSet(FieldSet&&) noexcept = default;
FieldSet& FieldSet::operator=(const FieldSet&) = default;
FieldSet& FieldSet::operator=(FieldSet&&) noexcept = default;
FieldSet::~FieldSet() = default;

bool operator==(const FieldSet& a, const FieldSet& b) {
  if (a.nodes_.size() != b.nodes_.size()) return false;
  for (auto i = a.nodes_.begin(), j = b.nodes_.begin(); i != a.nodes_.end(); ++i, ++j) {
    if (i->first != j->first || i->second.member != j->second.member) return false;
    if (!(i->second.below == j->second.below)) return false;
  }
  return true;
}

bool FieldSet::has(const FieldStep& step) const {
  const auto found = nodes_.find(step);
  return found != nodes_.end() && found->second.member;
}

bool FieldSet::has(const FieldPath& path) const {
  const FieldSet* at = this;
  for (std::size_t i = 0; at && i + 1 < path.size(); ++i) at = at->below(path[i]);
  return at && !path.empty() && at->has(path.back());
}

const FieldSet* FieldSet::below(const FieldStep& step) const {
  const auto found = nodes_.find(step);
  return found == nodes_.end() || found->second.below.empty() ? nullptr : &found->second.below;
}

void FieldSet::insert(const FieldStep& step) { nodes_[step].member = true; }

FieldSet& FieldSet::under(const FieldStep& step) { return nodes_[step].below; }

void FieldSet::insert(const FieldPath& path) {
  if (path.empty()) return;
  FieldSet* at = this;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) at = &at->under(path[i]);
  at->insert(path.back());
}

FieldSet FieldSet::operator|(const FieldSet& other) const {
  FieldSet out = *this;
  for (const auto& [step, node] : other.nodes_) {
    Node& into = out.nodes_[step];
    into.member = into.member || node.member;
    if (into.below.empty()) {
      into.below = node.below;
    } else if (!node.below.empty()) {
      into.below = into.below | node.below;
    }
  }
  return out;
}

FieldSet FieldSet::operator&(const FieldSet& other) const {
  FieldSet out;
  for (const auto& [step, node] : nodes_) {
    const auto found = other.nodes_.find(step);
    if (found == other.nodes_.end()) continue;
    Node both{node.member && found->second.member, node.below & found->second.below};
    if (both.member || !both.below.empty()) out.nodes_.emplace(step, std::move(both));
  }
  return out;
}

FieldSet FieldSet::operator-(const FieldSet& other) const {
  FieldSet out;
  for (const auto& [step, node] : nodes_) {
    const auto found = other.nodes_.find(step);
    if (found == other.nodes_.end()) {
      out.nodes_.emplace(step, node);
      continue;
    }
    Node rest{node.member && !found->second.member, node.below - found->second.below};
    if (rest.member || !rest.below.empty()) out.nodes_.emplace(step, std::move(rest));
  }
  return out;
}

FieldSet FieldSet::without_trees(const FieldSet& other) const {
  FieldSet out;
  for (const auto& [step, node] : nodes_) {
    const auto found = other.nodes_.find(step);
    if (found == other.nodes_.end()) {
      out.nodes_.emplace(step, node);
      continue;
    }
    if (found->second.member) continue;
    Node rest{node.member, node.below.without_trees(found->second.below)};
    if (rest.member || !rest.below.empty()) out.nodes_.emplace(step, std::move(rest));
  }
  return out;
}

void FieldSet::each(const std::function<void(const FieldPath&)>& visit) const {
  FieldPath path;
  each(path, visit);
}

void FieldSet::each(FieldPath& at, const std::function<void(const FieldPath&)>& visit) const {
  for (const auto& [step, node] : nodes_) {
    if (!node.member) continue;
    at.push_back(step);
    visit(at);
    at.pop_back();
  }
  for (const auto& [step, node] : nodes_) {
    if (node.below.empty()) continue;
    at.push_back(step);
    node.below.each(at, visit);
    at.pop_back();
  }
}

}  // namespace keelson::api
