// Controllers are pure functions: they read a view and return the writes that they want. The driver
// (manager.hpp) sends the writes and handles conflicts, back-off, own-write visibility and metrics,
// once for all controllers.
#pragma once

#include <functional>
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

struct PlannedWrite {
  api::Request request;
  // Writes of one stage are sent together; a stage starts when all of the stage before succeeded.
  // The first failure drops the stages after it and makes the key retry with back-off.
  uint32_t stage = 0;
};

struct Plan {
  std::vector<PlannedWrite> writes;
  std::vector<Occurrence> events;
  // Run again after this long even if nothing changes; zero: only on changes.
  Duration requeue_after{};

  // Adds a write in a stage of its own.
  void then(api::Request request) {
    writes.push_back({std::move(request), writes.empty() ? 0 : writes.back().stage + 1});
  }
  // Adds a write to the current last stage.
  void together(api::Request request) {
    writes.push_back({std::move(request), writes.empty() ? 0 : writes.back().stage});
  }
};

// Receives the keys that a change makes a controller look at again.
using KeySink = std::function<void(api::ObjectKey)>;

class Controller {
 public:
  virtual ~Controller() = default;

  virtual std::string_view name() const = 0;  // "deployment"
  // The kinds whose caches reconcile() reads: it does not run before all are synced, nor before they
  // contain the controller's own writes for the key.
  virtual std::span<const api::Kind> reads() const = 0;
  // Which keys a change concerns. `before` or `after` may be null. May use the view's indexes.
  virtual void keys_for(const View& view, const api::ObjectPtr& before,
                        const api::ObjectPtr& after, const KeySink& sink) const = 0;
  // Idempotent and level-triggered. Local memory between calls is allowed only for times observed
  // (since when a node has been silent); it must be rebuildable from nothing.
  virtual Plan reconcile(const View& view, const api::ObjectKey& key) = 0;
};

}  // namespace keelson::controllers
