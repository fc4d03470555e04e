#include "core/apiserver/api_server.hpp"

#include "core/apiserver/bootstrap.hpp"
#include "core/apiserver/collection.hpp"
#include "core/apiserver/freshness.hpp"
#include "core/apiserver/heartbeats.hpp"
#include "core/apiserver/housekeeping.hpp"
#include "core/apiserver/pipeline/scale.hpp"
#include "core/apiserver/reader.hpp"
#include "core/apiserver/repeats.hpp"
#include "core/apiserver/store_feed.hpp"
#include "core/apiserver/watch_hub.hpp"
#include "core/apiserver/writer.hpp"

namespace keelson::apiserver {

namespace {

constexpr Duration kBootstrapRetry = 1s;
// How often a server that says where it is looks whether that is still known.
constexpr Duration kBootstrapPeriod = 10s;

ApiError method_not_allowed() {
  ApiError error;
  error.reason = Reason::method_not_allowed;
  error.message = "the server does not allow this method on the requested resource";
  return error;
}

// How a list's revision, its exactness and its continuation go together.
// Source: apimachinery/pkg/apis/meta/internalversion/validation.
ApiError check_list(const Request& request) {
  const bool continued = !request.continue_token.empty();
  const std::optional<Revision>& revision = request.resource_version;
  std::string why;
  if (request.exact_revision && !revision) {
    why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
  } else if (request.exact_revision && continued) {
    why = "resourceVersionMatch is forbidden when continue is provided";
  } else if (request.exact_revision && !*revision) {
    why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
  } else if (continued && revision && *revision) {
    return api::bad_request("specifying resource version is not allowed when using continue");
  }
  if (why.empty()) return {};
  ApiError error;
  error.reason = Reason::invalid;
  error.group = "meta.k8s.io";
  error.kind = "ListOptions";
  error.causes.push_back({"FieldValueForbidden", "Forbidden: " + why, "resourceVersionMatch"});
  error.message =
      "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: " + why;
  return error;
}

ApiError invalid_patch_options(std::string reason, std::string field, std::string what) {
  ApiError error;
  error.reason = Reason::invalid;
  error.group = "meta.k8s.io";
  error.kind = "PatchOptions";
  error.message = "PatchOptions.meta.k8s.io \"\" is invalid: " + field + ": " + what;
  error.causes.push_back({std::move(reason), std::move(what), std::move(field)});
  return error;
}

// Who applies must say who it is: there is nothing sensible to assume.
ApiError check_patch(const Request& request) {
  const bool applies = request.patch_type == api::PatchType::apply;
  if (applies && request.field_manager.empty()) {
    return invalid_patch_options("FieldValueRequired", "fieldManager",
                                 "Required value: is required for apply patch");
  }
  if (!applies && request.force) {
    return invalid_patch_options("FieldValueForbidden", "force",
                                 "Forbidden: may not be specified for non-apply patch");
  }
  return {};
}

// What a request must have before anybody looks at the state. No error: it is well formed.
ApiError check_form(const Request& request) {
  const api::KindInfo& info = api::info(request.kind);
  const bool named = request.verb == Verb::get || request.verb == Verb::update ||
                     request.verb == Verb::patch || request.verb == Verb::remove ||
                     request.verb == Verb::renew || request.subresource != Subresource::none;
  if (named && request.name.empty()) return api::bad_request("resource name may not be empty");
  if (named && info.namespaced && request.ns.empty()) {
    return api::bad_request("an empty namespace may not be set when a resource name is provided");
  }
  if (request.limit < 0) return api::bad_request("limit may not be negative");
  if (request.verb == Verb::list) {
    if (ApiError error = check_list(request)) return error;
  }
  if (request.verb == Verb::patch) {
    if (ApiError error = check_patch(request)) return error;
  }
  // Emptying a cluster is not to be a single call, in Kubernetes neither.
  if (request.verb == Verb::remove_collection && request.kind == Kind::namespaces) {
    return method_not_allowed();
  }
  switch (request.subresource) {
    case Subresource::none: return {};
    case Subresource::status:
      if (request.verb == Verb::get || request.verb == Verb::update ||
          request.verb == Verb::patch) {
        return {};
      }
      return method_not_allowed();
    case Subresource::scale:
      if (has_scale(request.kind) && (request.verb == Verb::get || request.verb == Verb::update ||
                                      request.verb == Verb::patch)) {
        return {};
      }
      return method_not_allowed();
    case Subresource::approval:
      if (request.kind == Kind::certificate_signing_requests &&
          (request.verb == Verb::get || request.verb == Verb::update ||
           request.verb == Verb::patch)) {
        return {};
      }
      return method_not_allowed();
    case Subresource::ephemeral_containers:
      if (request.kind == Kind::pods &&
          (request.verb == Verb::get || request.verb == Verb::update ||
           request.verb == Verb::patch)) {
        return {};
      }
      return method_not_allowed();
    case Subresource::binding:
    case Subresource::eviction:
      if (request.kind == Kind::pods && request.verb == Verb::create) return {};
      return method_not_allowed();
    case Subresource::finalize:
      if (request.kind == Kind::namespaces && request.verb == Verb::update) return {};
      return method_not_allowed();
    case Subresource::token: return method_not_allowed();  // the front end serves it: core/rest
  }
  return method_not_allowed();
}

}  // namespace

struct ApiServer::Impl {
  Impl(Loop& loop_in, store::Store& store, Rng rng, Log& log_in, ApiServerOptions options_in)
      : loop(loop_in),
        log(log_in),
        options(std::move(options_in)),
        ids(rng),
        context{loop, cache, options, ids, log},
        feed(loop, store, cache, log, listener()),
        freshness(loop, store, cache, options, [this] { feed.rewatch(); }),
        hub(loop, cache, options,
            [this](Revision after) {
              if (!feed.fetching()) feed.fetch_history(after);
            }),
        reader(context, freshness),
        writer(context, store, freshness),
        collections(context, reader, writer),
        heartbeats(loop, store, cache),
        housekeeping(context, cache, store, freshness),
        bootstrap_timer(loop, [this] { bootstrap(); }) {}

  StoreFeed::Listener listener() {
    StoreFeed::Listener listener;
    listener.on_synced = [this] { synced(); };
    listener.on_change = [this](const Change& change) {
      hub.publish(change);
      housekeeping.saw(change);
      heartbeats.saw(change);
    };
    listener.on_events = [this](std::span<const store::StoreEvent>) { freshness.advanced(); };
    listener.on_lost = [this] { lost(); };
    listener.on_history = [this](Revision asked, bool available) {
      hub.history_came(asked, available);
    };
    return listener;
  }

  void synced() {
    ids.restart(cache.revision().value);
    housekeeping.begin();
    heartbeats.reloaded();
    freshness.advanced();
    bootstrap();
  }

  void lost() {
    bootstrapped = false;
    housekeeping.suspend();
    hub.expire_all(cache.revision());
    freshness.interrupted();
    writer.history_lost();
  }

  void bootstrap() {
    if (!feed.synced()) return;
    // One at a time, and decided anew each time: another server may be doing the same.
    std::vector<Request> missing = bootstrap_requests(cache, options, !bootstrapped);
    if (missing.empty()) {
      if (!options.advertise_address.empty()) bootstrap_timer.arm(kBootstrapPeriod);
      if (bootstrapped) return;
      bootstrapped = true;
      log.info("apiserver: ready",
               {{"identity", options.identity}, {"revision", cache.revision().value}});
      return;
    }
    writer.run(make_create(std::move(missing.front()), context), [this](Response response) {
      if (!response.ok() && response.error.reason != Reason::already_exists) {
        log.warning("apiserver: bootstrap failed", {{"why", response.error.message}});
        bootstrap_timer.arm(kBootstrapRetry);
        return;
      }
      freshness.at_least(response.revision, options.read_wait, [this](bool) { bootstrap(); });
    });
  }

  void answer_later(Callback<void(Response)> done, ApiError error) {
    loop.post(life.tie([done = std::move(done), error = std::move(error)]() mutable {
      done(failed(std::move(error)));
    }));
  }

  void handle(Request&& request, Callback<void(Response)> done) {
    if (!ready()) {
      answer_later(std::move(done), api::service_unavailable("the API server is not ready yet"));
      return;
    }
    if (ApiError error = check_form(request)) {
      answer_later(std::move(done), std::move(error));
      return;
    }
    switch (request.verb) {
      case Verb::get:
      case Verb::list: read(std::move(request), std::move(done)); return;
      case Verb::create:
      case Verb::update:
      case Verb::patch:
      case Verb::remove: write(std::move(request), std::move(done)); return;
      case Verb::remove_collection: collections.run(std::move(request), std::move(done)); return;
      case Verb::renew:
        if (request.kind != Kind::leases || request.ns != kNodeLeaseNamespace) {
          answer_later(std::move(done), method_not_allowed());
        } else {
          heartbeats.renew(std::move(request), std::move(done));
        }
        return;
      case Verb::list_beats: heartbeats.list(request.beat_cursor, std::move(done)); return;
    }
    answer_later(std::move(done), method_not_allowed());
  }

  void write(Request&& request, Callback<void(Response)> done) {
    const uint64_t id = request.request_id;
    if (id == 0) {
      writer.run(operation(std::move(request)), std::move(done));
      return;
    }
    if (repeats.finished(id)) {
      answer_later(std::move(done), api::unknown_outcome("this call was answered before"));
      return;
    }
    if (!repeats.begin(id, done)) return;
    writer.run(operation(std::move(request)),
               [this, id, done = std::move(done)](Response response) mutable {
                 repeats.finish(id, response);
                 done(std::move(response));
               });
  }

  OperationPtr operation(Request&& request) {
    switch (request.subresource) {
      case Subresource::binding: return make_binding(std::move(request), context);
      case Subresource::eviction: return make_eviction(std::move(request), context);
      case Subresource::scale: return make_scale(std::move(request), context);
      case Subresource::none:
      case Subresource::status:
      case Subresource::finalize:
      case Subresource::approval:
      case Subresource::ephemeral_containers:
      case Subresource::token: break;
    }
    switch (request.verb) {
      case Verb::create: return make_create(std::move(request), context);
      case Verb::remove: return make_remove(std::move(request), context);
      default: return make_update(std::move(request), context);
    }
  }

  void read(Request request, Callback<void(Response)> done) {
    if (!Heartbeats::concerns(request)) {
      reader.read(std::move(request), std::move(done));
      return;
    }
    Request again = request;
    reader.read(std::move(request), [this, again = std::move(again),
                                     done = std::move(done)](Response response) mutable {
      heartbeats.overlay(std::move(again), std::move(response), std::move(done));
    });
  }

  api::WatchId watch(const api::WatchRequest& request, api::WatchSink& sink, PacedSink* paced) {
    const api::WatchId id = hub.open(request, sink, paced);
    if (!ready()) {
      hub.close(id);
      return id;
    }
    const auto start = [this, id](bool fresh) { fresh ? hub.attach(id) : hub.close(id); };
    if (!request.after) {
      // "Start at most recent": the initial state must be that, as a list's would be.
      freshness.barrier([start](ApiError error) { start(error.ok()); });
      return id;
    }
    Revision after = *request.after;
    if (after && after.epoch == 0) after.epoch = cache.revision().epoch;
    if (request.send_initial_events && after > cache.revision()) {
      freshness.at_least(after, options.read_wait, start);
    } else {
      hub.attach(id);
    }
    return id;
  }

  bool ready() const { return feed.synced() && bootstrapped; }

  Loop& loop;
  Log& log;
  ApiServerOptions options;
  WatchCache cache;
  Ids ids;
  Context context;
  StoreFeed feed;
  Freshness freshness;
  WatchHub hub;
  Reader reader;
  Writer writer;
  Repeats repeats{loop};
  CollectionRemover collections;
  Heartbeats heartbeats;
  Housekeeping housekeeping;
  Timer bootstrap_timer;
  bool bootstrapped = false;
  Lifeline life;
};

ApiServer::ApiServer(Loop& loop, store::Store& store, Rng rng, Log& log, ApiServerOptions options)
    : impl_(std::make_unique<Impl>(loop, store, rng, log, std::move(options))) {}

ApiServer::~ApiServer() = default;

void ApiServer::start() {
  impl_->feed.start();
}
void ApiServer::guard_with(const WriteGuard* guard) {
  impl_->context.guard = guard;
}
bool ApiServer::ready() const {
  return impl_->ready();
}

void ApiServer::handle(api::Request request, Callback<void(api::Response)> done) {
  impl_->handle(std::move(request), std::move(done));
}

api::WatchId ApiServer::watch(api::WatchRequest request, api::WatchSink& sink) {
  return impl_->watch(request, sink, nullptr);
}

api::WatchId ApiServer::watch(api::WatchRequest request, PacedSink& sink) {
  return impl_->watch(request, sink, &sink);
}

void ApiServer::resumed(api::WatchId watch) {
  impl_->hub.resumed(watch);
}
void ApiServer::unwatch(api::WatchId watch) {
  impl_->hub.remove(watch);
}
api::Revision ApiServer::revision() const {
  return impl_->cache.revision();
}
std::size_t ApiServer::watches() const {
  return impl_->hub.size();
}
const WatchCache& ApiServer::cache() const {
  return impl_->cache;
}

}  // namespace keelson::apiserver
