// A call to the API, without HTTP: plain values that an HTTP front end fills from a request line, an
// in-process client directly, and the simulated network carries as they are.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/api/error.hpp"
#include "core/api/object.hpp"
#include "core/api/user.hpp"
#include "core/base/time.hpp"

namespace keelson::api {

enum class Verb : uint8_t {
  get, list, create, update, patch, remove, remove_collection,
  // Renews a node's heartbeat (kind leases, namespace kube-node-lease, name = node). Consumes no
  // revision and reaches no watch: see Beat.
  renew,
  // Reads the heartbeats that arrived since a cursor.
  list_beats,
};
std::string_view to_string(Verb verb);

enum class Subresource : uint8_t {
  none, status, scale, binding, eviction, finalize, approval, ephemeral_containers,
  // Of service accounts: create asks for a token; the answer is Response::message, a TokenRequest.
  // Only the HTTP front end can serve it, for only it knows the signing keys.
  token
};
std::string_view to_string(Subresource subresource);  // "", "status", ...

enum class PatchType : uint8_t { json, merge, strategic, apply };
enum class FieldValidation : uint8_t { ignore, warn, strict };
enum class Propagation : uint8_t { unset, background, foreground, orphan };

// Proof of leadership: the role (namespace/name of its Lease) and the token got when it was acquired.
// The store compares the token inside the transaction, so a deposed leader cannot write.
struct Fence {
  std::string role;    // empty: not acting in a role
  uint64_t token = 0;  // the revision at which the Lease changed hands
};

// Per kind, the revision of the cache that a decision was made on. Zero: not read.
struct Basis {
  std::array<Revision, kind_count> seen{};
  void read(Kind kind, Revision at) {
    Revision& r = seen[static_cast<size_t>(kind)];
    if (at > r) r = at;
  }
  Revision of(Kind kind) const { return seen[static_cast<size_t>(kind)]; }
};
using BasisPtr = std::shared_ptr<const Basis>;

struct Expected {
  std::string uid;                   // empty: any
  std::optional<Revision> revision;  // compared by value
};

// What a witness found when it was asked whether a silent node is still there (see the controllers'
// README): the answer to round `round` of the question about `node`.
struct PeerReport {
  std::string node;
  uint64_t round = 0;
  bool reachable = false;
};

// The life sign of a node. `seq` rises with every renewal; the receiver judges expiry by its own
// monotonic clock from the moment at which it saw seq change, never by comparing clocks.
struct Beat {
  std::string node;
  uint64_t seq = 0;
  WallTime renew_time;  // the node's own clock: shown to people only
  std::vector<PeerReport> reports;
};

struct Request {
  Verb verb{};
  Kind kind{};
  Subresource subresource{};
  std::string ns;    // empty with list, remove_collection: all namespaces
  std::string name;  // may be empty with create (generateName)

  // create, update: the object (a Binding, Eviction or Scale for those subresources).
  MessagePtr body;
  // update: the revision that the object must still have; absent: unconditional.
  // remove: uid and revision preconditions. create eviction: preconditions of its DeleteOptions.
  Expected expected;

  PatchType patch_type{};
  std::string patch;  // JSON text; of apply: the configuration, JSON or YAML
  // patch of type apply: takes fields over that others have set to something else. Absent: false.
  std::optional<bool> force;
  // update: makes an object that is not there, if it is of a kind whose clients rely on that
  // (creates_on_update()). Components of this process want to hear that an object is gone.
  bool create_missing = false;
  // update with create_missing, patch of type apply: why the caller may not create the object, should
  // it not be there yet.
  ApiError refuse_create;
  // patch: what becomes of fields that the kind does not have, or that the patch has twice. (Bodies
  // are judged when they are decoded.)
  FieldValidation field_validation{};

  std::optional<int64_t> grace_period_seconds;  // remove, eviction
  Propagation propagation{};

  std::string label_selector, field_selector;  // list, remove_collection: as clients write them
  int64_t limit = 0;
  std::string continue_token;
  // list, get: absent: most recent. Zero value: whatever the cache has. Else: at least this fresh.
  std::optional<Revision> resource_version;
  bool exact_revision = false;  // resourceVersionMatch=Exact

  bool dry_run = false;
  // create, update, patch: who is noted in metadata.managedFields for the fields that change. Empty:
  // nobody is, and nothing is tracked (components that live with the server).
  std::string field_manager;
  Beat beat;                 // renew
  uint64_t beat_cursor = 0;  // list_beats

  // Who calls, in what role, knowing what.
  std::string user;   // authenticated identity: "system:node:n1", "admin"
  // All that the front that authenticated the caller knows of it. Null: a component of this process
  // or a simulated one, whose requests nobody has to restrict.
  UserPtr caller;
  std::string actor;  // component instance, for histories and checkers: "scheduler-0", "agent/n1"
  // Names this call: a transport that may deliver it twice gives both copies the same number, and the
  // server acts on it once. 0: none.
  uint64_t request_id = 0;
  Fence fence;
  BasisPtr basis;     // null: not a decision on a cache (a user)
};

struct Response {
  ApiError error;
  ObjectPtr object;               // get, create, update, patch; remove if the object is still there
  MessagePtr message;             // scale, and other answers that are no stored object
  std::vector<ObjectPtr> items;   // list, remove_collection
  Revision revision;              // of the list's snapshot, or the write
  std::string continue_token;
  std::optional<int64_t> remaining;
  std::string removed_uid;        // remove, when the object is gone
  bool created = false;           // the object is new: by create, or by apply where there was none
  std::vector<std::string> warnings;
  std::vector<Beat> beats;        // list_beats
  uint64_t beat_cursor = 0;

  bool ok() const { return error.ok(); }
};

struct WatchRequest {
  Kind kind{};
  std::string ns;  // empty: all
  std::string label_selector, field_selector;
  // Events after this revision. Absent or zero: the current objects as ADDED first, then live.
  std::optional<Revision> after;
  bool bookmarks = false;
  // KEP-3157: initial objects as ADDED, then a bookmark marked as the end of the initial list.
  bool send_initial_events = false;
  std::string user, actor;
};

enum class WatchType : uint8_t { added, modified, removed, bookmark, error };
std::string_view to_string(WatchType type);  // "ADDED", ...

struct WatchEvent {
  WatchType type{};
  Revision revision;     // of the change; for removed: of the deletion
  ObjectPtr object;      // removed: the last state; null for bookmark and error
  bool initial_end = false;  // bookmark: the initial objects are complete
  ApiError error;        // error: the watch has ended; reason expired means list again
};

// Receives events in order, in batches. Neither call may come after the watch was cancelled.
class WatchSink {
 public:
  virtual void on_events(std::span<const WatchEvent> events) = 0;
  // The stream has ended without an error event (timeout, restart, connection lost): resume.
  virtual void on_closed() = 0;

 protected:
  ~WatchSink() = default;
};

struct WatchId {
  uint64_t id = 0;  // 0: none
};

// --- Requests as controllers and agents make them -------------------------------------------------
Request get(Kind kind, std::string ns, std::string name);
Request list(Kind kind, std::string ns = {});
Request create(const ObjectPtr& object);
// Conditional on `object`'s revision where it has one.
Request update(const ObjectPtr& object);
Request update_status(const ObjectPtr& object);
// Conditional on the uid of `object`: never deletes a successor of the same name.
Request remove(const Object& object);
// A token of the service account: see Subresource::token.
Request create_token(std::string ns, std::string account, TokenRequest asked);

}  // namespace keelson::api
