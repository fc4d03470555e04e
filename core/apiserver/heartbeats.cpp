#include "core/apiserver/heartbeats.hpp"

#include <algorithm>

#include "core/api/json.hpp"

namespace keelson::apiserver {

namespace {

constexpr int32_t kLeaseSeconds = 40;  // the grace period of Kubernetes' node lifecycle controller

ApiError from_store(const Error& error) {
  if (error.code == Code::unknown) return api::unknown_outcome(error.message);
  return api::service_unavailable("the store is unavailable: " + error.message);
}

// A node that no pod was bound to yet has no Lease in the store, but it has heartbeats.
ObjectPtr unstored_lease(const api::Beat& beat, Revision revision) {
  api::Lease lease;
  lease.mutable_metadata()->set_namespace_(std::string(kNodeLeaseNamespace));
  lease.mutable_metadata()->set_name(beat.node);
  lease.mutable_spec()->set_holder_identity(beat.node);
  return api::make_object(std::move(lease), revision);
}

}  // namespace

void Heartbeats::renew(Request&& request, Callback<void(Response)> done) {
  if (cache_.find(Kind::nodes, "", request.name)) {
    accept(std::move(request), std::move(done));
    return;
  }
  // This server may lag behind, and a new node must not look silent for that: the store knows.
  const api::ObjectKey key{Kind::nodes, "", request.name};
  store_.get(key, life_.tie([this, request = std::move(request),
                             done = std::move(done)](Result<ObjectPtr> node) mutable {
    if (node) {
      accept(std::move(request), std::move(done));
    } else if (node.code() == Code::not_found) {
      done(failed(api::not_found(Kind::nodes, request.name)));
    } else {
      done(failed(from_store(node.error())));
    }
  }));
}

void Heartbeats::accept(Request&& request, Callback<void(Response)> done) {
  request.beat.node = request.name;
  beats_.push_back(std::move(request.beat));
  waiting_.push_back(std::move(done));
  if (posted_) return;
  posted_ = true;
  loop_.post(life_.tie([this] { flush(); }));
}

void Heartbeats::flush() {
  posted_ = false;
  auto waiting =
      std::make_shared<std::vector<Callback<void(Response)>>>(std::exchange(waiting_, {}));
  store_.beat(std::exchange(beats_, {}), life_.tie([waiting](Result<Unit> outcome) {
    for (auto& done : *waiting) {
      done(outcome ? Response{} : failed(from_store(outcome.error())));
    }
  }));
}

void Heartbeats::list(uint64_t cursor, Callback<void(Response)> done) {
  store_.beats_since(cursor,
                     life_.tie([done = std::move(done)](Result<store::BeatPage> page) mutable {
                       if (!page) {
                         done(failed(from_store(page.error())));
                         return;
                       }
                       Response response;
                       response.beats = std::move(page->beats);
                       response.beat_cursor = page->cursor;
                       done(std::move(response));
                     }));
}

bool Heartbeats::concerns(const Request& request) {
  return request.kind == Kind::leases &&
         (request.ns.empty() || request.ns == kNodeLeaseNamespace) &&
         request.continue_token.empty() && request.limit <= 0 && request.label_selector.empty() &&
         request.field_selector.empty();
}

void Heartbeats::overlay(Request request, Response response, Callback<void(Response)> done) {
  store_.beats_since(cursor_,
                     life_.tie([this, request = std::move(request), response = std::move(response),
                                done = std::move(done)](Result<store::BeatPage> page) mutable {
                       if (page) {
                         cursor_ = page->cursor;
                         for (api::Beat& beat : page->beats) keep(std::move(beat));
                       }
                       overlay_now(request, response);
                       done(std::move(response));
                     }));
}

// The page may have been on its way while the node was removed; nobody would tell of that again. A
// node that is too new for the cache is shown from its next heartbeat on.
void Heartbeats::keep(api::Beat&& beat) {
  if (!cache_.find(Kind::nodes, "", beat.node)) return;
  std::string node = beat.node;
  latest_.insert_or_assign(std::move(node), std::move(beat));
}

void Heartbeats::saw(const Change& change) {
  if (change.after || change.before == nullptr || change.before->kind() != Kind::nodes) return;
  latest_.erase(change.before->name());
}

void Heartbeats::reloaded() {
  std::erase_if(latest_,
                [this](const auto& one) { return !cache_.find(Kind::nodes, "", one.first); });
}

ObjectPtr Heartbeats::shown(const ObjectPtr& lease, const api::Beat& beat,
                            Revision revision) const {
  if (lease) return renewed(lease, beat);
  if (!cache_.find(Kind::nodes, "", beat.node)) return nullptr;
  return renewed(unstored_lease(beat, revision), beat);
}

ObjectPtr Heartbeats::renewed(const ObjectPtr& lease, const api::Beat& beat) const {
  auto copy = std::make_shared<api::Lease>(lease->as<api::Lease>());
  *copy->mutable_spec()->mutable_renew_time() = api::to_micro_time(beat.renew_time);
  if (!copy->spec().has_lease_duration_seconds()) {
    copy->mutable_spec()->set_lease_duration_seconds(kLeaseSeconds);
  }
  return std::make_shared<const Object>(Kind::leases, std::move(copy), lease->revision());
}

void Heartbeats::overlay_now(const Request& request, Response& response) const {
  if (request.verb == Verb::get) {
    const auto beat = latest_.find(request.name);
    if (beat == latest_.end() || (!response.ok() && response.error.reason != Reason::not_found)) {
      return;
    }
    if (const ObjectPtr lease = shown(response.object, beat->second, response.revision)) {
      response.error = {};
      response.object = lease;
    }
    return;
  }
  if (!response.ok()) return;
  std::map<std::pair<std::string, std::string>, ObjectPtr> leases;
  for (const ObjectPtr& lease : response.items) leases[{lease->ns(), lease->name()}] = lease;
  for (const auto& [node, beat] : latest_) {
    const std::pair name{std::string(kNodeLeaseNamespace), node};
    const auto stored = leases.find(name);
    const ObjectPtr lease =
        shown(stored == leases.end() ? nullptr : stored->second, beat, response.revision);
    if (lease) leases[name] = lease;
  }
  response.items.clear();
  for (auto& [name, lease] : leases) response.items.push_back(std::move(lease));
}

}  // namespace keelson::apiserver
