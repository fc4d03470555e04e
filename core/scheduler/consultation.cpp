#include "core/scheduler/consultation.hpp"

#include <algorithm>
#include <utility>

namespace keelson::scheduler {
namespace {

// Extenders are asked about this many preemptions, the best first, in one attempt.
constexpr int kPreemptionsAsked = 10;

}  // namespace

void Consultation::schedule(QueuedPod& pod) {
  if (asking_) {
    waiting_.push_back(pod.info->uid());
    return;
  }
  asking_ = Asking{};  // not emplace(): clang 14 sees no default constructor through the optional
  asking_->uid = pod.info->uid();
  consult(pod, machine_.decide(pod, nullptr));
}

// Asks what is still to be asked about the decision; else it is acted on.
void Consultation::consult(QueuedPod& pod, const Decision& decision) {
  const auto& message = pod.info->pod();
  const bool placed = decision.kind == Decision::Kind::node;
  if (placed && extenders_.concern(message) && !asking_->advice.any_accepted()) {
    return ask_about_nodes(pod);
  }
  const bool preempts = decision.kind == Decision::Kind::preempt;
  if (preempts && extenders_.concern_preemption(message)) {
    const auto consent = asking_->consents.find(cache_.snapshot().name(decision.node));
    if (consent == asking_->consents.end()) {
      if (++asking_->preemptions <= kPreemptionsAsked) return ask_about_preemption(pod, decision);
      queue_.retry(pod, loop_.now());
    } else if (auto agreed = with_victims(decision, consent->second)) {
      machine_.act(pod, *agreed);
    } else {
      queue_.retry(pod, loop_.now());  // one of them has left by now
    }
  } else if (decision.advice_outdated) {
    queue_.retry(pod, loop_.now());
  } else {
    machine_.act(pod, decision);
  }
  asking_.reset();
}

// About the nodes that the decision has found feasible. Where all are refused and the search had
// stopped early, the next decision finds others.
void Consultation::ask_about_nodes(const QueuedPod& pod) {
  std::vector<api::ObjectPtr> nodes;
  for (const NodeIndex node : machine_.feasible(pod)) {
    nodes.push_back(cache_.snapshot().object(node));
  }
  extenders_.ask(pod.info->object, std::move(nodes),
                 [this](Result<Advice> answer) { on_answer(answer); });
}

// About one node and its victims; if that is refused, the next decision proposes another.
void Consultation::ask_about_preemption(const QueuedPod& pod, const Decision& decision) {
  const NameId node = cache_.snapshot().name(decision.node);
  extender::Victims victims;
  victims.violations = decision.violations;
  for (const PodInfoPtr& victim : decision.victims) victims.pods.push_back(victim->object);
  extenders_.ask_preemption(
      pod.info->object, cache_.words().text(node), std::move(victims),
      [this, node](Result<std::vector<std::string>> answer) {
        if (!answer) return on_answer(answer.error());
        Advice advice;
        if (answer->empty()) {
          advice.nodes[node] = {
              .why = "node(s) were refused to preemption by an extender", .unresolvable = true};
        } else {
          asking_->consents[node] = std::move(*answer);
        }
        on_answer(std::move(advice));
      });
}

// The decision with these pods of its node as victims; nullopt: not all of them are there.
std::optional<Decision> Consultation::with_victims(const Decision& decision,
                                                   const std::vector<std::string>& uids) const {
  Decision agreed = decision;
  agreed.victims.clear();
  for (const PodInfoPtr& pod : cache_.snapshot().pods(decision.node)) {
    if (std::find(uids.begin(), uids.end(), pod->uid()) != uids.end()) {
      agreed.victims.push_back(pod);
    }
  }
  return agreed.victims.size() == uids.size() ? std::optional(std::move(agreed)) : std::nullopt;
}

void Consultation::on_answer(const Result<Advice>& answer) {
  QueuedPod* pod = queue_.find(asking_->uid);
  const bool wanted = pod != nullptr && pod->state == QueueState::in_flight &&
                      !cache_.knows(asking_->uid);
  if (!wanted || !machine_.may_decide()) {
    if (wanted) queue_.retry(*pod, loop_.now());
    asking_.reset();
  } else if (!answer) {
    asking_.reset();
    machine_.failed(*pod, answer.error().message);
  } else {
    for (const auto& [node, opinion] : answer->nodes) asking_->advice.nodes[node] = opinion;
    consult(*pod, machine_.decide(*pod, &asking_->advice));
  }
  next();
  machine_.go_on();
}

void Consultation::next() {
  while (!asking_ && !waiting_.empty()) {
    auto best = waiting_.end();
    for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
      const QueuedPod* pod = queue_.find(*it);
      if (pod == nullptr || pod->state != QueueState::in_flight) continue;
      if (best == waiting_.end() || sorter_.less(*pod, *queue_.find(*best))) best = it;
    }
    if (best == waiting_.end()) return waiting_.clear();
    const std::string uid = *best;
    waiting_.erase(best);
    QueuedPod& pod = *queue_.find(uid);
    if (cache_.knows(uid)) {  // bound by somebody else meanwhile
      queue_.remove(uid);
    } else if (machine_.may_decide()) {
      schedule(pod);
    } else {
      queue_.retry(pod, loop_.now());
    }
  }
}

}  // namespace keelson::scheduler
