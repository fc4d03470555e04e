// For pure tests of controllers: a cache that is filled by hand, a view of it, and ways to read
// plans.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/controllers/controller.hpp"
#include "tests/support/builders.hpp"

namespace keelson::test {

class World {
 public:
  // Stores the object at a new revision, unless it brings one, and returns it as stored.
  api::ObjectPtr put(const api::ObjectPtr& object) {
    api::ObjectPtr stored = object->revision() ? object : object->at({1, ++revision_});
    const api::ObjectKey key = stored->key();
    cache_.apply(cache_.get(key.kind, key.ns, key.name), stored);
    cache_.advance(key.kind, stored->revision());
    return stored;
  }
  void erase(const api::ObjectPtr& object) { cache_.apply(object, nullptr); }

  client::View view() const { return client::View(cache_, now, {wall.unix_ns}); }
  controllers::Plan reconcile(controllers::Controller& controller,
                              const api::ObjectPtr& object) const {
    const client::View view = this->view();
    return controller.reconcile(view, object->key());
  }
  // The keys that a change leads to, as text.
  std::set<std::string> keys(const controllers::Controller& controller,
                             const api::ObjectPtr& before, const api::ObjectPtr& after) const {
    std::set<std::string> found;
    controller.keys_for(view(), before, after,
                        [&](const api::ObjectKey& key) { found.insert(to_string(key)); });
    return found;
  }
  void pass(Duration d) {
    now += d;
    wall.unix_ns += d.count();
  }

  Instant now{Duration{1'000'000'000'000}};
  WallTime wall{1'790'000'000'000'000'000};

 private:
  client::Cache cache_;
  uint64_t revision_ = 100;
};

// "create pods", "update/status replicasets web-1", "delete pods a".
inline std::string describe(const api::Request& request) {
  std::string text(api::to_string(request.verb));
  if (request.subresource != api::Subresource::none) {
    text += '/' + std::string(api::to_string(request.subresource));
  }
  text += ' ' + api::info(request.kind).plural;
  if (!request.name.empty()) text += ' ' + request.name;
  return text;
}
inline std::vector<std::string> describe(const controllers::Plan& plan) {
  std::vector<std::string> all;
  for (const auto& write : plan.writes) all.push_back(describe(write.request));
  return all;
}
template <class M>
const M& body(const controllers::PlannedWrite& write) {
  return static_cast<const M&>(*write.request.body);
}
// The first write that starts with this text.
inline const controllers::PlannedWrite* find_write(const controllers::Plan& plan,
                                                   const std::string& start) {
  for (const auto& write : plan.writes) {
    if (describe(write.request).starts_with(start)) return &write;
  }
  return nullptr;
}

}  // namespace keelson::test
