#include "sim/checks/state_model.hpp"

#include <algorithm>

namespace keelson::sim {

namespace {
const std::string kEmpty;
std::string owner_key(api::Kind kind, const std::string& uid) {
  return static_cast<char>('A' + static_cast<int>(kind)) + uid;
}
}  // namespace

const std::string& controller_uid(const api::Object& object) {
  for (const auto& owner : object.meta().owner_references()) {
    if (owner.controller()) return owner.uid();
  }
  return kEmpty;
}

bool active(const api::Pod& pod) {
  return pod.status().phase() != "Succeeded" && pod.status().phase() != "Failed" &&
         !pod.metadata().has_deletion_timestamp();
}

bool ready(const api::Pod& pod) {
  for (const auto& condition : pod.status().conditions()) {
    if (condition.type() == "Ready") return condition.status() == "True";
  }
  return false;
}

namespace {

const std::string& node_of(const api::ObjectPtr& object) {
  if (!object || object->kind() != api::Kind::pods) return kEmpty;
  return object->as<api::Pod>().spec().node_name();
}
const std::string& owner_of(const api::ObjectPtr& object) {
  return object ? controller_uid(*object) : kEmpty;
}

template <class Groups>
void leave(Groups& groups, const std::string& group, const api::Object& object) {
  const auto it = groups.find(group);
  if (it == groups.end()) return;
  it->second.erase(api::name_of(object));
  if (it->second.empty()) groups.erase(it);
}

}  // namespace

void StateModel::index(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  const std::string &from = node_of(before), &to = node_of(after);
  if (!from.empty() && from != to) leave(pods_on_, from, *before);
  if (!to.empty()) pods_on_[to].set(after);
  const std::string &lost = owner_of(before), &found = owner_of(after);
  if (!lost.empty() && lost != found) leave(controlled_, owner_key(before->kind(), lost), *before);
  if (!found.empty()) controlled_[owner_key(after->kind(), found)].set(after);
}

void StateModel::apply(const store::StoreEvent& event) {
  revision_ = event.revision;
  const api::ObjectPtr& subject = event.object ? event.object : event.previous;
  const api::ObjectKey key = subject->key();
  Objects& objects = current_[static_cast<std::size_t>(key.kind)];
  index(event.previous, event.object);
  if (event.object) {
    objects.set(event.object);
  } else {
    objects.erase({key.ns, key.name});
  }
  Versions::value_type& entry = *versions_.try_emplace(key).first;
  entry.second.push_back({event.revision, event.object});
  trail_.emplace_back(event.revision.value, &entry);
  while (!trail_.empty() && trail_.front().first + keep_ < event.revision.value) {
    Versions::value_type& old = *trail_.front().second;
    const uint64_t mark = trail_.front().first;
    trail_.pop_front();
    auto& versions = old.second;
    // Keep the newest version at or before the horizon: it is the state there.
    std::size_t drop = 0;
    while (drop + 1 < versions.size() &&
           versions[drop + 1].revision.value + keep_ <= event.revision.value) {
      ++drop;
    }
    versions.erase(versions.begin(), versions.begin() + static_cast<std::ptrdiff_t>(drop));
    // The last mark of a key is that of its newest version.
    if (versions.size() == 1 && versions[0].object == nullptr &&
        versions[0].revision.value == mark) {
      versions_.erase(versions_.find(old.first));
    }
  }
}

api::ObjectPtr StateModel::get(const api::ObjectKey& key) const {
  return current_[static_cast<std::size_t>(key.kind)].get({key.ns, key.name});
}

api::ObjectPtr StateModel::get_at(const api::ObjectKey& key, api::Revision at) const {
  const auto it = versions_.find(key);
  if (it == versions_.end()) return nullptr;
  const auto& versions = it->second;
  auto after = std::upper_bound(versions.begin(), versions.end(), at,
                                [](api::Revision r, const Version& v) { return r < v.revision; });
  return after == versions.begin() ? nullptr : std::prev(after)->object;
}

bool StateModel::changed_at(const api::ObjectKey& key, api::Revision at) const {
  const auto it = versions_.find(key);
  return it != versions_.end() && std::any_of(it->second.begin(), it->second.end(),
                                              [&](const Version& v) { return v.revision == at; });
}

const StateModel::Objects& StateModel::pods_on(const std::string& node) const {
  const auto it = pods_on_.find(node);
  return it == pods_on_.end() ? none_ : it->second;
}

const StateModel::Objects& StateModel::controlled_by(api::Kind kind,
                                                     const std::string& owner_uid) const {
  const auto it = controlled_.find(owner_key(kind, owner_uid));
  return it == controlled_.end() ? none_ : it->second;
}

}  // namespace keelson::sim
