#include "sim/checks/check.hpp"

#include "core/api/kinds.hpp"

namespace keelson::sim {

void Check::violated(std::size_t index, std::string what, const store::StoreEvent* decision) {
  if (context_.beginning || lacks(index) != 0) return;
  Violation violation;
  violation.invariant = invariants()[index].id;
  violation.at = context_.now;
  violation.revision = decision != nullptr ? decision->revision : context_.state.revision();
  violation.what = std::move(what);
  if (decision != nullptr) violation.decision = describe(*decision);
  context_.report(std::move(violation));
}

std::string describe(const store::StoreEvent& event) {
  const api::ObjectPtr& subject = event.object ? event.object : event.previous;
  const store::Provenance* by = event.provenance.get();
  std::string text = by == nullptr || by->actor.empty() ? "somebody" : by->actor;
  if (by != nullptr && !by->fence.role.empty()) {
    text += " as " + by->fence.role + " (token " + std::to_string(by->fence.token) + ")";
  }
  text += event.op == store::Write::Op::remove ? " removed " : " wrote ";
  text += api::to_string(subject->key()) + " at revision " + api::to_string(event.revision);
  if (by == nullptr || by->basis == nullptr) return text;
  text += " knowing";
  bool any = false;
  for (const api::KindInfo& kind : api::all_kinds()) {
    const api::Revision seen = by->basis->of(kind.kind);
    if (!seen) continue;
    any = true;
    text += ' ' + kind.plural + '@' + api::to_string(seen);
  }
  return any ? text : text + " nothing";
}

bool written_by(const store::StoreEvent& event, std::string_view controller) {
  if (event.provenance == nullptr) return false;
  const std::string_view actor = event.provenance->actor;
  return actor.starts_with("controller-manager-") && actor.ends_with(controller) &&
         actor.size() > controller.size() && actor[actor.size() - controller.size() - 1] == '/';
}

}  // namespace keelson::sim
