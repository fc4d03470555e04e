// ST-1 to ST-4 and ST-13: the history itself. Each committed event is replayed on a shadow that knows
// nothing but the events before it.
#include <unordered_map>
#include <unordered_set>

#include "core/api/canonical.hpp"
#include "sim/checks/store_checks.hpp"
#include "sim/checks/suite.hpp"

namespace keelson::sim {

namespace {

using google::protobuf::Message;

constexpr InvariantInfo kInvariants[] = {
    {"ST-1", "The history replays: each event follows from the state that the events before it left."},
    {"ST-2", "Revisions are dense and belong to one mutation each; what changes nothing consumes none."},
    {"ST-3", "A transaction takes effect exactly if all of its preconditions hold."},
    {"ST-4", "A call takes effect at most once, also when its answer was lost or it arrived twice."},
    {"ST-13", "A uid names one object for ever; generation counts spec changes; status writes leave spec."},
};
enum : std::size_t { kReplay, kDense, kPreconditions, kOnce, kIdentity };

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

class HistoryCheck final : public Check {
 public:
  using Check::Check;
  std::span<const InvariantInfo> invariants() const override { return kInvariants; }

  void on_commit(const store::StoreEvent& event) override {
    const api::ObjectPtr& subject = event.object ? event.object : event.previous;
    if (!check(kReplay, subject != nullptr, [] { return "an event without an object"; }, &event)) return;
    replay(event, subject->key());
    dense(event);
    identity(event);
  }

  void on_transaction(const store::Transaction& asked,
                      const Result<store::Committed>& result) override {
    if (!result.ok()) {
      if (result.code() == Code::fenced || result.code() == Code::unavailable) return;
      bool justified = false;
      for (const store::Write& write : asked.writes) justified |= !holds(write, state().get(write.key));
      check(kPreconditions, justified, [&] {
        return "a transaction of " + actor(asked) + " was refused (" + result.error().message +
               ") although all of its preconditions hold";
      });
      return;
    }
    for (std::size_t i = 0; i < asked.writes.size(); ++i) {
      const store::Write& write = asked.writes[i];
      const api::Revision at = result->objects[i]->revision();
      const api::ObjectPtr before =
          state().get_at(write.key, {at.epoch, at.value - 1});
      check(kPreconditions, holds(write, before), [&] {
        return "a transaction of " + actor(asked) + " changed " + api::to_string(write.key) +
               " at revision " + api::to_string(at) + " although its precondition does not hold";
      });
    }
  }


 private:
  static std::string actor(const store::Transaction& asked) {
    return asked.provenance ? asked.provenance->actor : "somebody";
  }

  static bool holds(const store::Write& write, const api::ObjectPtr& before) {
    if (write.absent && before != nullptr) return false;
    if (write.revision && (before == nullptr || before->revision() != *write.revision)) return false;
    if (!write.uid.empty() && (before == nullptr || before->uid() != write.uid)) return false;
    // Removing what is not there is refused, whatever else is asked.
    return write.op != store::Write::Op::remove || before != nullptr;
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
    // Comparing whole objects is dear: every eighth event is enough to catch a habit.
    if (event.previous && event.revision.value % 8 == 0) {
      check(kDense,
            !api::same(event.object->message(), event.previous->message()),
            [&] { return api::to_string(event.object->key()) + " was written without any change"; },
            &event);
    }
  }

  void identity(const store::StoreEvent& event) {
    if (!event.object) return;
    const api::Object& now = *event.object;
    if (!event.previous) {
      check(kOnce, event.provenance == nullptr || event.provenance->request_id == 0 ||
                       created_by_.insert(event.provenance->request_id).second,
            [&] { return "the same call has created a second object: " + api::to_string(now.key()); },
            &event);
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
    if (!counts_generations(now.kind())) return;
    std::string& known = specs_[now.key()];
    if (known.empty()) known = spec_bytes(before);
    std::string spec = spec_bytes(now);
    const bool same = spec == known;
    known = std::move(spec);
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

  std::unordered_map<api::ObjectKey, api::ObjectPtr, api::ObjectKeyHash> shadow_;
  // Of the kinds that count generations, so that each spec is written out once.
  std::unordered_map<api::ObjectKey, std::string, api::ObjectKeyHash> specs_;
  // By their 64-bit hashes: a million uids collide once in 37,000 runs, and a false alarm says so.
  std::unordered_set<uint64_t> uids_;
  std::unordered_set<uint64_t> created_by_;
  api::Revision last_;
};

}  // namespace

void add_store_checks(const CheckContext& context, Checks& checks) {
  checks.push_back(std::make_unique<HistoryCheck>(context));
  checks.push_back(make_watch_check(context));
  checks.push_back(make_read_check(context));
}

}  // namespace keelson::sim
