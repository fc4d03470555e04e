// The Store port: revisioned keys with multi-key transactions and gapless watches. MemoryStore is the
// reference; every implementation passes the conformance suite in tests/store.
//
// Guarantees: transactions are atomic and linearizable; each write in one gets the next revision
// (values are dense within an epoch); a write that would change nothing is the caller's to suppress.
// Threading: one loop thread. Every Done is called exactly once, never from inside the call.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/api/object.hpp"
#include "core/api/request.hpp"
#include "core/base/callback.hpp"
#include "core/base/result.hpp"

namespace keelson::store {

using api::ObjectKey;
using api::ObjectPtr;
using api::Revision;

struct Write {
  enum class Op : uint8_t { put, remove };
  Op op = Op::put;
  ObjectKey key;
  ObjectPtr object;  // put: the new content (its revision is ignored and assigned at commit)

  // Preconditions, all of which must hold before anything is written.
  bool absent = false;               // the key does not exist
  std::optional<Revision> revision;  // the key's object has this revision
  std::string uid;                   // the key's object has this metadata.uid
};

// A key on which a transaction rests without writing it: "this namespace is still there and as I saw
// it". Consumes no revision, makes no event. Without `absent` the key must exist.
struct Check {
  ObjectKey key;

  bool absent = false;               // the key does not exist
  std::optional<Revision> revision;  // the key's object has this revision
  std::string uid;                   // the key's object has this metadata.uid
};

// Who wrote and why: kept with each event so that a checker, or a developer reading a failed run, can
// tell a wrong decision from a decision on a stale view. Never influences the store.
struct Provenance {
  std::string actor;
  std::string user;
  api::Fence fence;
  api::BasisPtr basis;
  uint64_t request_id = 0;  // of the call that caused it; 0: none
};
using ProvenancePtr = std::shared_ptr<const Provenance>;

struct Transaction {
  std::vector<Write> writes;  // at least one, no key twice
  // Judged together with the preconditions of the writes, on the state before the transaction.
  std::vector<Check> checks;
  // Must be the current token of its role (if a role is named), else Code::fenced.
  api::Fence fence;
  // After the commit the token of this role is the revision of the transaction's last write: how a
  // role is taken over (or given up: nobody knows the new token then).
  std::string grant_role;
  ProvenancePtr provenance;
};

struct Committed {
  // One per write, in order: the object as stored, with its revision; for remove the removed object,
  // at the revision of the removal.
  std::vector<ObjectPtr> objects;
  Revision revision;  // of the last write
};

struct StoreEvent {
  Write::Op op{};
  Revision revision;
  ObjectPtr object;    // put: the new state; remove: null
  ObjectPtr previous;  // the state before, or null
  ProvenancePtr provenance;
};

struct ListQuery {
  api::Kind kind{};
  std::string ns;             // empty: all
  int64_t limit = 0;          // 0: no limit
  std::string start_after;    // continue: "ns/name" of the last object of the page before
  std::optional<Revision> at; // continue: the snapshot of the first page
};
struct ListPage {
  std::vector<ObjectPtr> objects;  // sorted by namespace, then name
  Revision revision;               // the snapshot that this page belongs to
  bool more = false;
  std::string last;                // start_after for the next page
  int64_t remaining = 0;           // objects of the snapshot after this page
};

// Receives committed events in revision order, without gaps, in batches.
class WatchSink {
 public:
  virtual void on_events(std::span<const StoreEvent> events) = 0;
  // The watch has ended. Code::compacted: the history after the last event seen is gone, list again.
  // Code::unavailable: watch again after the last event seen.
  virtual void on_closed(Error why) = 0;

 protected:
  ~WatchSink() = default;
};

struct WatchId {
  uint64_t id = 0;
};

struct BeatPage {
  std::vector<api::Beat> beats;  // those renewed since the cursor, in order of renewal
  uint64_t cursor = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  // Code::not_found if there is none.
  virtual void get(const ObjectKey& key, Done<ObjectPtr> done) = 0;
  // Code::compacted if `at` is older than the history kept.
  virtual void list(const ListQuery& query, Done<ListPage> done) = 0;
  // All or nothing. Codes: exists, not_found, conflict (message names the key), fenced, unavailable
  // (nothing happened), unknown (it may have happened: read back). Commits that do not wait for each
  // other may take effect in any order.
  virtual void commit(Transaction transaction, Done<Committed> done) = 0;
  // The newest revision: a read barrier.
  virtual void current_revision(Done<Revision> done) = 0;
  // Events of all kinds with a revision after `after`.
  virtual WatchId watch(Revision after, WatchSink& sink) = 0;
  virtual void unwatch(WatchId watch) = 0;  // no call to the sink after this returns
  // Forgets history up to and including `revision`: watches and snapshots older than it get
  // Code::compacted. Lowering it has no effect.
  virtual void compact(Revision revision, Done<Unit> done) = 0;

  // Heartbeats, beside the history: no revision, no watch. Kept and dropped along with their Node.
  virtual void beat(std::vector<api::Beat> beats, Done<Unit> done) = 0;
  virtual void beats_since(uint64_t cursor, Done<BeatPage> done) = 0;
};

}  // namespace keelson::store
