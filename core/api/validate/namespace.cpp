// Namespaces and events.
#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {

void validate(Errors& errors, const Namespace& ns) {
  const Path path("spec.finalizers");
  for (int i = 0; i < ns.spec().finalizers_size(); ++i) {
    validate_finalizer_name(errors, path, ns.spec().finalizers(i));
  }
}

void validate_change(Errors& errors, const Namespace& now, const Namespace&) {
  validate(errors, now);
}

void validate_status_change(Errors& errors, const Namespace& now, const Namespace&) {
  const Path path("status.Phase");
  const std::string& phase = now.status().phase();
  if (!now.metadata().has_deletion_timestamp()) {
    if (phase != "Active") {
      errors.invalid(path, phase, "may only be 'Active' if `deletionTimestamp` is empty");
    }
  } else if (phase != "Terminating") {
    errors.invalid(path, phase, "may only be 'Terminating' if `deletionTimestamp` is not empty");
  }
}

void validate(Errors& errors, const Event& event) {
  // Events about objects outside of namespaces are kept in the namespace default.
  const std::string& ns = event.metadata().namespace_();
  const std::string& about = event.involved_object().namespace_();
  const bool agrees = about.empty() ? ns == "default" : ns == about;
  if (!agrees) {
    errors.invalid(Path("involvedObject.namespace"), about, "does not match event.namespace");
  }
  // The newer way of reporting, which sets eventTime, must say who did what.
  if (!event.has_event_time()) return;
  auto need = [&](std::string_view path, const std::string& value, size_t length_max) {
    if (value.empty()) {
      errors.required(Path(path));
    } else if (value.size() > length_max) {
      errors.invalid(Path(path), value,
                     "can have at most " + std::to_string(length_max) + " characters");
    }
  };
  need("reportingComponent", event.reporting_component(), 253);
  errors.invalid(Path("reportingComponent"), event.reporting_component(),
                 event.reporting_component().empty()
                     ? std::vector<std::string>{}
                     : check_qualified_name(event.reporting_component()));
  need("reportingInstance", event.reporting_instance(), 128);
  need("action", event.action(), 128);
  need("reason", event.reason(), 128);
  if (event.message().size() > 1024) {
    errors.invalid(Path("message"), event.message(), "can have at most 1024 characters");
  }
}

void validate_change(Errors& errors, const Event& now, const Event&) {
  validate(errors, now);
}

}  // namespace keelson::api
