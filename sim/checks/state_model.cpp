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

void StateModel::index(const api::ObjectPtr& object, bool add) {
  const auto key = std::pair{object->ns(), object->name()};
  const auto put = [&](Objects& objects) {
    if (add) {
      objects[key] = object;
    } else {
      objects.erase(key);
    }
  };
  if (object->kind() == api::Kind::pods) {
    const std::string& node = object->as<api::Pod>().spec().node_name();
    if (!node.empty()) put(pods_on_[node]);
  }
  const std::string& owner = controller_uid(*object);
  if (!owner.empty()) {
    const auto it = controlled_.try_emplace(owner_key(object->kind(), owner)).first;
    put(it->second);
    if (it->second.empty()) controlled_.erase(it);
  }
}

void StateModel::apply(const store::StoreEvent& event) {
  revision_ = event.revision;
  const api::ObjectPtr& subject = event.object ? event.object : event.previous;
  const api::ObjectKey key = subject->key();
  Objects& objects = current_[static_cast<std::size_t>(key.kind)];
  if (event.previous) index(event.previous, false);
  if (event.object) {
    index(event.object, true);
    objects[{key.ns, key.name}] = event.object;
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
  const Objects& objects = current_[static_cast<std::size_t>(key.kind)];
  const auto it = objects.find({key.ns, key.name});
  return it == objects.end() ? nullptr : it->second;
}

api::ObjectPtr StateModel::get_at(const api::ObjectKey& key, api::Revision at) const {
  const auto it = versions_.find(key);
  if (it == versions_.end()) return nullptr;
  const auto& versions = it->second;
  auto after = std::upper_bound(versions.begin(), versions.end(), at,
                                [](api::Revision r, const Version& v) { return r < v.revision; });
  return after == versions.begin() ? nullptr : std::prev(after)->object;
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
