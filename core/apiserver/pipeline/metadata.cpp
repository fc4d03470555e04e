#include "core/apiserver/pipeline/metadata.hpp"

#include <charconv>

#include "core/api/json.hpp"

namespace keelson::apiserver {

namespace {

bool other_revision(const api::Expected& expected, const Object& current) {
  return expected.revision && expected.revision->value != current.revision().value;
}

ApiError refuse_to_delete(const Object& current, const std::string& why) {
  // Kubernetes names the Kind here, not the resource (a golden answer shows it).
  const api::KindInfo& info = api::info(current.kind());
  ApiError error = api::conflict(current.kind(), current.name(), why);
  error.kind = info.name;
  error.message = "Operation cannot be fulfilled on " + info.qualified_name + " \"" +
                  current.name() + "\": " + why;
  return error;
}

}  // namespace

ApiError check_place(const Request& request, ObjectMeta& meta) {
  if (!api::info(request.kind).namespaced) {
    meta.clear_namespace_();
  } else if (request.ns.empty()) {
    if (meta.namespace_().empty()) {
      return api::bad_request("an empty namespace may not be set during creation");
    }
  } else if (meta.namespace_().empty()) {
    meta.set_namespace_(request.ns);
  } else if (meta.namespace_() != request.ns) {
    return api::bad_request(
        "the namespace of the provided object does not match the namespace sent on the request");
  }
  if (request.name.empty()) return {};
  if (meta.name().empty()) meta.set_name(request.name);
  if (meta.name() != request.name) {
    return api::bad_request("the name of the object (" + meta.name() +
                            ") does not match the name on the URL (" + request.name + ")");
  }
  return {};
}

void begin_life(ObjectMeta& meta, std::string uid, WallTime now) {
  meta.set_uid(std::move(uid));
  meta.clear_generation();
  meta.clear_self_link();
  meta.clear_resource_version();
  meta.clear_deletion_timestamp();
  meta.clear_deletion_grace_period_seconds();
  *meta.mutable_creation_timestamp() = api::to_time(now);
}

void carry_over(ObjectMeta& now, const ObjectMeta& before) {
  now.clear_self_link();
  now.clear_resource_version();
  now.set_uid(before.uid());
  // A writer that says nothing about who manages what leaves it as it is.
  if (now.managed_fields().empty()) *now.mutable_managed_fields() = before.managed_fields();
  now.set_generation(before.generation());
  *now.mutable_creation_timestamp() = before.creation_timestamp();
  // A deletion is never taken back, nor begun by an update.
  if (before.has_deletion_timestamp()) {
    *now.mutable_deletion_timestamp() = before.deletion_timestamp();
  } else {
    now.clear_deletion_timestamp();
  }
  if (before.has_deletion_grace_period_seconds()) {
    now.set_deletion_grace_period_seconds(before.deletion_grace_period_seconds());
  } else {
    now.clear_deletion_grace_period_seconds();
  }
}

std::optional<Revision> revision_named(const std::string& text) {
  if (text.empty()) return std::nullopt;
  Revision revision;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, revision.value);
  return error == std::errc() && end == last ? revision : Revision{};
}

ApiError check_expected(const api::Expected& expected, const Object& current) {
  if (!expected.uid.empty() && expected.uid != current.uid()) {
    return api::conflict(current.kind(), current.name(),
                         "Precondition failed: UID in precondition: " + expected.uid +
                             ", UID in object meta: " + current.uid());
  }
  if (other_revision(expected, current)) {
    return api::conflict_modified(current.kind(), current.name());
  }
  return {};
}

ApiError check_expected_to_delete(const api::Expected& expected, const Object& current) {
  if (!expected.uid.empty() && expected.uid != current.uid()) {
    return refuse_to_delete(current,
                            "the UID in the precondition (" + expected.uid +
                                ") does not match the UID in record (" + current.uid() +
                                "). The object might have been deleted and then recreated");
  }
  if (other_revision(expected, current)) {
    return refuse_to_delete(
        current, "the ResourceVersion in the precondition (" + api::to_string(*expected.revision) +
                     ") does not match the ResourceVersion in record (" +
                     api::to_string(current.revision()) + "). The object might have been modified");
  }
  return {};
}

void mark_deleting(ObjectMeta& meta, WallTime when, int64_t grace) {
  if (!meta.has_deletion_timestamp() && meta.generation() > 0) {
    meta.set_generation(meta.generation() + 1);
  }
  *meta.mutable_deletion_timestamp() = api::to_time(when);
  meta.set_deletion_grace_period_seconds(grace);
}

bool ready_to_go(Kind kind, const Message& message) {
  const ObjectMeta& meta = api::meta_of(kind, message);
  if (!meta.has_deletion_timestamp() || meta.finalizers_size() > 0) return false;
  if (meta.deletion_grace_period_seconds() > 0) return false;
  return kind != Kind::namespaces ||
         static_cast<const api::Namespace&>(message).spec().finalizers_size() == 0;
}

}  // namespace keelson::apiserver
