// ST-5, ST-6 and ST-9: what reaches a watching client is exactly the history, projected on what it
// asked for. For each open stream the events that it must still get are queued as they are committed;
// each delivery takes from the front.
#include <deque>
#include <unordered_map>

#include "core/api/selector.hpp"
#include "sim/checks/store_checks.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kInvariants[] = {
    {"ST-5", "A watch delivers every matching event once, in order, with its revision."},
    {"ST-6", "A bookmark comes after all events up to its revision."},
    {"ST-9", "After 410 Gone a client lists again before it watches on."},
};
enum : std::size_t { kProjection, kBookmark, kGone };

struct Stream {
  std::string client;
  api::Kind kind{};
  std::string ns;
  api::LabelSelectorMatcher labels;
  api::FieldSelector fields;
  std::string scope;        // of the request, for messages and for ST-9
  bool verified = true;     // false until the initial objects of a watch without a revision are over
  struct Due {
    api::Revision revision;
    api::WatchType type;
  };
  std::deque<Due> due;
};

class WatchCheck final : public Check {
 public:
  using Check::Check;
  std::span<const InvariantInfo> invariants() const override { return kInvariants; }

  void on_watch_opened(uint64_t id, const api::WatchRequest& request,
                       const std::string& client) override {
    Stream stream;
    stream.client = client;
    stream.kind = request.kind;
    stream.ns = request.ns;
    stream.scope = scope_of(request);
    // A selector that does not parse is refused by the server: nothing is due then.
    if (auto parsed = api::LabelSelectorMatcher::parse(request.label_selector)) stream.labels = *parsed;
    if (auto parsed = api::FieldSelector::parse(request.kind, request.field_selector)) {
      stream.fields = *parsed;
    }
    const auto gone = gone_.find(client + "|" + stream.scope);
    if (gone != gone_.end()) {
      check(kGone, gone->second, [&] {
        return client + " watches " + stream.scope + " on after 410 Gone without a new list";
      });
      gone_.erase(gone);
    }
    if (!request.after || !*request.after) {
      stream.verified = false;
    } else {
      const auto& log = log_[static_cast<std::size_t>(request.kind)];
      for (auto it = log.rbegin(); it != log.rend() && it->revision > *request.after; ++it) {
        if (const auto type = projected(stream, *it)) stream.due.push_front({it->revision, *type});
      }
      // Older than what is remembered here: then the server must say 410, or deliver from further back
      // than can be checked.
      stream.verified = log.size() < kLog || log.front().revision <= *request.after;
    }
    if (const std::string* node = stream.fields.required("spec.nodeName")) {
      by_node_[*node].push_back(id);
    } else {
      by_kind_[static_cast<std::size_t>(request.kind)].push_back(id);
    }
    streams_.emplace(id, std::move(stream));
  }

  void on_commit(const store::StoreEvent& event) override {
    const api::Object& object = event.object ? *event.object : *event.previous;
    const auto kind = static_cast<std::size_t>(object.kind());
    auto& log = log_[kind];
    log.push_back(event);
    if (log.size() > kLog) log.pop_front();
    for (const uint64_t id : by_kind_[kind]) offer(streams_.at(id), event);
    if (object.kind() != api::Kind::pods) return;
    const std::string& node = object.as<api::Pod>().spec().node_name();
    offer_node(node, event);
    if (event.previous && event.object) {
      const std::string& before = event.previous->as<api::Pod>().spec().node_name();
      if (before != node) offer_node(before, event);
    }
  }

  void on_watch_delivered(uint64_t id, std::span<const api::WatchEvent> events) override {
    Stream& stream = streams_.at(id);
    for (const api::WatchEvent& event : events) deliver(stream, event);
  }

  void on_answered(const Process& client, const api::Request& request,
                   const api::Response& response) override {
    if (request.verb != api::Verb::list || !response.ok()) return;
    api::WatchRequest scope;
    scope.kind = request.kind;
    scope.ns = request.ns;
    scope.label_selector = request.label_selector;
    scope.field_selector = request.field_selector;
    const auto gone = gone_.find(client.name() + "|" + scope_of(scope));
    if (gone != gone_.end()) gone->second = true;
  }

  void on_process_killed(const std::string& process) override {
    std::erase_if(gone_, [&](const auto& g) { return g.first.starts_with(process + "|"); });
  }

  void on_watch_closed(uint64_t id) override {
    const auto it = streams_.find(id);
    if (it == streams_.end()) return;
    if (const std::string* node = it->second.fields.required("spec.nodeName")) {
      auto& list = by_node_[*node];
      std::erase(list, id);
      if (list.empty()) by_node_.erase(*node);
    } else {
      std::erase(by_kind_[static_cast<std::size_t>(it->second.kind)], id);
    }
    streams_.erase(it);
  }

 private:
  static std::string scope_of(const api::WatchRequest& r) {
    return api::to_string(api::ObjectKey{r.kind, r.ns, ""}) + " [" + r.label_selector + "] [" +
           r.field_selector + "]";
  }

  static bool matches(const Stream& stream, const api::ObjectPtr& object) {
    return object != nullptr && (stream.ns.empty() || object->ns() == stream.ns) &&
           stream.labels.matches(object->meta().labels()) && stream.fields.matches(*object);
  }

  // What the event looks like to somebody who sees only matching objects.
  static std::optional<api::WatchType> projected(const Stream& stream,
                                                 const store::StoreEvent& event) {
    const bool was = matches(stream, event.previous), is = matches(stream, event.object);
    if (is) return was ? api::WatchType::modified : api::WatchType::added;
    if (was) return api::WatchType::removed;
    return std::nullopt;
  }

  static void offer(Stream& stream, const store::StoreEvent& event) {
    if (const auto type = projected(stream, event)) stream.due.push_back({event.revision, *type});
  }
  void offer_node(const std::string& node, const store::StoreEvent& event) {
    const auto it = by_node_.find(node);
    if (it == by_node_.end()) return;
    for (const uint64_t id : it->second) offer(streams_.at(id), event);
  }

  void deliver(Stream& stream, const api::WatchEvent& event) {
    if (event.type == api::WatchType::error) {
      if (event.error.reason == api::Reason::expired || event.error.reason == api::Reason::gone) {
        gone_[stream.client + "|" + stream.scope] = false;
      }
      return;
    }
    if (!stream.verified) {
      // The initial objects: begin to compare at the first event after them.
      while (!stream.due.empty() && stream.due.front().revision <= event.revision) stream.due.pop_front();
      if (event.type == api::WatchType::bookmark) stream.verified = true;
      return;
    }
    if (event.type == api::WatchType::bookmark) {
      check(kBookmark, stream.due.empty() || stream.due.front().revision > event.revision, [&] {
        return stream.client + " got a bookmark at revision " + api::to_string(event.revision) +
               " for " + stream.scope + " before the event of revision " +
               api::to_string(stream.due.front().revision);
      });
      return;
    }
    const bool right = !stream.due.empty() && stream.due.front().revision == event.revision &&
                       stream.due.front().type == event.type;
    check(kProjection, right, [&] {
      std::string text = stream.client + " watching " + stream.scope + " got " +
                         std::string(to_string(event.type)) + " of revision " +
                         api::to_string(event.revision) + ", but ";
      if (stream.due.empty()) return text + "no event was due";
      return text + std::string(to_string(stream.due.front().type)) + " of revision " +
             api::to_string(stream.due.front().revision) + " was due";
    });
    if (right) stream.due.pop_front();
  }

  // Watches resume from what they have seen: seconds back, rarely minutes.
  static constexpr std::size_t kLog = 50'000;
  std::array<std::deque<store::StoreEvent>, api::kind_count> log_;
  std::unordered_map<uint64_t, Stream> streams_;
  std::array<std::vector<uint64_t>, api::kind_count> by_kind_;
  std::unordered_map<std::string, std::vector<uint64_t>> by_node_;
  std::map<std::string, bool> gone_;  // client and scope -> has listed since 410
};

}  // namespace

std::unique_ptr<Check> make_watch_check(const CheckContext& context) {
  return std::make_unique<WatchCheck>(context);
}

}  // namespace keelson::sim
