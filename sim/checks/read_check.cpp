// ST-7 and ST-8: lists are snapshots, caches are states that existed, and no reader ever goes back.
#include <map>
#include <unordered_map>

#include "core/api/selector.hpp"
#include "core/client/view.hpp"
#include "sim/checks/store_checks.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kReadInvariants[] = {
    {"ST-7", "A list is the state at its revision, and a cache the state at the revision it claims.",
     fact::calls | fact::memory},
    {"ST-8", "What a reader observes never goes back, not even across its own restart.", fact::calls},
};
enum : std::size_t { kSnapshot, kMonotone };

class ReadCheck final : public Check {
 public:
  using Check::Check;
  std::span<const InvariantInfo> invariants() const override { return kReadInvariants; }

  void on_watch_opened(uint64_t id, const api::WatchRequest& request,
                       const std::string& client) override {
    streams_.emplace(id, &seen_[{client, request.kind}]);
  }
  void on_watch_closed(uint64_t id) override { streams_.erase(id); }
  void on_watch_delivered(uint64_t id, std::span<const api::WatchEvent> events) override {
    if (events.empty() || events.back().type == api::WatchType::error) return;
    api::Revision& seen = *streams_.at(id);
    if (events.back().revision > seen) seen = events.back().revision;
  }

  void on_called(const Process& client, const api::Request& request) override {
    if (request.verb != api::Verb::list) return;
    asked_[request.request_id] = last_seen(client.name(), request.kind);
    if (asked_.size() > kAsked) asked_.erase(asked_.begin());
  }

  void on_answered(const Process& client, const api::Request& request,
                   const api::Response& response) override {
    if (request.verb != api::Verb::list || !response.ok() || !response.revision) return;
    // What was seen before it asked: an answer may be overtaken by another stream of the process.
    api::Revision last = last_seen(client.name(), request.kind);
    if (const auto it = asked_.find(request.request_id); it != asked_.end()) {
      last = it->second;
      asked_.erase(it);
    }
    check(kMonotone, response.revision >= last, [&] {
      return client.name() + " listed " + api::to_string(api::ObjectKey{request.kind, request.ns, ""}) +
             " at revision " + api::to_string(response.revision) + " after it had seen " +
             api::to_string(last);
    });
    observe(client.name(), request.kind, response.revision);
    if (request.limit == 0 && request.continue_token.empty()) snapshot(client, request, response);
  }

  void recheck() override {
    ground().each_controller_cache(
        [this](const std::string& owner, const client::Cache& cache) { compare(owner, cache); });
  }

 private:
  // Heartbeats are shown as Leases but are no part of the history.
  static bool synthetic(const api::Object& object) {
    return object.kind() == api::Kind::leases && object.ns() == "kube-node-lease";
  }

  using Key = std::pair<std::string, api::Kind>;
  api::Revision last_seen(const std::string& client, api::Kind kind) const {
    const auto it = seen_.find({client, kind});
    return it == seen_.end() ? api::Revision{} : it->second;
  }
  void observe(const std::string& client, api::Kind kind, api::Revision at) {
    api::Revision& seen = seen_[{client, kind}];
    if (at > seen) seen = at;
  }

  void snapshot(const Process& client, const api::Request& request, const api::Response& response) {
    auto labels = api::LabelSelectorMatcher::parse(request.label_selector);
    auto fields = api::FieldSelector::parse(request.kind, request.field_selector);
    if (!labels || !fields || !state().remembers(response.revision)) return;
    for (const api::ObjectPtr& object : response.items) {
      if (synthetic(*object)) continue;
      const api::ObjectPtr then = state().get_at(object->key(), response.revision);
      check(kSnapshot, then != nullptr && then->revision() == object->revision(), [&] {
        return client.name() + " got " + api::to_string(object->key()) + " of revision " +
               api::to_string(object->revision()) + " in a list at revision " +
               api::to_string(response.revision) + ", where it was " +
               (then ? "of revision " + api::to_string(then->revision()) : "not there");
      });
      const bool asked_for = (request.ns.empty() || object->ns() == request.ns) &&
                             labels->matches(object->meta().labels()) && fields->matches(*object);
      check(kSnapshot, asked_for, [&] {
        return client.name() + " got " + api::to_string(object->key()) +
               ", for which it did not ask, in a list of [" + request.label_selector + "] [" +
               request.field_selector + "] in namespace \"" + request.ns + "\"";
      });
    }
    // And nothing is missing. Narrow lists of a big kind are counted by their index.
    const std::string* node = fields->required("spec.nodeName");
    const StateModel::Objects& candidates =
        node != nullptr ? state().pods_on(*node) : state().all(request.kind);
    std::size_t expected = 0;
    for (const auto& [key, object] : candidates) {
      if (!request.ns.empty() && key.ns != request.ns) continue;
      if (object->revision() > response.revision) {
        // It has changed since; what it was then decides.
        const api::ObjectPtr then = state().get_at(object->key(), response.revision);
        if (!then || !labels->matches(then->meta().labels()) || !fields->matches(*then)) continue;
        ++expected;
        continue;
      }
      expected += labels->matches(object->meta().labels()) && fields->matches(*object);
    }
    check(kSnapshot, response.items.size() >= expected, [&] {
      return client.name() + " got " + std::to_string(response.items.size()) + " objects in a list at " +
             "revision " + api::to_string(response.revision) + ", where at least " +
             std::to_string(expected) + " matched";
    });
  }

  void compare(const std::string& owner, const client::Cache& cache) {
    for (int k = 0; k < api::kind_count; ++k) {
      const auto kind = static_cast<api::Kind>(k);
      const api::Revision at = cache.revision(kind);
      if (!at || !state().remembers(at) || kind == api::Kind::leases) continue;  // see synthetic()
      const auto cached = cache.list(kind);
      std::size_t expected = 0;
      for (const auto& [key, object] : state().all(kind)) {
        expected += object->revision() <= at || state().get_at(object->key(), at) != nullptr;
      }
      std::size_t gone_since = 0;
      for (const api::ObjectPtr& object : cached) {
        const api::ObjectPtr then = state().get_at(object->key(), at);
        gone_since += state().get(object->key()) == nullptr;
        check(kSnapshot, then != nullptr && then->revision() == object->revision(), [&] {
          return "the cache of " + owner + " claims revision " + api::to_string(at) + " but has " +
                 api::to_string(object->key()) + " of revision " + api::to_string(object->revision()) +
                 ", which was " +
                 (then ? "of revision " + api::to_string(then->revision()) : "not there") + " then";
        });
      }
      check(kSnapshot, cached.size() == expected + gone_since, [&] {
        return "the cache of " + owner + " claims revision " + api::to_string(at) + " with " +
               std::to_string(cached.size()) + " objects of a kind that had " +
               std::to_string(expected + gone_since);
      });
    }
  }

  // Lists that are under way; one that was not answered after so many others never will be.
  static constexpr std::size_t kAsked = 10'000;
  std::map<uint64_t, api::Revision> asked_;  // by the call's number: what its caller had seen
  std::map<Key, api::Revision> seen_;
  std::unordered_map<uint64_t, api::Revision*> streams_;  // into seen_, whose nodes stay
};

}  // namespace

std::unique_ptr<Check> make_read_check(const CheckContext& context) {
  return std::make_unique<ReadCheck>(context);
}

}  // namespace keelson::sim
