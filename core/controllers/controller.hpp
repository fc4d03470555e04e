// Controllers are pure functions: they read a view and return the writes that they want. The driver
// (manager.hpp) sends the writes and handles conflicts, back-off, own-write visibility and metrics,
// once for all controllers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/request.hpp"
#include "core/client/view.hpp"

namespace keelson::controllers {

using client::View;

// A Kubernetes Event to record about an object.
struct Occurrence {
  api::ObjectPtr about;
  bool warning = false;
  std::string reason;   // "SuccessfulCreate"
  std::string message;  // "Created pod: web-5d4f8"
};

// What the live store, not a cache, must confirm before a write is sent. A plan stays a pure value:
// it says what to verify, the driver reads. If a check does not hold, the write fails without being
// sent and the key is reconciled again once the cache shows what the live read showed (GC-1, RS-4).
struct LiveCheck {
  enum class Expect : uint8_t {
    absent,   // no object of this name with this uid (empty uid: none at all); with an empty name:
              // nothing of the kind in the namespace
    present,  // the object exists with this uid and is not being deleted
  };
  Expect expect{};
  api::ObjectKey key;
  std::string uid;
};

struct PlannedWrite {
  api::Request request;
  // Writes of one stage are sent together; a stage starts when all of the stage before succeeded.
  // The first failure drops the stages after it and makes the key retry with back-off.
  uint32_t stage = 0;
  std::vector<LiveCheck> checks;  // read one after the other before the write is sent
  // Recorded when the write succeeded ("{}" in the message becomes the object's name), or when the
  // server refused it ("{}" becomes its message).
  std::optional<Occurrence> on_success, on_failure;
};

struct Plan {
  std::vector<PlannedWrite> writes;
  std::vector<Occurrence> events;  // recorded when all writes have succeeded
  // Run again after this long even if nothing changes; zero: only on changes.
  Duration requeue_after{};
  // For this long after the plan is through, changes of other objects wait and share the next
  // reconcile; the first change after that is looked at without delay. See rest_after().
  Duration rest{};

  // Adds a write in a stage of its own.
  PlannedWrite& then(api::Request request) {
    return add(std::move(request), writes.empty() ? 0 : writes.back().stage + 1);
  }
  // Adds a write to the current last stage.
  PlannedWrite& together(api::Request request) {
    return add(std::move(request), writes.empty() ? 0 : writes.back().stage);
  }
  // Adds a write to this stage. REQUIRES: stages are added in order.
  PlannedWrite& add(api::Request request, uint32_t stage) {
    PlannedWrite& write = writes.emplace_back();
    write.request = std::move(request);
    write.stage = stage;
    return write;
  }
};

// The rest that goes with a reconcile which looks at this many objects each of which may change by
// itself: without it n pods that start cost n walks over n pods. A walk costs a few tenths of a
// microsecond per object, so this keeps a controller's share of a core to a few percent, however busy
// the objects are. Few objects need no rest, and many rest no longer than people notice.
inline Duration rest_after(std::size_t objects) {
  if (objects < 50) return {};
  return std::min<Duration>(20us * static_cast<int64_t>(objects), 250ms);
}

// Receives the keys that a change makes a controller look at again.
using KeySink = std::function<void(api::ObjectKey)>;

class Controller {
 public:
  virtual ~Controller() = default;

  virtual std::string_view name() const = 0;  // "deployment"
  // The kinds whose caches reconcile() reads: it does not run before all are synced, nor before
  // they contain the controller's own writes for the key.
  virtual std::span<const api::Kind> reads() const = 0;
  // Which keys a change concerns. `before` or `after` may be null. May use the view's indexes.
  // Before the first reconcile it has been shown every object of the kinds read, as (null, object).
  virtual void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                        const KeySink& sink) const = 0;
  // Idempotent and level-triggered. Local memory between calls is allowed only for times observed
  // (since when a node has been silent); it must be rebuildable from nothing.
  virtual Plan reconcile(const View& view, const api::ObjectKey& key) = 0;
  // The server refused this write, which was planned for `key` (not a conflict: those only mean a
  // stale view). For controllers that report failures in a status.
  virtual void write_refused(const api::ObjectKey& /*key*/, const api::Request& /*request*/,
                             const api::ApiError& /*error*/) {}
  // The role was taken anew: forget all local memory.
  virtual void reset() {}
};

}  // namespace keelson::controllers
