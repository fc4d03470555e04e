// The state machine of a store, without time, threads or messages: objects, their history, role
// tokens. MemoryStore wraps it with a loop; the simulated store wraps the same one with latency,
// loss, crashes and failovers. Everything here happens at once and is answered at once.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/api/object_table.hpp"
#include "core/store/event_log.hpp"
#include "core/store/store.hpp"

namespace keelson::store {

struct HistoryOptions {
  uint64_t epoch = 1;
  uint64_t floor = 0;  // revision values start above this
  // The history never holds more events than this; older ones are compacted away. Each event keeps
  // two versions of an object alive, so this bounds memory. 100,000 is what the Redis store keeps.
  std::size_t events_max = 100'000;
};

class History {
 public:
  explicit History(HistoryOptions options = {});
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // See Store for the meaning of these.
  Result<Committed> commit(const Transaction& transaction);
  ObjectPtr find(const ObjectKey& key) const;  // null: there is none
  Result<ListPage> list(const ListQuery& query) const;
  Revision current() const { return current_; }
  void compact(Revision revision);

  // Everything up to here is forgotten; snapshots and watches from here on can be served.
  Revision compacted() const { return compacted_; }
  // Some of the events after `after`, oldest first: call again after the last one for the rest.
  // Empty: there are none yet. Code::compacted: list again.
  Result<EventRun> events_after(Revision after) const;

  // A failover that lost what came after `keep`: the state is that of `keep` again, in the next
  // epoch; revision values go on above `floor` (and above all that were used), everything is
  // compacted up to there, and no role token is valid any more. Code::compacted: the state at
  // `keep` is not known any more; nothing happened.
  Status fail_over(Revision keep, uint64_t floor);

  // For a copy of a history that is kept elsewhere. follow() takes over one event as it was committed
  // there; `previous` is filled in. REQUIRES: the next revision of this epoch; a removal of what is
  // there. restart() forgets everything and goes on from a snapshot.
  void follow(Write::Op op, Revision revision, const ObjectKey& key, ObjectPtr object,
              ProvenancePtr provenance);
  void restart(Revision at, std::vector<ObjectPtr> objects);

  // The current token of a role; 0: it was not granted in this epoch.
  uint64_t token(const std::string& role) const;
  std::size_t size(api::Kind kind) const;

  // Called from inside commit() with the events of each transaction, all of them together, after
  // they took effect. Must not change the history.
  using Observer = std::function<void(std::span<const StoreEvent>)>;
  void observe(Observer observer) { observers_.push_back(std::move(observer)); }

 private:
  using Table = api::ObjectTable;
  Table& table(api::Kind kind) { return tables_[static_cast<std::size_t>(kind)]; }
  const Table& table(api::Kind kind) const { return tables_[static_cast<std::size_t>(kind)]; }
  Status check(const Transaction& transaction) const;
  Status check(const Write& write) const;
  Status check(const Check& wanted) const;
  ObjectPtr apply(Write::Op op, const ObjectKey& key, const ObjectPtr& object,
                  const ProvenancePtr& provenance);
  void bound();
  void tell_observers(uint64_t first_value, std::size_t count);

  HistoryOptions options_;
  std::array<Table, api::kind_count> tables_;
  EventLog log_;
  Revision current_;
  Revision compacted_;
  std::map<std::string, uint64_t> tokens_;
  std::vector<Observer> observers_;
  bool observing_ = false;
};

}  // namespace keelson::store
