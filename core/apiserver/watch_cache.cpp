#include "core/apiserver/watch_cache.hpp"

#include <algorithm>

namespace keelson::apiserver {

namespace {

const std::string& node_of(const ObjectPtr& pod) {
  static const std::string none;
  return pod ? pod->as<api::Pod>().spec().node_name() : none;
}

Change change_of(const store::StoreEvent& event) {
  return {event.revision, event.previous,
          event.op == store::Write::Op::put ? event.object : nullptr};
}

}  // namespace

ObjectPtr WatchCache::find(Kind kind, std::string_view ns, std::string_view name) const {
  return kinds_[index(kind)].objects.get({ns, name});
}

std::span<const PodOnNode> WatchCache::pods_on(const std::string& node) const {
  const auto found = by_node_.find(node);
  if (found == by_node_.end()) return {};
  return found->second;
}

std::size_t WatchCache::first_after(Kind kind, Revision after) const {
  const auto& changes = history(kind);
  const auto first =
      std::upper_bound(changes.begin(), changes.end(), after,
                       [](Revision r, const Change& change) { return r < change.revision; });
  return static_cast<std::size_t>(first - changes.begin());
}

ObjectMap WatchCache::state_before(Kind kind, Revision at) const {
  KEELSON_ASSERT(at >= floor_);
  ObjectMap state;
  const auto& changes = history(kind);
  // The oldest change after `at` wins: it holds the state from which the later ones started.
  for (std::size_t i = first_after(kind, at); i < changes.size(); ++i) {
    const Object& subject = changes[i].subject();
    state.try_emplace(Name{subject.ns(), subject.name()}, changes[i].before);
  }
  return state;
}

void WatchCache::clear() {
  for (PerKind& kind : kinds_) {
    kind.objects.clear();
    kind.history.clear();
  }
  by_node_.clear();
  revision_ = floor_ = {};
}

void WatchCache::load(const ObjectPtr& object) {
  kinds_[index(object->kind())].objects.set(object);
  if (object->kind() == Kind::pods) index_pod(nullptr, object);
}

void WatchCache::loaded(Revision revision, Revision floor) {
  revision_ = revision;
  floor_ = loaded_at_ = floor;
}

const Change& WatchCache::apply(const store::StoreEvent& event) {
  KEELSON_ASSERT(event.revision > revision_);
  Change change = change_of(event);
  const Kind kind = change.subject().kind();
  PerKind& of_kind = kinds_[index(kind)];
  if (change.after) {
    of_kind.objects.set(change.after);
  } else {
    of_kind.objects.erase(api::name_of(*change.before));
  }
  if (kind == Kind::pods) index_pod(change.before, change.after);
  revision_ = event.revision;
  return of_kind.history.emplace_back(std::move(change));
}

void WatchCache::prepend(std::span<const store::StoreEvent> events, Revision floor) {
  for (std::size_t i = events.size(); i-- > 0;) {
    if (events[i].revision > floor_) continue;
    Change change = change_of(events[i]);
    std::deque<Change>& history = kinds_[index(change.subject().kind())].history;
    // Kinds are loaded one after the other, and the floor is that of the last one: what happened to
    // an earlier one meanwhile is here already.
    if (!history.empty() && history.front().revision <= change.revision) continue;
    history.push_front(std::move(change));
  }
  floor_ = std::min(floor_, floor);
}

void WatchCache::trim(Revision up_to) {
  if (up_to <= floor_) return;
  for (PerKind& kind : kinds_) {
    while (!kind.history.empty() && kind.history.front().revision <= up_to) {
      kind.history.pop_front();
    }
  }
  floor_ = up_to;
}

void WatchCache::index_pod(const ObjectPtr& before, const ObjectPtr& after) {
  const std::string& from = node_of(before);
  const std::string& to = node_of(after);
  const auto at = [](std::vector<PodOnNode>& pods, const Object& pod) {
    return std::lower_bound(
        pods.begin(), pods.end(), api::name_of(pod),
        [](const PodOnNode& entry, const NameRef& name) { return api::name_of(*entry.pod) < name; });
  };
  if (!from.empty() && from != to) {
    const auto node = by_node_.find(from);
    if (node != by_node_.end()) {
      const auto entry = at(node->second, *before);
      if (entry != node->second.end() && api::name_of(*entry->pod) == api::name_of(*before)) {
        node->second.erase(entry);
      }
      if (node->second.empty()) by_node_.erase(node);
    }
  }
  if (to.empty()) return;
  std::vector<PodOnNode>& pods = by_node_[to];
  const auto entry = at(pods, *after);
  if (entry == pods.end() || api::name_of(*entry->pod) != api::name_of(*after)) {
    pods.insert(entry, {after, claims_of(after->as<api::Pod>())});
    return;
  }
  // What a bound pod asks for is immutable, so it is not summed up again for each status update.
  if (entry->pod->uid() != after->uid()) entry->claims = claims_of(after->as<api::Pod>());
  entry->pod = after;
}

}  // namespace keelson::apiserver
