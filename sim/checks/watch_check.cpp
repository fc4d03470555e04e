// ST-5, ST-6 and ST-9: what reaches a watching client is exactly the history, projected on what it
// asked for. The events that open streams must get are queued as they are committed; each delivery
// takes the next.
#include <algorithm>
#include <deque>
#include <memory>
#include <unordered_map>

#include "core/api/selector.hpp"
#include "sim/checks/node_truth.hpp"
#include "sim/checks/store_checks.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kWatchInvariants[] = {
    {"ST-5", "A watch delivers every matching event once, in order, with its revision.", fact::calls},
    {"ST-6", "A bookmark comes after all events up to its revision.", fact::calls},
    {"ST-9", "After 410 Gone a client lists again before it watches on.", fact::calls},
};
enum : std::size_t { kProjection, kBookmark, kGone };

// What a watch asks for. Streams of equal requests share one: the events due are kept once.
struct Scope {
  std::string text;  // of the request, for messages and for ST-9
  api::Kind kind{};
  std::string ns;
  api::LabelSelectorMatcher labels;
  api::FieldSelector fields;
  struct Due {
    api::Revision revision;
    api::WatchType type;
    Instant since;
  };
  std::deque<Due> due;   // since the oldest event that some stream has still to get
  uint64_t dropped = 0;  // how many were due before those
  std::size_t trim_at = 16;
  std::vector<struct Stream*> streams;
  std::vector<Scope*>* indexed_in = nullptr;
};

struct Stream {
  std::string client;
  Scope* scope = nullptr;
  bool verified = true;  // false until the initial objects of a watch without a revision are over
  Instant opened{};
  uint64_t next = 0;     // number of the next event due, counted from the scope's first

  bool up_to_date() const { return next == scope->dropped + scope->due.size(); }
  const Scope::Due& front() const { return scope->due[next - scope->dropped]; }
};

class WatchCheck final : public Check {
 public:
  using Check::Check;
  std::span<const InvariantInfo> invariants() const override { return kWatchInvariants; }

  void on_watch_opened(uint64_t id, const api::WatchRequest& request,
                       const std::string& client) override {
    Stream& stream = streams_[id];
    stream.client = client;
    stream.opened = context().now;
    stream.scope = &scope_of(request);
    Scope& scope = *stream.scope;
    scope.streams.push_back(&stream);
    const auto gone = gone_.find(client + "|" + scope.text);
    if (gone != gone_.end()) {
      check(kGone, gone->second, [&] {
        return client + " watches " + scope.text + " on after 410 Gone without a new list";
      });
      gone_.erase(gone);
    }
    stream.next = scope.dropped + scope.due.size();
    if (!request.after || !*request.after) {
      stream.verified = false;
      return;
    }
    stream.verified = remember_since(scope, *request.after);
    while (stream.next > scope.dropped &&
           scope.due[stream.next - 1 - scope.dropped].revision > *request.after) {
      --stream.next;
    }
  }

  void on_commit(const store::StoreEvent& event) override {
    const api::Object& object = event.object ? *event.object : *event.previous;
    auto& log = log_[static_cast<std::size_t>(object.kind())];
    log.push_back(event);
    if (log.size() > kLog) log.pop_front();
    const Index& index = index_[static_cast<std::size_t>(object.kind())];
    for (Scope* scope : index.all) offer(*scope, event);
    offer_to(index.by_name, object.name(), event);
    if (object.kind() != api::Kind::pods) return;
    const std::string& node = object.as<api::Pod>().spec().node_name();
    offer_to(index.by_node, node, event);
    if (event.previous && event.object) {
      const std::string& before = event.previous->as<api::Pod>().spec().node_name();
      if (before != node) offer_to(index.by_node, before, event);
    }
  }

  void on_watch_delivered(uint64_t id, std::span<const api::WatchEvent> events) override {
    Stream& stream = streams_.at(id);
    for (const api::WatchEvent& event : events) deliver(stream, event);
  }

  void on_answered(const Process& client, const api::Request& request,
                   const api::Response& response) override {
    if (request.verb != api::Verb::list || !response.ok()) return;
    const auto gone = gone_.find(
        client.name() + "|" +
        text_of(request.kind, request.ns, request.label_selector, request.field_selector));
    if (gone != gone_.end()) gone->second = true;
  }

  // A stream that delivers nothing breaks no order; but when all is well, what is due arrives.
  void pending(std::vector<Pending>& out) override {
    std::map<uint64_t, const Stream*> late;  // in a fixed order
    for (const auto& [id, stream] : streams_) {
      if (stream.verified && stream.up_to_date()) continue;
      // One that cannot be compared yet will be from its first bookmark on.
      const Instant since =
          stream.verified ? std::max(stream.front().since, stream.opened) : stream.opened;
      if (context().now - since > (stream.verified ? kOverdue : kBookmarks)) late.emplace(id, &stream);
    }
    for (const auto& [id, stream] : late) {
      constexpr std::string_view kAgent = "agent/";
      if (stream->client.starts_with(kAgent) &&
          ground().truth_of(stream->client.substr(kAgent.size())) != NodeTruth::healthy) {
        continue;
      }
      evaluated(kProjection);
      out.push_back({"ST-5", stream->client + " watching " + stream->scope->text,
                     stream->verified ? "has not got the event of revision " +
                                            api::to_string(stream->front().revision)
                                      : std::string("has never got a bookmark")});
    }
  }

  void on_process_killed(const std::string& process) override {
    std::erase_if(gone_, [&](const auto& g) { return g.first.starts_with(process + "|"); });
  }

  void on_watch_closed(uint64_t id) override {
    const auto it = streams_.find(id);
    if (it == streams_.end()) return;
    Scope& scope = *it->second.scope;
    std::erase(scope.streams, &it->second);
    streams_.erase(it);
    if (!scope.streams.empty()) return;
    std::erase(*scope.indexed_in, &scope);
    scopes_.erase(std::string(scope.text));
  }

 private:
  using Buckets = std::unordered_map<std::string, std::vector<Scope*>>;
  // Each scope stands in one place, so that an event of a pod does not meet every agent's watch.
  struct Index {
    Buckets by_node, by_name;
    std::vector<Scope*> all;
  };

  static std::string text_of(api::Kind kind, const std::string& ns, const std::string& labels,
                             const std::string& fields) {
    return api::to_string(api::ObjectKey{kind, ns, ""}) + " [" + labels + "] [" + fields + "]";
  }

  Scope& scope_of(const api::WatchRequest& request) {
    const std::string text =
        text_of(request.kind, request.ns, request.label_selector, request.field_selector);
    std::unique_ptr<Scope>& scope = scopes_[text];
    if (scope) return *scope;
    scope = std::make_unique<Scope>();
    scope->text = text;
    scope->kind = request.kind;
    scope->ns = request.ns;
    // A selector that does not parse is refused by the server: nothing is due then.
    if (auto parsed = api::LabelSelectorMatcher::parse(request.label_selector)) {
      scope->labels = *parsed;
    }
    if (auto parsed = api::FieldSelector::parse(request.kind, request.field_selector)) {
      scope->fields = *parsed;
    }
    Index& index = index_[static_cast<std::size_t>(request.kind)];
    const std::string* node = scope->fields.required("spec.nodeName");
    const std::string* name = scope->fields.required("metadata.name");
    scope->indexed_in = node   ? &index.by_node[*node]
                        : name ? &index.by_name[*name]
                               : &index.all;
    scope->indexed_in->push_back(scope.get());
    return *scope;
  }

  // Makes sure that what was due after `after` is known. False: it reaches further back than what is
  // remembered here; then the server must say 410, or deliver from further back than can be checked.
  bool remember_since(Scope& scope, api::Revision after) {
    const auto& log = log_[static_cast<std::size_t>(scope.kind)];
    const api::Revision known = scope.due.empty() ? api::Revision{UINT64_MAX, UINT64_MAX}
                                                  : scope.due.front().revision;
    for (auto it = log.rbegin(); it != log.rend() && it->revision > after; ++it) {
      if (it->revision >= known) continue;
      const auto type = projected(scope, *it);
      if (!type) continue;
      scope.due.push_front({it->revision, *type, context().now});
      // Numbers of streams stand: what comes before the first event gets the number before its.
      if (scope.dropped > 0) {
        --scope.dropped;
      } else {
        for (Stream* stream : scope.streams) ++stream->next;
      }
    }
    return log.size() < kLog || log.front().revision <= after;
  }

  static bool matches(const Scope& scope, const api::ObjectPtr& object) {
    return object != nullptr && (scope.ns.empty() || object->ns() == scope.ns) &&
           scope.labels.matches(object->meta().labels()) && scope.fields.matches(*object);
  }

  // What the event looks like to somebody who sees only matching objects.
  static std::optional<api::WatchType> projected(const Scope& scope,
                                                 const store::StoreEvent& event) {
    const bool was = matches(scope, event.previous), is = matches(scope, event.object);
    if (is) return was ? api::WatchType::modified : api::WatchType::added;
    if (was) return api::WatchType::removed;
    return std::nullopt;
  }

  void offer(Scope& scope, const store::StoreEvent& event) {
    const auto type = projected(scope, event);
    if (!type) return;
    scope.due.push_back({event.revision, *type, context().now});
    if (scope.due.size() < scope.trim_at) return;
    uint64_t oldest = scope.dropped + scope.due.size();
    for (const Stream* stream : scope.streams) oldest = std::min(oldest, stream->next);
    for (; scope.dropped < oldest; ++scope.dropped) scope.due.pop_front();
    scope.trim_at = std::max<std::size_t>(16, 2 * scope.due.size());
  }
  void offer_to(const Buckets& buckets, const std::string& key, const store::StoreEvent& event) {
    const auto it = buckets.find(key);
    if (it == buckets.end()) return;
    for (Scope* scope : it->second) offer(*scope, event);
  }

  void deliver(Stream& stream, const api::WatchEvent& event) {
    if (event.type == api::WatchType::error) {
      if (event.error.reason == api::Reason::expired || event.error.reason == api::Reason::gone) {
        gone_[stream.client + "|" + stream.scope->text] = false;
      }
      return;
    }
    if (!stream.verified) {
      // The initial objects: begin to compare at the first event after them.
      while (!stream.up_to_date() && stream.front().revision <= event.revision) ++stream.next;
      if (event.type == api::WatchType::bookmark) stream.verified = true;
      return;
    }
    if (event.type == api::WatchType::bookmark) {
      check(kBookmark, stream.up_to_date() || stream.front().revision > event.revision, [&] {
        return stream.client + " got a bookmark at revision " + api::to_string(event.revision) +
               " for " + stream.scope->text + " before the event of revision " +
               api::to_string(stream.front().revision);
      });
      return;
    }
    const bool right = !stream.up_to_date() && stream.front().revision == event.revision &&
                       stream.front().type == event.type;
    check(kProjection, right, [&] {
      std::string text = stream.client + " watching " + stream.scope->text + " got " +
                         std::string(to_string(event.type)) + " of revision " +
                         api::to_string(event.revision) + ", but ";
      if (stream.up_to_date()) return text + "no event was due";
      return text + std::string(to_string(stream.front().type)) + " of revision " +
             api::to_string(stream.front().revision) + " was due";
    });
    if (right) ++stream.next;
  }

  static constexpr Duration kOverdue = 10s;
  static constexpr Duration kBookmarks = 60s;  // two of the server's periods
  // Watches resume from what they have seen: seconds back, rarely minutes.
  static constexpr std::size_t kLog = 20'000;
  std::array<std::deque<store::StoreEvent>, api::kind_count> log_;
  std::unordered_map<uint64_t, Stream> streams_;  // its nodes stay where they are
  std::unordered_map<std::string, std::unique_ptr<Scope>> scopes_;
  std::array<Index, api::kind_count> index_;
  std::map<std::string, bool> gone_;  // client and scope -> has listed since 410
};

}  // namespace

std::unique_ptr<Check> make_watch_check(const CheckContext& context) {
  return std::make_unique<WatchCheck>(context);
}

}  // namespace keelson::sim
