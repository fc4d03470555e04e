#include "core/apiserver/pipeline/update.hpp"

#include <algorithm>

#include "core/api/canonical.hpp"
#include "core/api/create_on_update.hpp"
#include "core/api/patch.hpp"
#include "core/api/validation.hpp"
#include "core/apiserver/pipeline/admission.hpp"
#include "core/apiserver/pipeline/fields.hpp"
#include "core/apiserver/pipeline/leases.hpp"
#include "core/apiserver/pipeline/metadata.hpp"
#include "core/apiserver/pipeline/registry.hpp"
#include "core/apiserver/pipeline/service_addresses.hpp"

namespace keelson::apiserver {

namespace {

// The namespace controller says by an update of spec.finalizers that it has emptied a namespace
// (over HTTP, by a PUT of /finalize). Components may do that to a terminating namespace, people only
// through /finalize.
bool may_finalize(const Request& request) {
  if (request.subresource == Subresource::finalize) return true;
  return request.user.starts_with("system:") && !request.user.starts_with("system:node:");
}

void keep_finalizers(const Request& request, const Object& before, api::Namespace& now) {
  const auto& had = before.as<api::Namespace>().spec().finalizers();
  const std::vector<std::string> wanted(now.spec().finalizers().begin(),
                                        now.spec().finalizers().end());
  const bool take_away = before.deleting() && may_finalize(request);
  now.mutable_spec()->clear_finalizers();
  for (const std::string& finalizer : had) {
    if (take_away && std::find(wanted.begin(), wanted.end(), finalizer) == wanted.end()) continue;
    now.mutable_spec()->add_finalizers(finalizer);
  }
}

// What a namespace still holds, or empty. Events do not count: they only tell of what has been.
std::string leftover(const WatchCache& cache, const std::string& ns) {
  for (const api::KindInfo& info : api::all_kinds()) {
    if (!info.namespaced || info.kind == Kind::events) continue;
    const ObjectMap& objects = cache.objects(info.kind);
    const auto first = objects.lower_bound(NameRef{ns, ""});
    if (first != objects.end() && first->first.ns == ns) return info.plural;
  }
  return {};
}

// Through this subresource nothing else of a pod can be changed, whatever is sent.
std::unique_ptr<Message> with_ephemeral_containers(const api::Pod& before, const Message& sent) {
  const auto& from = static_cast<const api::Pod&>(sent);
  auto now = std::make_unique<api::Pod>(before);
  *now->mutable_spec()->mutable_ephemeral_containers() = from.spec().ephemeral_containers();
  // Who has set what is noted beside it.
  *now->mutable_metadata()->mutable_managed_fields() = from.metadata().managed_fields();
  return now;
}

// The creation that a PUT becomes where there is no object. That the body names a revision is
// forgotten, as in Kubernetes: clients write back what they had read.
Request creation(const Request& request) {
  Request out = request;
  out.verb = Verb::create;
  out.expected = {};
  return out;
}

class Update final : public UpdateBase {
 public:
  Update(Request&& request, const Context& context) : UpdateBase(std::move(request), context) {
    if (request_.verb == Verb::update && request_.create_missing &&
        request_.subresource == Subresource::none && api::creates_on_update(request_.kind)) {
      creation_ = make_create(creation(request_), context_);
    }
  }

  std::string lane() const override { return creation_ ? creation_->lane() : UpdateBase::lane(); }

  Attempt attempt() override {
    creating_ = false;
    if (request_.subresource == Subresource::status && !api::info(request_.kind).has_status) {
      ApiError error = api::not_found(request_.kind, request_.name);
      error.message = "the server could not find the requested resource";
      return Attempt::fail(std::move(error));
    }
    const ObjectPtr before = current();
    if (!before) return create();
    if (ApiError error = check_expected(request_.expected, *before)) {
      return Attempt::fail(std::move(error));
    }
    if (request_.verb != Verb::patch) return replace(before);
    Attempt attempt = patch(before);
    if (attempt.response.ok()) attempt.response.warnings = warnings_;
    return attempt;
  }

  Response committed(const store::Committed& committed) override {
    return creating_ ? creation_->committed(committed) : UpdateBase::committed(committed);
  }

 private:
  Attempt create() {
    if (!creation_) return Attempt::fail(api::not_found(request_.kind, request_.name));
    if (request_.refuse_create) return Attempt::fail(request_.refuse_create);
    if (request_.body && is_message_of(request_.kind, *request_.body)) {
      // A body that names an incarnation is about an object that was there.
      const std::string& uid = api::meta_of(request_.kind, *request_.body).uid();
      if (!uid.empty()) {
        return Attempt::fail(api::conflict(request_.kind, request_.name,
                                           "Precondition failed: UID in precondition: " + uid +
                                               ", UID in object meta: "));
      }
    }
    creating_ = true;
    return creation_->attempt();
  }

  Attempt replace(const ObjectPtr& before) {
    if (!request_.body || !is_message_of(request_.kind, *request_.body)) {
      return Attempt::fail(api::bad_request("the object provided is unrecognized: expected a " +
                                            api::info(request_.kind).name));
    }
    std::unique_ptr<Message> now = clone(*request_.body);
    ObjectMeta& meta = api::mutable_meta_of(request_.kind, *now);
    if (ApiError error = check_place(request_, meta)) return Attempt::fail(std::move(error));
    if (ApiError error = check_same_object(meta, *before)) return Attempt::fail(std::move(error));
    if (of_status()) return write_status(before, new_status(before->message(), *now));
    return write_back(before, std::move(now));
  }

  Attempt patch(const ObjectPtr& before) {
    api::Patched patched = api::apply_patch(*before, request_.patch_type, request_.patch,
                                            request_.field_validation);
    warnings_ = std::move(patched.warnings);
    if (patched.error) return Attempt::fail(std::move(patched.error));
    if (ApiError error = check_expected({{}, patched.revision}, *before)) {
      return Attempt::fail(std::move(error));
    }
    ObjectMeta& meta = api::mutable_meta_of(request_.kind, *patched.message);
    if (ApiError error = check_place(request_, meta)) return Attempt::fail(std::move(error));
    if (ApiError error = check_same_object(meta, *before)) return Attempt::fail(std::move(error));
    if (of_status()) return write_status(before, new_status(before->message(), *patched.message));
    return write_back(before, std::move(patched.message));
  }

  bool of_status() const {
    return request_.subresource == Subresource::status ||
           request_.subresource == Subresource::approval;
  }

  OperationPtr creation_;  // null: what is updated must be there
  bool creating_ = false;  // the last attempt was one to create
};

}  // namespace

std::string UpdateBase::lane() const {
  return request_.kind == Kind::services && request_.subresource == Subresource::none
             ? std::string(kServiceLane)
             : std::string();
}

ApiError check_same_object(const ObjectMeta& sent, const Object& before) {
  if (!sent.name().empty() && sent.name() != before.name()) {
    return api::bad_request("the name of the object (" + sent.name() +
                            ") does not match the name on the URL (" + before.name() + ")");
  }
  return check_expected({sent.uid(), {}}, before);
}

void UpdateBase::note_fields(const Object& before, Message& now) const {
  note_update(request_, context_, &before.message(), now);
}

Attempt UpdateBase::write_back(const ObjectPtr& before, std::unique_ptr<Message> now) {
  const Kind kind = request_.kind;
  const bool debugging = request_.subresource == Subresource::ephemeral_containers;
  if (debugging) now = with_ephemeral_containers(before->as<api::Pod>(), *now);
  carry_over(api::mutable_meta_of(kind, *now), before->meta());
  keep_status(kind, *now, before->message());
  api::apply_defaults(kind, *now);
  const bool whole = request_.verb == Verb::update;
  if (ApiError error = admit_update(context_, kind, *now, before->message(), whole)) {
    return Attempt::fail(std::move(error));
  }
  note_fields(*before, *now);
  Attempt extra;
  if (kind == Kind::services) {
    bool allocated = false;
    if (ApiError error = assign_addresses(context_, static_cast<api::Service&>(*now),
                                          &before->as<api::Service>(), &allocated)) {
      return Attempt::fail(std::move(error));
    }
    if (allocated) extra.writes.push_back(touch_addresses(context_));
  }
  if (kind == Kind::namespaces) {
    keep_finalizers(request_, *before, static_cast<api::Namespace&>(*now));
  }
  if (kind == Kind::leases) {
    extra.grant_role = role_taken(&before->as<api::Lease>(), static_cast<const api::Lease&>(*now));
  }
  if (ApiError error = guarded(before.get(), now.get())) return Attempt::fail(std::move(error));
  count_generation(kind, *now, before->message());
  if (ApiError error = debugging ? api::validate_ephemeral_containers_update(
                                       static_cast<const api::Pod&>(*now), before->as<api::Pod>())
                                 : api::validate_update(kind, *now, before->message())) {
    return Attempt::fail(std::move(error));
  }
  Attempt attempt = put_or_remove(before, std::move(now));
  if (attempt.writes.empty()) return attempt;
  attempt.grant_role = std::move(extra.grant_role);
  for (store::Write& write : extra.writes) attempt.writes.push_back(std::move(write));
  return attempt;
}

std::unique_ptr<Message> UpdateBase::new_status(const Message& before, const Message& source) const {
  auto now = request_.kind == Kind::certificate_signing_requests
                 ? with_signing_status(before, source, request_.subresource == Subresource::approval,
                                       context_.loop.wall_now())
                 : with_status(request_.kind, before, source);
  // A component beside the server tells what it has found out, on whatever it has last seen of the
  // rest; clients have read what they write back.
  if (!request_.field_manager.empty()) take_metadata(request_.kind, *now, before, source);
  return now;
}

Attempt UpdateBase::write_status(const ObjectPtr& before, std::unique_ptr<Message> now) {
  const Kind kind = request_.kind;
  note_fields(*before, *now);
  if (api::same(*status_of(kind, *now), *status_of(kind, before->message())) &&
      api::same(api::meta_of(kind, *now), before->meta())) {
    Response response;
    response.object = before;
    response.revision = before->revision();
    return Attempt::answer(std::move(response));
  }
  if (ApiError error = guarded(before.get(), now.get())) return Attempt::fail(std::move(error));
  if (ApiError error = api::validate_status_update(kind, *now, before->message())) {
    return Attempt::fail(std::move(error));
  }
  return put_or_remove(before, std::move(now));
}

Attempt UpdateBase::put_or_remove(const ObjectPtr& before, MessagePtr now) {
  removed_ = nullptr;
  if (ready_to_go(request_.kind, *now)) {
    if (request_.kind == Kind::namespaces) {
      const std::string kept = leftover(context_.cache, before->name());
      if (!kept.empty()) {
        return Attempt::fail(
            api::conflict(request_.kind, before->name(), "the namespace still contains " + kept));
      }
    }
    removed_ = std::move(now);
    return Attempt::write(remove_of(*before));
  }
  if (api::same(*now, before->message())) {
    Response response;
    response.object = before;
    response.revision = before->revision();
    return Attempt::answer(std::move(response));
  }
  return Attempt::write(put_over(*before, std::move(now)));
}

Response UpdateBase::committed(const store::Committed& committed) {
  Response response = Operation::committed(committed);
  response.warnings = warnings_;
  if (removed_) {
    response.removed_uid = response.object->uid();
    response.object =
        std::make_shared<const Object>(request_.kind, removed_, response.object->revision());
  }
  return response;
}

OperationPtr make_update(Request&& request, const Context& context) {
  if (request.verb == Verb::patch && request.patch_type == api::PatchType::apply) {
    return make_apply(std::move(request), context);
  }
  return std::make_shared<Update>(std::move(request), context);
}

}  // namespace keelson::apiserver
