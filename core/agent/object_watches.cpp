#include "core/agent/object_watches.hpp"

namespace keelson::agent {

namespace {

bool immutable(const api::Object& object) {
  return object.kind() == api::Kind::secrets ? object.as<api::Secret>().immutable()
                                             : object.as<api::ConfigMap>().immutable();
}

}  // namespace

void ObjectWatches::want(const std::string& uid, const std::set<Key>& keys) {
  std::set<Key>& before = wanted_[uid];
  for (const Key& key : before) {
    if (keys.contains(key)) continue;
    const auto at = entries_.find(key);
    at->second.users.erase(uid);
    if (at->second.users.empty()) entries_.erase(at);
  }
  before = keys;
  for (const Key& key : keys) {
    Entry& entry = entries_[key];
    if (entry.users.empty()) begin(key, entry);
    entry.users.insert(uid);
  }
  if (keys.empty()) wanted_.erase(uid);
}

void ObjectWatches::begin(const Key& key, Entry& entry) {
  entry.informer = std::make_unique<client::Informer>(
      context_.loop, context_.api, context_.rng.fork("object-watch").fork(++begun_),
      client::InformerOptions{.kind = key.kind,
                              .ns = key.ns,
                              .field_selector = "metadata.name=" + key.name,
                              .user = context_.options.user,
                              .actor = context_.options.actor});
  entry.informer->on_change([this, key](const auto&, const auto&) { changed(key); });
  // The first list may be empty, and that is news too.
  entry.informer->on_progress([this, key, told = false]() mutable {
    if (!std::exchange(told, true)) changed(key);
  });
  entry.informer->start();
}

// From inside the informer, which must not be destroyed meanwhile: users hear of it a turn later.
void ObjectWatches::changed(const Key& key) {
  if (!pending_.insert(key).second) return;
  context_.loop.post(lifetime_.guard([this, key] {
    pending_.erase(key);
    const auto at = entries_.find(key);
    if (at == entries_.end()) return;
    Entry& entry = at->second;
    if (entry.informer) {
      const api::ObjectPtr object = entry.informer->get(key.ns, key.name);
      if (object && immutable(*object)) {
        entry.settled = object;
        entry.informer.reset();
      }
    }
    const std::set<std::string> users = entry.users;
    for (const std::string& uid : users) on_change_(uid);
  }));
}

std::optional<api::ObjectPtr> ObjectWatches::find(const Key& key) const {
  const auto at = entries_.find(key);
  if (at == entries_.end()) return std::nullopt;
  const Entry& entry = at->second;
  if (entry.settled) return entry.settled;
  if (!entry.informer || !entry.informer->synced()) return std::nullopt;
  return entry.informer->get(key.ns, key.name);
}

}  // namespace keelson::agent
