// DELETE: at once, gracefully (pods), or when the finalizers are done.
// Source: k8s.io/apiserver/pkg/registry/rest/delete.go and generic/registry/store.go; for pods
// pkg/registry/core/pod/strategy.go, for namespaces pkg/registry/core/namespace/storage.
#include "core/apiserver/pipeline/remove.hpp"

#include <algorithm>

#include "core/api/json.hpp"
#include "core/apiserver/pipeline/admission.hpp"
#include "core/apiserver/pipeline/claims.hpp"
#include "core/apiserver/pipeline/leases.hpp"
#include "core/apiserver/pipeline/metadata.hpp"
#include "core/apiserver/pipeline/registry.hpp"

namespace keelson::apiserver {

namespace {

// Foreground and orphaning deletions are finalizers, which the garbage collector takes off again
// when it has done its part. No wish: what the object carries already stands.
bool set_propagation(api::Propagation wish, ObjectMeta& meta) {
  if (wish == api::Propagation::unset) return false;
  std::vector<std::string> wanted;
  for (const std::string& finalizer : meta.finalizers()) {
    if (finalizer != kForegroundFinalizer && finalizer != kOrphanFinalizer) {
      wanted.push_back(finalizer);
    }
  }
  if (wish == api::Propagation::foreground) wanted.emplace_back(kForegroundFinalizer);
  if (wish == api::Propagation::orphan) wanted.emplace_back(kOrphanFinalizer);
  if (std::equal(wanted.begin(), wanted.end(), meta.finalizers().begin(),
                 meta.finalizers().end())) {
    return false;
  }
  meta.clear_finalizers();
  for (std::string& finalizer : wanted) meta.add_finalizers(std::move(finalizer));
  return true;
}

// How long the containers of a pod get to end: nothing runs for one that is unscheduled or
// finished.
int64_t grace_of(const api::Pod& pod, std::optional<int64_t> wish) {
  if (pod.spec().node_name().empty() || finished(pod)) return 0;
  int64_t grace = 30;
  if (pod.spec().has_termination_grace_period_seconds()) {
    grace = pod.spec().termination_grace_period_seconds();
  }
  grace = wish.value_or(grace);
  return grace < 0 ? 1 : grace;
}

class Remove final : public Operation {
 public:
  using Operation::Operation;

  Attempt attempt() override {
    const ObjectPtr now = current();
    if (!now) return Attempt::fail(api::not_found(request_.kind, request_.name));
    if (ApiError error = guarded(now.get(), nullptr)) return Attempt::fail(std::move(error));
    Attempt attempt = plan_removal(context_, now, request_, &last_);
    // Without its Lease a role has no holder: the token of the last one must not write any more.
    if (last_ && request_.kind == Kind::leases) {
      attempt.grant_role = role_given_up(now->as<api::Lease>());
    }
    return attempt;
  }

  Response committed(const store::Committed& committed) override {
    return removal_response(committed.objects.front(), last_);
  }

 private:
  MessagePtr last_;
};

Attempt pending(const ObjectPtr& now) {
  Response response;
  response.object = now;
  response.revision = now->revision();
  return Attempt::answer(std::move(response));
}

Attempt remove_namespace(const Context& context, const ObjectPtr& now, const Request& request,
                         MessagePtr* last) {
  if (immortal(now->name())) {
    return Attempt::fail(
        api::forbidden(Kind::namespaces, now->name(), "this namespace may not be deleted"));
  }
  const auto& before = now->as<api::Namespace>();
  if (now->deleting()) {
    if (before.spec().finalizers_size() == 0 && now->meta().finalizers_size() == 0) {
      *last = now->body();
      return Attempt::write(remove_of(*now));
    }
    return Attempt::fail(api::conflict(
        Kind::namespaces, now->name(),
        "The system is ensuring all content is removed from this namespace.  Upon completion, this "
        "namespace will automatically be purged by the system."));
  }
  auto next = std::make_shared<api::Namespace>(before);
  set_propagation(request.propagation, *next->mutable_metadata());
  mark_deleting(*next->mutable_metadata(), context.loop.wall_now(), 0);
  next->mutable_metadata()->clear_deletion_grace_period_seconds();
  next->mutable_status()->set_phase("Terminating");
  return Attempt::write(put_over(*now, std::move(next)));
}

}  // namespace

Attempt plan_removal(const Context& context, const ObjectPtr& now, const Request& request,
                     MessagePtr* last) {
  *last = nullptr;
  if (ApiError error = check_expected_to_delete(request.expected, *now)) {
    return Attempt::fail(std::move(error));
  }
  const Kind kind = now->kind();
  if (kind == Kind::namespaces) return remove_namespace(context, now, request, last);

  const ObjectMeta& meta = now->meta();
  const WallTime wall = context.loop.wall_now();
  std::unique_ptr<Message> next = clone(now->message());
  ObjectMeta& marked = api::mutable_meta_of(kind, *next);
  if (meta.has_deletion_timestamp() && kind != Kind::pods) {
    // Finalizers hold it. A wish that replaces the one before helps where that has got stuck:
    // "after all do not wait for the dependents".
    if (!set_propagation(request.propagation, marked)) return pending(now);
    if (marked.finalizers_size() > 0) return Attempt::write(put_over(*now, std::move(next)));
  } else if (meta.has_deletion_timestamp() && meta.has_deletion_grace_period_seconds()) {
    // It is on its way already: all that another deletion can do is to hurry it.
    const int64_t old_grace = meta.deletion_grace_period_seconds();
    if (!request.grace_period_seconds || *request.grace_period_seconds >= old_grace) {
      return pending(now);
    }
    const int64_t grace = std::max<int64_t>(0, *request.grace_period_seconds);
    const WallTime begun =
        api::to_wall(meta.deletion_timestamp()) + std::chrono::seconds(grace - old_grace);
    mark_deleting(marked, begun, grace);
    if (grace > 0 || marked.finalizers_size() > 0) {
      return Attempt::write(put_over(*now, std::move(next)));
    }
  } else if (kind == Kind::pods) {
    const int64_t grace = grace_of(now->as<api::Pod>(), request.grace_period_seconds);
    set_propagation(request.propagation, marked);
    mark_deleting(marked, wall + std::chrono::seconds(grace), grace);
    if (grace > 0 || marked.finalizers_size() > 0) {
      return Attempt::write(put_over(*now, std::move(next)));
    }
  } else {
    set_propagation(request.propagation, marked);
    mark_deleting(marked, wall, 0);
    if (marked.finalizers_size() > 0) return Attempt::write(put_over(*now, std::move(next)));
  }
  *last = std::move(next);
  return Attempt::write(remove_of(*now));
}

Response removal_response(const ObjectPtr& committed, const MessagePtr& last) {
  Response response;
  response.revision = committed->revision();
  if (!last) {
    response.object = committed;
    return response;
  }
  response.removed_uid = committed->uid();
  // Kubernetes answers the deletion of a pod with the pod also when it is gone already.
  if (committed->kind() == Kind::pods) response.message = last;
  return response;
}

OperationPtr make_remove(Request&& request, const Context& context) {
  return std::make_shared<Remove>(std::move(request), context);
}

}  // namespace keelson::apiserver
