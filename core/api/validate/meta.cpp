// Metadata, labels, annotations and label selectors: the same for all kinds.
// Source: k8s.io/apimachinery/pkg/api/validation/objectmeta.go and apis/meta/v1/validation.
#include <fmt/format.h>

#include <algorithm>

#include "core/api/validate/names.hpp"
#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

constexpr int64_t annotations_bytes_max = 256 * 1024;
constexpr int64_t manager_length_max = 128;

bool any_segment(Kind kind) {
  switch (kind) {
    case Kind::roles:
    case Kind::role_bindings:
    case Kind::cluster_roles:
    case Kind::cluster_role_bindings:
    case Kind::certificate_signing_requests: return true;
    default: return false;
  }
}

std::vector<std::string> check_name(Kind kind, std::string_view name) {
  if (kind == Kind::services) return check_dns1035_label(name);
  if (kind == Kind::namespaces) return check_dns1123_label(name);
  // Events are named by whoever writes them; only what a URL cannot carry is refused.
  if (kind == Kind::events) return {};
  // Roles and requests have names that people and systems give them, with colons and capitals.
  if (any_segment(kind)) return check_path_segment(name);
  return check_dns1123_subdomain(name);
}

void validate_name(Errors& errors, Kind kind, const ObjectMeta& meta) {
  const Path path("metadata.name");
  if (!meta.generate_name().empty()) {
    // More characters follow, so a trailing dash is as good as a letter.
    std::string prefix = meta.generate_name();
    if (prefix.size() > 1 && prefix.back() == '-') prefix.back() = 'a';
    errors.invalid(Path("metadata.generateName"), meta.generate_name(), check_name(kind, prefix));
  }
  if (meta.name().empty()) {
    errors.required(path, "name or generateName is required");
    return;
  }
  errors.invalid(path, meta.name(), check_name(kind, meta.name()));
  if (kind == Kind::events) errors.invalid(path, meta.name(), check_path_segment(meta.name()));
}

void validate_namespace_field(Errors& errors, Kind kind, const ObjectMeta& meta) {
  const Path path("metadata.namespace");
  if (!info(kind).namespaced) {
    if (!meta.namespace_().empty()) errors.forbidden(path, "not allowed on this type");
    return;
  }
  if (meta.namespace_().empty()) {
    errors.required(path);
  } else {
    errors.invalid(path, meta.namespace_(), check_dns1123_label(meta.namespace_()));
  }
}

void validate_owner_references(Errors& errors, const ObjectMeta& meta) {
  const Path path("metadata.ownerReferences");
  const OwnerReference* controller = nullptr;
  for (const OwnerReference& owner : meta.owner_references()) {
    std::string_view version = owner.api_version();
    if (size_t slash = version.find('/'); slash != std::string_view::npos) {
      version.remove_prefix(slash + 1);
    }
    if (version.empty()) {
      errors.invalid(path.child("apiVersion"), owner.api_version(), "version must not be empty");
    }
    auto not_empty = [&](std::string_view name, std::string_view value) {
      if (value.empty()) errors.invalid(path.child(name), value, "must not be empty");
    };
    not_empty("kind", owner.kind());
    not_empty("name", owner.name());
    not_empty("uid", owner.uid());
    // Events are short-lived and never own anything.
    if (owner.api_version() == "v1" && owner.kind() == "Event") {
      errors.invalid_shown(path, go_value(owner),
                           "/v1, Kind=Event is disallowed from being an owner");
    }
    if (!owner.controller()) continue;
    if (controller != nullptr) {
      errors.invalid_shown(
          path, go_value(owner),
          fmt::format("Only one reference can have Controller set to true. Found "
                      "\"true\" in references for {}/{} and {}/{}",
                      controller->kind(), controller->name(), owner.kind(), owner.name()));
    } else {
      controller = &owner;
    }
  }
}

void validate_finalizers(Errors& errors, const ObjectMeta& meta) {
  const Path path("metadata.finalizers");
  bool orphan = false;
  bool foreground = false;
  for (const std::string& finalizer : meta.finalizers()) {
    validate_finalizer_name(errors, path, finalizer);
    orphan = orphan || finalizer == "orphan";
    foreground = foreground || finalizer == "foregroundDeletion";
  }
  if (orphan && foreground) {
    std::vector<std::string> all(meta.finalizers().begin(), meta.finalizers().end());
    errors.invalid_shown(path, go_value(all),
                         "finalizer orphan and foregroundDeletion cannot be both set");
  }
}

void validate_managed_fields(Errors& errors, const ObjectMeta& meta) {
  const Path path("metadata.managedFields");
  for (int i = 0; i < meta.managed_fields_size(); ++i) {
    const ManagedFieldsEntry& entry = meta.managed_fields(i);
    const Path place = path.index(i);
    if (entry.operation() != "Apply" && entry.operation() != "Update") {
      errors.invalid(place.child("operation"), entry.operation(), "must be `Apply` or `Update`");
    }
    if (!entry.fields_type().empty() && entry.fields_type() != "FieldsV1") {
      errors.invalid(place.child("fieldsType"), entry.fields_type(), "must be `FieldsV1`");
    }
    if (static_cast<int64_t>(entry.manager().size()) > manager_length_max) {
      errors.too_long(place.child("manager"), manager_length_max);
    }
  }
}

// What holds after a creation and after an update alike.
void validate_meta_common(Errors& errors, const ObjectMeta& meta) {
  validate_labels(errors, Path("metadata.labels"), meta.labels());
  validate_annotations(errors, Path("metadata.annotations"), meta.annotations());
  validate_owner_references(errors, meta);
}

bool same_time(const Time& a, const Time& b) {
  return a.seconds() == b.seconds() && a.nanos() == b.nanos();
}

void validate_no_new_finalizers(Errors& errors, const ObjectMeta& now, const ObjectMeta& before) {
  Seen known;
  for (const std::string& finalizer : before.finalizers()) known.add(finalizer);
  std::vector<std::string> added;
  for (const std::string& finalizer : now.finalizers()) {
    if (!known.contains(finalizer)) added.push_back(finalizer);
  }
  if (added.empty()) return;
  std::sort(added.begin(), added.end());
  errors.forbidden(Path("metadata.finalizers"),
                   fmt::format("no new finalizers can be added if the object is being deleted, "
                               "found new finalizers {}",
                               go_value(added)));
}

}  // namespace

std::vector<std::string_view> sorted_keys(const StringMap& map) {
  std::vector<std::string_view> keys;
  keys.reserve(map.size());
  for (const auto& [key, value] : map) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

void validate_label_key(Errors& errors, const Path& path, std::string_view key) {
  errors.invalid(path, key, check_qualified_name(key));
}

void validate_labels(Errors& errors, const Path& path, const StringMap& labels) {
  for (std::string_view key : sorted_keys(labels)) {
    const std::string& value = labels.at(std::string(key));
    validate_label_key(errors, path, key);
    errors.invalid(path, value, check_label_value(value));
  }
}

void validate_annotations(Errors& errors, const Path& path, const StringMap& annotations) {
  int64_t bytes = 0;
  for (std::string_view key : sorted_keys(annotations)) {
    // Annotation keys, unlike label keys, may have capitals in their prefix.
    std::string lower(key);
    for (char& c : lower) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    errors.invalid(path, key, check_qualified_name(lower));
    bytes += static_cast<int64_t>(key.size() + annotations.at(std::string(key)).size());
  }
  if (bytes > annotations_bytes_max) errors.too_long(path, annotations_bytes_max);
}

void validate_finalizer_name(Errors& errors, const Path& path, std::string_view name) {
  std::vector<std::string> reasons = check_qualified_name(name);
  errors.invalid(path, name, reasons);
  if (!reasons.empty() || name.find('/') != std::string_view::npos) return;
  if (name == "kubernetes" || name == "orphan" || name == "foregroundDeletion") return;
  errors.invalid(path, name, "name is neither a standard finalizer name nor is it fully qualified");
}

void validate_label_selector(Errors& errors, const Path& path, const LabelSelector& selector) {
  validate_labels(errors, path.child("matchLabels"), selector.match_labels());
  const Path expressions = path.child("matchExpressions");
  for (int i = 0; i < selector.match_expressions_size(); ++i) {
    const LabelSelectorRequirement& one = selector.match_expressions(i);
    const Path place = expressions.index(i);
    if (one.operator_() == "In" || one.operator_() == "NotIn") {
      if (one.values().empty()) {
        errors.required(place.child("values"),
                        "must be specified when `operator` is 'In' or 'NotIn'");
      }
    } else if (one.operator_() == "Exists" || one.operator_() == "DoesNotExist") {
      if (!one.values().empty()) {
        errors.forbidden(place.child("values"),
                         "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      }
    } else {
      errors.invalid(place.child("operator"), one.operator_(), "not a valid selector operator");
    }
    validate_label_key(errors, place.child("key"), one.key());
    const Path values = place.child("values");
    for (int j = 0; j < one.values_size(); ++j) {
      errors.invalid(values.index(j), one.values(j), check_label_value(one.values(j)));
    }
  }
}

void validate_meta_create(Errors& errors, Kind kind, const ObjectMeta& meta) {
  validate_name(errors, kind, meta);
  validate_namespace_field(errors, kind, meta);
  check_nonnegative(errors, Path("metadata.generation"), meta.generation());
  validate_meta_common(errors, meta);
  validate_finalizers(errors, meta);
  validate_managed_fields(errors, meta);
}

void validate_meta_update(Errors& errors, const ObjectMeta& now, const ObjectMeta& before) {
  if (before.has_deletion_timestamp()) validate_no_new_finalizers(errors, now, before);
  if (now.generation() < before.generation()) {
    errors.invalid(Path("metadata.generation"), now.generation(), "must not be decremented");
  }
  auto unchanged = [&](std::string_view path, const std::string& a, const std::string& b) {
    if (a != b) errors.invalid(Path(path), a, immutable_reason);
  };
  unchanged("metadata.name", now.name(), before.name());
  unchanged("metadata.namespace", now.namespace_(), before.namespace_());
  // Clients may leave out what the server knows; what they do send must be true.
  if (!now.uid().empty()) unchanged("metadata.uid", now.uid(), before.uid());
  if (now.has_creation_timestamp() &&
      !same_time(now.creation_timestamp(), before.creation_timestamp())) {
    errors.invalid_shown(Path("metadata.creationTimestamp"), go_value(now.creation_timestamp()),
                         immutable_reason);
  }
  if (now.has_deletion_timestamp() &&
      !same_time(now.deletion_timestamp(), before.deletion_timestamp())) {
    errors.invalid_shown(Path("metadata.deletionTimestamp"), go_value(now.deletion_timestamp()),
                         immutable_reason);
  }
  if (now.has_deletion_grace_period_seconds() &&
      now.deletion_grace_period_seconds() != before.deletion_grace_period_seconds()) {
    errors.invalid(Path("metadata.deletionGracePeriodSeconds"), now.deletion_grace_period_seconds(),
                   immutable_reason);
  }
  validate_meta_common(errors, now);
  validate_finalizers(errors, now);
  validate_managed_fields(errors, now);
}

}  // namespace keelson::api
