#include "core/scheduler/plugins/added_affinity.hpp"

#include <algorithm>
#include <charconv>

namespace keelson::scheduler {
namespace {

std::optional<int64_t> number(const std::string& text) {
  int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

// `value` null: the node has no such label.
bool holds(const api::NodeSelectorRequirement& r, const std::string* value) {
  const std::string& op = r.operator_();
  const bool listed = value != nullptr && std::count(r.values().begin(), r.values().end(), *value);
  if (op == "In") return listed;
  if (op == "NotIn") return !listed;
  if (op == "Exists") return value != nullptr;
  if (op == "DoesNotExist") return value == nullptr;
  if ((op != "Gt" && op != "Lt") || value == nullptr || r.values_size() != 1) return false;
  const auto left = number(*value), right = number(r.values(0));
  if (!left || !right) return false;
  return op == "Gt" ? *left > *right : *left < *right;
}

bool holds(const api::NodeSelectorTerm& term, const api::ObjectMeta& node) {
  // A term that asks for nothing matches nothing.
  if (term.match_expressions().empty() && term.match_fields().empty()) return false;
  for (const auto& r : term.match_expressions()) {
    const auto it = node.labels().find(r.key());
    if (!holds(r, it == node.labels().end() ? nullptr : &it->second)) return false;
  }
  for (const auto& r : term.match_fields()) {
    if (r.key() != "metadata.name" || !holds(r, &node.name())) return false;
  }
  return true;
}

}  // namespace

const AddedAffinity::Judged& AddedAffinity::verdict(const Snapshot& snapshot,
                                                    NodeIndex node) const {
  if (judged_.size() < snapshot.slots()) judged_.resize(snapshot.slots());
  Judged& judged = judged_[node];
  const api::ObjectPtr& object = snapshot.object(node);
  if (judged.node == object && object) return judged;
  judged = {object, false, 0};
  if (!object) return judged;
  const auto& terms =
      affinity_->required_during_scheduling_ignored_during_execution().node_selector_terms();
  judged.matches = std::any_of(terms.begin(), terms.end(),
                               [&](const auto& term) { return holds(term, object->meta()); });
  for (const auto& one : affinity_->preferred_during_scheduling_ignored_during_execution()) {
    if (holds(one.preference(), object->meta())) judged.score += one.weight();
  }
  return judged;
}

}  // namespace keelson::scheduler
