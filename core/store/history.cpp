#include "core/store/history.hpp"

#include <algorithm>
#include <utility>

#include "core/base/seeded_bug.hpp"

namespace keelson::store {

History::History(HistoryOptions options)
    : options_(options),
      log_(options.floor),
      current_{options.epoch, options.floor},
      compacted_(current_) {
  KEELSON_ASSERT(options.epoch > 0 && options.events_max > 0);
}

ObjectPtr History::find(const ObjectKey& key) const {
  return table(key.kind).get({key.ns, key.name});
}

std::size_t History::size(api::Kind kind) const {
  return table(kind).size();
}

uint64_t History::token(const std::string& role) const {
  const auto found = tokens_.find(role);
  return found == tokens_.end() ? 0 : found->second;
}

namespace {

// Of a write or a check, on the object that is there.
template <class Precondition>
Status check_present(const Precondition& wanted, const api::Object& object) {
  if (wanted.absent) return {Code::exists, to_string(wanted.key) + " exists already"};
  // A value is never used twice, not even in another epoch, so comparing values is enough, and a
  // caller that knows only a resourceVersion needs no epoch.
  if (wanted.revision && wanted.revision->value != object.revision().value) {
    return {Code::conflict, to_string(wanted.key) + " is at revision " +
                                to_string(object.revision()) + ", not " +
                                to_string(*wanted.revision)};
  }
  if (!wanted.uid.empty() && wanted.uid != object.uid()) {
    return {Code::conflict,
            to_string(wanted.key) + " has uid " + object.uid() + ", not " + wanted.uid};
  }
  return {};
}

}  // namespace

Status History::check(const Write& write) const {
  const bool put = write.op == Write::Op::put;
  KEELSON_ASSERT(put == (write.object != nullptr));
  if (put) {
    KEELSON_ASSERT(write.object->kind() == write.key.kind && write.object->ns() == write.key.ns &&
                   write.object->name() == write.key.name);
  }
  const ObjectPtr* found = table(write.key.kind).find({write.key.ns, write.key.name});
  if (found) return check_present(write, **found);
  if (put && !write.revision && write.uid.empty()) return {};
  return {Code::not_found, to_string(write.key) + " does not exist"};
}

Status History::check(const Check& wanted) const {
  const ObjectPtr* found = table(wanted.key.kind).find({wanted.key.ns, wanted.key.name});
  if (found) return check_present(wanted, **found);
  if (wanted.absent) return {};
  return {Code::not_found, to_string(wanted.key) + " does not exist"};
}

Status History::check(const Transaction& transaction) const {
  if (transaction.writes.empty()) return {Code::invalid, "a transaction without writes"};
  const api::Fence& fence = transaction.fence;
  if (!fence.role.empty() && !seeded(SeededBug::no_fence)) {
    const uint64_t current = token(fence.role);
    if (current == 0 || current != fence.token) {
      return {Code::fenced, "token " + std::to_string(fence.token) + " of role " + fence.role +
                                " is not current: another has taken the role over"};
    }
  }
  for (std::size_t i = 0; i < transaction.writes.size(); ++i) {
    const Write& write = transaction.writes[i];
    // All preconditions speak about the state before the transaction, so a second write of the same
    // key would have no sensible ones.
    for (std::size_t j = 0; j < i; ++j) {
      if (transaction.writes[j].key == write.key) {
        return {Code::invalid, to_string(write.key) + " is written twice in one transaction"};
      }
    }
    if (Status status = check(write); !status) return status;
  }
  for (const Check& one : transaction.checks) {
    if (Status status = check(one); !status) return status;
  }
  return {};
}

ObjectPtr History::apply(Write::Op op, const ObjectKey& key, const ObjectPtr& object,
                         const ProvenancePtr& provenance) {
  ++current_.value;
  Table& objects = table(key.kind);
  StoreEvent event{op, current_, nullptr, nullptr, provenance};
  ObjectPtr result;
  if (op == Write::Op::put) {
    result = event.object = object->at(current_);
    event.previous = objects.set(event.object);
  } else {
    event.previous = objects.erase({key.ns, key.name});
    result = event.previous->at(current_);
  }
  log_.append(std::move(event));
  return result;
}

void History::bound() {
  if (log_.size() <= options_.events_max) return;
  compact({current_.epoch, current_.value - options_.events_max});
}

void History::follow(Write::Op op, Revision revision, const ObjectKey& key, ObjectPtr object,
                     ProvenancePtr provenance) {
  KEELSON_ASSERT_WHY(!observing_, "an observer must not write");
  KEELSON_ASSERT((revision == Revision{current_.epoch, current_.value + 1}));
  KEELSON_ASSERT(op == Write::Op::put || table(key.kind).find({key.ns, key.name}));
  apply(op, key, object, provenance);
  tell_observers(revision.value, 1);
  bound();
}

void History::restart(Revision at, std::vector<ObjectPtr> objects) {
  KEELSON_ASSERT_WHY(!observing_, "an observer must not write");
  tables_ = {};
  for (ObjectPtr& object : objects) table(object->kind()).set(std::move(object));
  current_ = compacted_ = at;
  log_.clear(at.value);
  tokens_.clear();
}

Result<Committed> History::commit(const Transaction& transaction) {
  KEELSON_ASSERT_WHY(!observing_, "an observer must not write");
  if (Status status = check(transaction); !status) return status.error();

  const uint64_t first_value = current_.value + 1;
  Committed committed;
  committed.objects.reserve(transaction.writes.size());
  for (const Write& write : transaction.writes) {
    committed.objects.push_back(apply(write.op, write.key, write.object, transaction.provenance));
  }
  committed.revision = current_;
  if (!transaction.grant_role.empty()) tokens_[transaction.grant_role] = current_.value;
  tell_observers(first_value, transaction.writes.size());
  bound();
  return committed;
}

void History::tell_observers(uint64_t first_value, std::size_t count) {
  if (observers_.empty()) return;
  EventRun run = log_.run_from(first_value);
  // A transaction that straddles two pieces of the log is put together, so that observers never see
  // half of one.
  std::vector<StoreEvent> together;
  if (run.events.size() < count) {
    for (uint64_t v = first_value; v < first_value + count; ++v) together.push_back(log_.at(v));
    run.events = together;
  }
  observing_ = true;
  for (const Observer& observer : observers_) observer(run.events);
  observing_ = false;
}

void History::compact(Revision revision) {
  revision = std::min(revision, current_);
  if (revision <= compacted_) return;
  // Between compacted_ and current_ there is only the current epoch.
  KEELSON_ASSERT(revision.epoch == current_.epoch);
  compacted_ = revision;  // first the mark, then the events: nobody can meet a gap
  log_.drop_until(revision.value);
}

Result<EventRun> History::events_after(Revision after) const {
  // "From the very beginning" is possible as long as nothing was ever forgotten.
  if (after == Revision{} && compacted_.value == 0) after = compacted_;
  if (after < compacted_) {
    return {Code::compacted, "the history after revision " + to_string(after) +
                                 " has been compacted up to " + to_string(compacted_)};
  }
  // Someone who has seen more than this store ever had must not be told that all is well.
  if (after > current_) {
    return {Code::compacted, "revision " + to_string(after) +
                                 " is not in this history, which ends at " + to_string(current_)};
  }
  return log_.run_from(after.value + 1);
}

Status History::fail_over(Revision keep, uint64_t floor) {
  KEELSON_ASSERT_WHY(!observing_, "an observer must not write");
  if (keep < compacted_ || keep > current_) {
    return {Code::compacted, "the state at revision " + to_string(keep) + " is not known"};
  }
  for (uint64_t value = current_.value; value > keep.value; --value) {
    const StoreEvent& event = log_.at(value);
    const api::Object& object = object_of(event);
    Table& objects = table(object.kind());
    if (event.previous) {
      objects.set(event.previous);
    } else {
      objects.erase(api::name_of(object));
    }
  }
  current_ = {current_.epoch + 1, std::max(floor, current_.value)};
  compacted_ = current_;
  log_.clear(current_.value);
  tokens_.clear();
  return {};
}

}  // namespace keelson::store
