// Environment variables.
#include "core/api/validate/names.hpp"
#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

template <class Selector>
void validate_key(Errors& errors, const Path& path, const Selector& selector) {
  if (selector.local_object_reference().name().empty()) errors.required(path.child("name"));
  if (selector.key().empty()) {
    errors.required(path.child("key"));
  } else {
    errors.invalid(path.child("key"), selector.key(), check_config_key(selector.key()));
  }
}

void validate_source(Errors& errors, const Path& path, const EnvVar& variable) {
  if (!variable.has_value_from()) return;
  const EnvVarSource& from = variable.value_from();
  int count = 0;
  if (from.has_field_ref()) {
    ++count;
    validate_env_field(errors, path.child("fieldRef"), from.field_ref());
  }
  if (from.has_resource_field_ref()) {
    ++count;
    validate_resource_field(errors, path.child("resourceFieldRef"), from.resource_field_ref(),
                            false);
  }
  if (from.has_config_map_key_ref()) {
    ++count;
    validate_key(errors, path.child("configMapKeyRef"), from.config_map_key_ref());
  }
  if (from.has_secret_key_ref()) {
    ++count;
    validate_key(errors, path.child("secretKeyRef"), from.secret_key_ref());
  }
  if (count == 0) {
    errors.invalid(path, "",
                   "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or "
                   "`secretKeyRef`");
  } else if (!variable.value().empty()) {
    errors.invalid(path, "", "may not be specified when `value` is not empty");
  } else if (count > 1) {
    errors.invalid(path, "", "may not have more than one field specified at a time");
  }
}

void validate_set(Errors& errors, const Path& path, const EnvFromSource& from) {
  if (!from.prefix().empty()) {
    errors.invalid(path.child("prefix"), from.prefix(), check_env_name(from.prefix()));
  }
  if (!from.has_config_map_ref() && !from.has_secret_ref()) {
    errors.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`");
  }
  if (from.has_config_map_ref() && from.config_map_ref().local_object_reference().name().empty()) {
    errors.required(path.child("configMapRef.name"));
  }
  if (from.has_secret_ref() && from.secret_ref().local_object_reference().name().empty()) {
    errors.required(path.child("secretRef.name"));
  }
  if (from.has_config_map_ref() && from.has_secret_ref()) {
    errors.invalid(path, "", "may not have more than one field specified at a time");
  }
}

}  // namespace

void validate_env(Errors& errors, const Path& path, const Container& container) {
  const Path env = path.child("env");
  for (int i = 0; i < container.env_size(); ++i) {
    const EnvVar& variable = container.env(i);
    const Path place = env.index(i);
    if (variable.name().empty()) {
      errors.required(place.child("name"));
    } else {
      errors.invalid(place.child("name"), variable.name(), check_env_name(variable.name()));
    }
    validate_source(errors, place.child("valueFrom"), variable);
  }
  const Path env_from = path.child("envFrom");
  for (int i = 0; i < container.env_from_size(); ++i) {
    validate_set(errors, env_from.index(i), container.env_from(i));
  }
}

}  // namespace keelson::api
