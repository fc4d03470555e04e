#include "tools/cli/real/milestones.hpp"

#include <algorithm>
#include <set>

#include "tools/cli/real/lives.hpp"

namespace keelson::real {

namespace {

using Verb = sim::UserAction::Verb;

struct Window {
  Duration from{}, until = Duration::max();
  Duration exposed = Duration::max();  // from then on, endpoints are the doing of a later `expose`
  // From then on, pods may come and go because of a fault. What had begun before is followed to its end.
  Duration disturbed = Duration::max();
  bool has(const When& when) const { return when && *when >= from && *when < until; }
};

// What a chapter is about: the same subject ends an earlier chapter.
std::string subject_of(const sim::TimedAction& entry) {
  if (entry.fault) return "fault";
  switch (entry.action->verb) {
    case Verb::apply: return "*";
    case Verb::cordon:
    case Verb::uncordon:
    case Verb::drain: return "node " + entry.action->name;
    default: break;
  }
  const std::string& name = entry.action->name;
  return entry.action->ns + "/" + name.substr(name.find('/') == std::string::npos ? 0 : name.find('/') + 1);
}

class Writer {
 public:
  Writer(Chapter& chapter, Window window) : chapter_(chapter), window_(window) {}

  // When the last of them got there; those that never did, or not before the window ends, do not count.
  void last(const std::string& name, const std::vector<When>& whens, bool whenever = false) {
    Duration at{};
    std::size_t count = 0;
    for (const When& when : whens) {
      if (!when || (!whenever && !window_.has(when))) continue;
      at = std::max(at, *when);
      ++count;
    }
    if (count > 0) chapter_.milestones.push_back({name, at - chapter_.at, count});
  }
  void first(const std::string& name, const std::vector<When>& whens) {
    When at;
    for (const When& when : whens) {
      if (window_.has(when) && (!at || *when < *at)) at = when;
    }
    if (at) chapter_.milestones.push_back({name, *at - chapter_.at, 1});
  }
  // What became of new pods.
  void births(const std::string& what, const std::vector<const PodLife*>& pods) {
    const auto all = [&](When PodLife::*moment) {
      std::vector<When> out;
      for (const PodLife* pod : pods) out.push_back(pod->*moment);
      return out;
    };
    std::vector<When> created;
    for (const PodLife* pod : pods) created.push_back(pod->created);
    last(what + " created", created);
    last(what + " scheduled", all(&PodLife::scheduled));
    last(what + " running", all(&PodLife::running));
    last(what + " ready", all(&PodLife::ready));
    std::vector<When> serving = all(&PodLife::serving);
    std::erase_if(serving, [this](const When& when) { return when && *when >= window_.exposed; });
    last(what + " in endpoints", serving);
  }

 private:
  Chapter& chapter_;
  const Window window_;
};

std::vector<When> moments(const std::vector<const PodLife*>& pods, When PodLife::*moment) {
  std::vector<When> out;
  for (const PodLife* pod : pods) out.push_back(pod->*moment);
  return out;
}

// Pods that a node's end (or its drain) takes away, and those that come in their place.
void replacements(Writer& write, const Lives& lives, const Window& window,
                  const std::set<std::string>& nodes) {
  std::vector<const PodLife*> lost;
  std::multiset<std::string> owners;
  for (const PodLife& pod : lives.pods) {
    if (!nodes.contains(pod.node) || pod.daemon || pod.created >= window.from) continue;
    if (!window.has(pod.marked ? pod.marked : pod.gone)) continue;
    lost.push_back(&pod);
    owners.insert(pod.owner);
  }
  std::vector<When> evicted;
  for (const PodLife* pod : lost) evicted.push_back(pod->marked ? pod->marked : pod->gone);
  write.last("pods evicted", evicted);
  std::vector<const PodLife*> fresh;
  for (const PodLife& pod : lives.pods) {
    if (!window.has(pod.created)) continue;
    const auto owner = owners.find(pod.owner);
    if (owner == owners.end()) continue;
    owners.erase(owner);  // one for each that was lost
    fresh.push_back(&pod);
  }
  write.births("replacements", fresh);
}

void of_fault(Writer& write, const Lives& lives, const Window& window) {
  std::set<std::string> nodes;
  std::vector<When> noticed, back;
  for (const auto& [name, node] : lives.nodes) {
    When lost, again;
    for (const auto& [at, ready] : node.ready) {
      if (!window.has(at)) continue;
      if (!ready && !lost) lost = at;
      if (ready && lost) again = at;
    }
    if (!lost) continue;
    nodes.insert(name);
    noticed.push_back(lost);
    back.push_back(again);
  }
  write.last("nodes not ready", noticed);
  replacements(write, lives, window, nodes);
  write.last("nodes ready again", back);
  // Containers that crashed where their nodes did not.
  std::vector<When> restarted, again;
  for (const PodLife& pod : lives.pods) {
    if (nodes.contains(pod.node)) continue;
    restarted.insert(restarted.end(), pod.restarts.begin(), pod.restarts.end());
    again.insert(again.end(), pod.ready_again.begin(), pod.ready_again.end());
  }
  write.last("containers restarted", restarted);
  write.last("pods ready again", again);
}

// New pods and old ones of one deployment (of all, if empty).
void of_workload(Writer& write, const Lives& lives, const Window& window, const std::string& owner,
                 bool rollout) {
  std::vector<const PodLife*> fresh, old;
  for (const PodLife& pod : lives.pods) {
    if (!owner.empty() && pod.owner != owner) continue;
    if (window.has(pod.created) && pod.created < window.disturbed) {
      fresh.push_back(&pod);
    } else if (pod.created < window.from && window.has(pod.marked) && *pod.marked < window.disturbed) {
      old.push_back(&pod);
    }
  }
  if (rollout) {
    const auto found = lives.deployments.find(owner);
    if (fresh.empty() || found == lives.deployments.end()) return;
    When done;
    for (const auto& [at, complete] : found->second.complete) {
      if (complete && !done && at > fresh.front()->created && window.has(at)) done = at;
    }
    std::vector<When> created;
    for (const PodLife* pod : fresh) created.push_back(pod->created);
    write.first("first new pod created", created);
    write.first("first new pod ready", moments(fresh, &PodLife::ready));
    write.first("rollout done", {done});
    return;
  }
  write.births("pods", fresh);
  write.last("pods marked", moments(old, &PodLife::marked));
  write.last("pods out of endpoints", moments(old, &PodLife::unserving));
  write.last("pods gone", moments(old, &PodLife::gone), true);
}

void of_action(Writer& write, const Lives& lives, const Window& window, const sim::UserAction& action) {
  const std::string subject = action.ns + "/" + action.name.substr(action.name.find('/') + 1);
  switch (action.verb) {
    case Verb::expose: {
      const auto found = lives.services.find(subject);
      if (found != lives.services.end()) write.first("service has endpoints", {found->second});
      break;
    }
    case Verb::set_image:
    case Verb::undo:
    case Verb::restart:
    case Verb::resume: of_workload(write, lives, window, subject, true); break;
    case Verb::drain: replacements(write, lives, window, {action.name}); break;
    case Verb::cordon:
    case Verb::uncordon:
    case Verb::pause: break;
    case Verb::apply: of_workload(write, lives, window, "", false); break;
    case Verb::run:
    case Verb::scale:
    case Verb::remove: of_workload(write, lives, window, subject, false); break;
  }
}

}  // namespace

std::string title(const sim::TimedAction& entry) {
  if (entry.action) return "keelson " + entry.action->text;
  const sim::FaultSpec& fault = *entry.fault;
  std::string text = fault.kind;
  if (!fault.process.empty()) {
    text += " " + fault.process;
  } else if (!fault.role.empty()) {
    text += " " + fault.role;
  } else if (!fault.zone.empty()) {
    text += " zone " + fault.zone;
  } else if (fault.node != "random") {
    text += " " + fault.node;
  }
  return text;
}

std::vector<Chapter> chapters(const sim::Scenario& scenario, const History& history) {
  const Lives lives(history.changes);
  std::vector<Chapter> out;
  for (std::size_t i = 0; i < history.deeds.size(); ++i) {
    const Deed& deed = history.deeds[i];
    const sim::TimedAction& entry = scenario.timeline[deed.entry];
    const std::string subject = subject_of(entry);
    Window window{.from = deed.at};
    for (std::size_t later = i + 1; later < history.deeds.size(); ++later) {
      const sim::TimedAction& next = scenario.timeline[history.deeds[later].entry];
      if (next.fault && entry.action) {
        window.disturbed = std::min(window.disturbed, history.deeds[later].at);
      }
      if (next.action && next.action->verb == Verb::expose) {
        // It makes no pods.
        if (subject_of(next) == subject) {
          window.exposed = std::min(window.exposed, history.deeds[later].at);
        }
        continue;
      }
      if (subject_of(next) != subject && !(subject == "*" && next.action)) continue;
      window.until = history.deeds[later].at;
      break;
    }
    Chapter& chapter = out.emplace_back();
    chapter.at = deed.at;
    chapter.what = title(entry);
    Writer write(chapter, window);
    if (entry.fault) {
      of_fault(write, lives, window);
    } else {
      of_action(write, lives, window, *entry.action);
    }
    std::stable_sort(chapter.milestones.begin(), chapter.milestones.end(),
                     [](const Milestone& a, const Milestone& b) { return a.after < b.after; });
  }
  return out;
}

}  // namespace keelson::real
