#include "core/scheduler/cache/node_match.hpp"

#include <algorithm>
#include <charconv>

namespace keelson::scheduler {

bool matches(const NodeRequirement& r, const Snapshot& snapshot, NodeIndex node) {
  using Op = NodeRequirement::Op;
  const NameId value = r.on_name ? snapshot.name(node) : snapshot.label_column(r.key)[node];
  const auto listed = [&] { return std::binary_search(r.values.begin(), r.values.end(), value); };
  switch (r.op) {
    case Op::in: return value != 0 && listed();
    case Op::not_in: return value == 0 || !listed();
    case Op::exists: return value != 0;
    case Op::not_exists: return value == 0;
    case Op::greater:
    case Op::less: {
      if (value == 0) return false;
      const std::string& text = snapshot.words().text(value);
      int64_t number = 0;
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
      if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return false;
      return r.op == Op::greater ? number > r.number : number < r.number;
    }
    case Op::never: return false;
  }
  return false;
}

bool matches(const NodeTerm& term, const Snapshot& snapshot, NodeIndex node) {
  return std::all_of(term.requirements.begin(), term.requirements.end(),
                     [&](const NodeRequirement& r) { return matches(r, snapshot, node); });
}

bool matches_node_affinity(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) {
  for (const auto& [key, value] : pod.node_selector) {
    if (snapshot.label_column(key)[node] != value) return false;
  }
  if (!pod.has_required_terms) return true;
  return std::any_of(pod.required_terms.begin(), pod.required_terms.end(),
                     [&](const NodeTerm& term) { return matches(term, snapshot, node); });
}

}  // namespace keelson::scheduler
