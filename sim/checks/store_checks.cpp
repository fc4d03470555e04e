// ST-1 to ST-4 and ST-13: the history itself. Each committed event is replayed on a shadow that knows
// nothing but the events before it.
#include <deque>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "core/api/canonical.hpp"
#include "core/api/kinds.hpp"
#include "sim/checks/store_checks.hpp"
#include "sim/checks/suite.hpp"

namespace keelson::sim {

namespace {

using google::protobuf::Message;

constexpr InvariantInfo kStoreInvariants[] = {
    {"ST-1", "The history replays: each event follows from the state that the events before it left."},
    {"ST-2", "Revisions are dense and belong to one mutation each; what changes nothing consumes none."},
    {"ST-3", "A transaction takes effect exactly if all of its preconditions hold, and as it was asked.",
     fact::asked},
    {"ST-4", "A call takes effect at most once, also when its answer was lost or it arrived twice.",
     fact::calls},
    {"ST-13", "A uid names one object for ever; generation counts spec changes; status writes leave spec."},
    {"ST-12",
     "What clients were told has been written is in the history, unless a new epoch says that some was lost."},
};
enum : std::size_t { kReplay, kDense, kPreconditions, kOnce, kIdentity, kKept };

// The spec as bytes: equal for equal specs. Empty: there is none.
std::string spec_bytes(const api::Object& object) {
  const Message& message = object.message();
  const auto* field = message.GetDescriptor()->FindFieldByName("spec");
  if (field == nullptr || !message.GetReflection()->HasField(message, field)) return {};
  return api::canonical_bytes(message.GetReflection()->GetMessage(message, field));
}

bool counts_generations(api::Kind kind) {
  return kind == api::Kind::deployments || kind == api::Kind::replica_sets ||
         kind == api::Kind::pod_disruption_budgets;
}

// Comparing whole objects is dear: of what happens all the time every eighth is enough to catch a
// habit.
bool sampled(uint64_t number) { return number % 8 == 0; }

// A call that has not committed after so many others, or a copy of it that is still on its way, has
// long been given up.
constexpr std::size_t kCallsKept = 100'000;

class HistoryCheck final : public Check {
 public:
  using Check::Check;
  std::span<const InvariantInfo> invariants() const override { return kStoreInvariants; }

  void on_commit(const store::StoreEvent& event) override {
    const api::ObjectPtr& subject = event.object ? event.object : event.previous;
    if (!check(kReplay, subject != nullptr, [] { return "an event without an object"; }, &event)) return;
    replay(event, subject->key());
    dense(event);
    once(event, subject->key());
    identity(event);
  }

  void on_called(const Process&, const api::Request& request) override {
    if (request.subresource != api::Subresource::status || !sampled(request.request_id)) return;
    status_calls_.insert(request.request_id);
    if (status_calls_.size() > kCallsKept) status_calls_.erase(status_calls_.begin());
  }

  void on_transaction(const store::Transaction& asked,
                      const Result<store::Committed>& result) override {
    if (!result.ok()) {
      if (result.code() == Code::unavailable) return;
      if (result.code() == Code::fenced) {
        if (ground().store() == nullptr) return;
        const uint64_t current = ground().store()->token(asked.fence.role);
        check(kPreconditions, current == 0 || current != asked.fence.token, [&] {
          return "a transaction of " + actor(asked) + " was refused although it carries the token " +
                 std::to_string(current) + " of " + asked.fence.role + ", which is the current one";
        });
        return;
      }
      bool justified = false;
      for (const store::Write& write : asked.writes) justified |= !holds(write, state().get(write.key));
      for (const store::Check& one : asked.checks) justified |= !holds(one, state().get(one.key));
      check(kPreconditions, justified, [&] {
        return "a transaction of " + actor(asked) + " was refused (" + result.error().message +
               ") although all of its preconditions hold";
      });
      return;
    }
    on_promised(asked.writes.back().key, result->revision);
    for (std::size_t i = 0; i < asked.writes.size(); ++i) {
      const store::Write& write = asked.writes[i];
      const api::Revision at = result->objects[i]->revision();
      const api::ObjectPtr before =
          state().get_at(write.key, {at.epoch, at.value - 1});
      check(kPreconditions, holds(write, before), [&] {
        return "a transaction of " + actor(asked) + " changed " + api::to_string(write.key) +
               " at revision " + api::to_string(at) + " although its precondition does not hold";
      });
      const bool as_asked =
          write.op == store::Write::Op::remove || result->objects[i]->body() == write.object->body() ||
          api::same(result->objects[i]->message(), write.object->message());
      check(kPreconditions, as_asked, [&] {
        return "a transaction of " + actor(asked) + " left " + api::to_string(write.key) +
               " at revision " + api::to_string(at) + " otherwise than it was asked to";
      });
    }
    const api::Revision first = result->objects.front()->revision();
    for (const store::Check& one : asked.checks) {
      const api::ObjectPtr before = state().get_at(one.key, {first.epoch, first.value - 1});
      check(kPreconditions, holds(one, before), [&] {
        return "a transaction of " + actor(asked) + " committed at revision " +
               api::to_string(first) + " although " + api::to_string(one.key) +
               " is not as it was required to be";
      });
    }
  }

  // Whoever was told may have been told before the event is shown here: judged in the end, or at once if
  // history has come that far.
  void on_promised(const api::ObjectKey& key, api::Revision at) override {
    if (at > state().revision()) {
      promises_.emplace_back(key, at);
    } else {
      kept(key, at);
    }
  }
  void at_end() override {
    for (const auto& [key, at] : promises_) kept(key, at);
    promises_.clear();
  }

  // What the checks know must be what the store holds: a fault in their own picture would make every
  // other check blind. All kinds are counted, and one of them is compared object by object in turn.
  void recheck() override {
    if (ground().store() == nullptr) return;
    const store::History& store = *ground().store();
    if (!store.current()) return;  // a world that was never started
    for (const api::KindInfo& info : api::all_kinds()) {
      check(kReplay, state().all(info.kind).size() == store.size(info.kind), [&] {
        return "CHECK: " + std::to_string(state().all(info.kind).size()) + ' ' + info.plural +
               " are known, but the store holds " + std::to_string(store.size(info.kind));
      });
    }
    const auto kinds = api::all_kinds();
    const api::KindInfo& turn = kinds[next_kind_++ % kinds.size()];
    std::size_t on_nodes = 0, controlled = 0;
    for (const auto& [key, object] : state().all(turn.kind)) {
      const api::ObjectPtr stored = store.find(object->key());
      check(kReplay, stored != nullptr && stored->revision() == object->revision(), [&, &known = object] {
        return "CHECK: " + api::to_string(known->key()) + " is known at revision " +
               api::to_string(known->revision()) + ", but the store has " +
               (stored ? "revision " + api::to_string(stored->revision()) : std::string("none"));
      });
      const std::string& owner = controller_uid(*object);
      if (!owner.empty() && !has(state().controlled_by(turn.kind, owner), object)) ++controlled;
      if (turn.kind != api::Kind::pods) continue;
      const std::string& node = object->as<api::Pod>().spec().node_name();
      if (!node.empty() && !has(state().pods_on(node), object)) ++on_nodes;
    }
    check(kReplay, on_nodes == 0 && controlled == 0, [&] {
      return "CHECK: " + std::to_string(on_nodes) + " pods are missing among those of their node and " +
             std::to_string(controlled) + ' ' + turn.plural + " among those of their controller";
    });
  }

 private:
  void kept(const api::ObjectKey& key, api::Revision at) {
    if (at.epoch < state().revision().epoch || !state().remembers(at)) return;
    check(kKept, state().changed_at(key, at), [&] {
      return "the write of " + api::to_string(key) + " that was acknowledged at revision " +
             api::to_string(at) + " is not in the history";
    });
  }

  static std::string actor(const store::Transaction& asked) {
    return asked.provenance ? asked.provenance->actor : "somebody";
  }

  static bool has(const StateModel::Objects& objects, const api::ObjectPtr& object) {
    return objects.get(api::name_of(*object)) == object;
  }

  // Of a write or a check.
  template <class Precondition>
  static bool holds_at(const Precondition& wanted, const api::ObjectPtr& before) {
    if (wanted.absent && before != nullptr) return false;
    if (wanted.revision && (before == nullptr || before->revision() != *wanted.revision)) {
      return false;
    }
    return wanted.uid.empty() || (before != nullptr && before->uid() == wanted.uid);
  }
  static bool holds(const store::Write& write, const api::ObjectPtr& before) {
    // Removing what is not there is refused, whatever else is asked.
    return holds_at(write, before) && (write.op != store::Write::Op::remove || before != nullptr);
  }
  static bool holds(const store::Check& one, const api::ObjectPtr& before) {
    return holds_at(one, before) && (one.absent || before != nullptr);
  }

  void replay(const store::StoreEvent& event, const api::ObjectKey& key) {
    const auto it = shadow_.find(key);
    const api::ObjectPtr known = it == shadow_.end() ? nullptr : it->second;
    check(kReplay, known == event.previous,
          [&] {
            return api::to_string(key) + " changed from something that it was not: the history left " +
                   (known ? "revision " + api::to_string(known->revision()) : "nothing") +
                   ", the event says " +
                   (event.previous ? "revision " + api::to_string(event.previous->revision()) : "nothing");
          },
          &event);
    if (event.object) {
      shadow_[key] = event.object;
    } else {
      shadow_.erase(key);
      specs_.erase(key);
    }
  }

  void dense(const store::StoreEvent& event) {
    if (context().beginning) {
      last_ = {};
      return;
    }
    const bool next = event.revision.epoch == last_.epoch && event.revision.value == last_.value + 1;
    const bool new_epoch = event.revision.epoch > last_.epoch && event.revision.value > last_.value;
    check(kDense, next || new_epoch || !last_,
          [&] {
            return "revision " + api::to_string(event.revision) + " follows " + api::to_string(last_);
          },
          &event);
    last_ = event.revision;
    if (!event.object) return;
    check(kDense, event.object->revision() == event.revision,
          [&] { return "the object says revision " + api::to_string(event.object->revision()); }, &event);
    if (event.previous && sampled(event.revision.value)) {
      check(kDense, !api::same(event.object->message(), event.previous->message()),
            [&] { return api::to_string(event.object->key()) + " was written without any change"; },
            &event);
    }
  }

  // One call creates one object of a kind (a namespace comes with its service account), and changes
  // or removes each object once.
  void once(const store::StoreEvent& event, const api::ObjectKey& key) {
    if (event.provenance == nullptr || event.provenance->request_id == 0) return;
    uint64_t effect = hash_bytes("call", event.provenance->request_id);
    effect ^= event.previous ? api::ObjectKeyHash()(key)
                             : hash_bytes("kind", static_cast<uint64_t>(key.kind));
    check(kOnce, effects_.insert(effect).second,
          [&] {
            return "one call has taken effect twice: the second time it has " +
                   std::string(!event.previous ? "created " : event.object ? "changed " : "removed ") +
                   api::to_string(key);
          },
          &event);
    order_.push_back(effect);
    if (order_.size() <= kCallsKept) return;
    effects_.erase(order_.front());
    order_.pop_front();
  }

  void identity(const store::StoreEvent& event) {
    if (!event.object) return;
    const api::Object& now = *event.object;
    if (!event.previous) {
      check(kIdentity, !now.uid().empty() && uids_.insert(hash_bytes(now.uid())).second,
            [&] { return api::to_string(now.key()) + " was created with a uid that is not new"; },
            &event);
      return;
    }
    const api::Object& before = *event.previous;
    check(kIdentity, now.uid() == before.uid(),
          [&] { return api::to_string(now.key()) + " has got another uid"; }, &event);
    check(kIdentity,
          now.meta().creation_timestamp().seconds() == before.meta().creation_timestamp().seconds(),
          [&] { return api::to_string(now.key()) + " has got another creationTimestamp"; }, &event);
    const uint64_t call = event.provenance ? event.provenance->request_id : 0;
    if (sampled(call) && status_calls_.erase(call) > 0) {
      check(kIdentity, spec_bytes(now) == spec_bytes(before),
            [&] { return "a write of the status of " + api::to_string(now.key()) + " changed its spec"; },
            &event);
    }
    if (!counts_generations(now.kind())) return;
    const bool same = same_spec(now, before);
    const int64_t step = now.meta().generation() - before.meta().generation();
    // Being marked for deletion counts as a change, too.
    const bool marked = now.deleting() && !before.deleting();
    check(kIdentity, step == (same && !marked ? 0 : 1),
          [&] {
            return api::to_string(now.key()) + ": generation went from " +
                   std::to_string(before.meta().generation()) + " to " +
                   std::to_string(now.meta().generation()) + " while its spec " +
                   (same ? "stayed the same" : "changed");
          },
          &event);
  }

  bool same_spec(const api::Object& now, const api::Object& before) {
    std::string& known = specs_[now.key()];
    if (known.empty()) known = spec_bytes(before);
    std::string spec = spec_bytes(now);
    const bool same = spec == known;
    known = std::move(spec);
    return same;
  }

  std::unordered_map<api::ObjectKey, api::ObjectPtr, api::ObjectKeyHash> shadow_;
  // Of the kinds that count generations, so that each spec is written out once.
  std::unordered_map<api::ObjectKey, std::string, api::ObjectKeyHash> specs_;
  // By their 64-bit hashes: a million uids collide once in 37,000 runs, and a false alarm says so.
  std::unordered_set<uint64_t> uids_;
  std::unordered_set<uint64_t> effects_;  // what calls have done lately, and in which order
  std::deque<uint64_t> order_;
  std::set<uint64_t> status_calls_;  // ids of calls about a status that have not committed yet
  std::size_t next_kind_ = 0;
  api::Revision last_;
  std::vector<std::pair<api::ObjectKey, api::Revision>> promises_;  // of what has not been shown yet
};

}  // namespace

void add_store_checks(const CheckContext& context, Checks& checks) {
  checks.push_back(std::make_unique<HistoryCheck>(context));
  checks.push_back(make_watch_check(context));
  checks.push_back(make_read_check(context));
}

}  // namespace keelson::sim
