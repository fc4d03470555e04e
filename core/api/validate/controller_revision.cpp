// Controller revisions. Source: Kubernetes pkg/apis/apps/validation/validation.go.
#include "core/api/validate/validators.hpp"

namespace keelson::api {

void validate(Errors& errors, const ControllerRevision& revision) {
  if (revision.data().raw().empty()) errors.required(Path("data"), "data is mandatory");
  check_nonnegative(errors, Path("revision"), revision.revision());
}

void validate_change(Errors& errors, const ControllerRevision& now,
                     const ControllerRevision& before) {
  validate(errors, now);
  if (now.data().raw() != before.data().raw()) {
    errors.invalid_shown(Path("data"), go_value(now.data()), immutable_reason);
  }
}

}  // namespace keelson::api
