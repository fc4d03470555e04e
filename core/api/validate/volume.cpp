// Volumes and where containers mount them.
#include <algorithm>

#include "core/api/quantity.hpp"
#include "core/api/validate/names.hpp"
#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

constexpr int32_t file_mode_max = 0777;

void check_mode(Errors& errors, const Path& path, int32_t mode) {
  if (mode < 0 || mode > file_mode_max) {
    errors.invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive");
  }
}

bool climbs(std::string_view path) {
  for (;;) {
    size_t slash = path.find('/');
    if (path.substr(0, slash) == "..") return true;
    if (slash == path.npos) return false;
    path.remove_prefix(slash + 1);
  }
}

void check_relative(Errors& errors, const Path& path, std::string_view text) {
  if (text.starts_with('/')) errors.invalid(path, text, "must be a relative path");
  if (climbs(text)) errors.invalid(path, text, "must not contain '..'");
}

// A file inside a volume that the node agent writes: it keeps names that begin with ".." to itself.
void check_volume_file(Errors& errors, const Path& path, std::string_view text) {
  check_relative(errors, path, text);
  if (text.starts_with("..") && !text.starts_with("../")) {
    errors.invalid(path, text, "must not start with '..'");
  }
}

void validate_items(Errors& errors, const Path& path, const Repeated<KeyToPath>& items) {
  for (int i = 0; i < items.size(); ++i) {
    const KeyToPath& item = items.Get(i);
    const Path place = path.index(i);
    if (item.key().empty()) errors.required(place.child("key"));
    if (item.path().empty()) errors.required(place.child("path"));
    check_volume_file(errors, place.child("path"), item.path());
    if (item.has_mode()) check_mode(errors, place.child("mode"), item.mode());
  }
}

void validate_downward_file(Errors& errors, const Path& path, const DownwardAPIVolumeFile& file) {
  if (file.path().empty()) errors.required(path.child("path"));
  check_volume_file(errors, path.child("path"), file.path());
  if (file.has_field_ref()) {
    validate_volume_field(errors, path.child("fieldRef"), file.field_ref());
    if (file.has_resource_field_ref()) {
      errors.invalid(path, "resource",
                     "fieldRef and resourceFieldRef can not be specified simultaneously");
    }
  } else if (file.has_resource_field_ref()) {
    validate_resource_field(errors, path.child("resourceFieldRef"), file.resource_field_ref(),
                            true);
  } else {
    errors.required(path, "one of fieldRef and resourceFieldRef is required");
  }
  if (file.has_mode()) check_mode(errors, path.child("mode"), file.mode());
}

void validate_downward_files(Errors& errors, const Path& path,
                             const Repeated<DownwardAPIVolumeFile>& files) {
  for (int i = 0; i < files.size(); ++i) {
    validate_downward_file(errors, path.index(i), files.Get(i));
  }
}

void validate_token(Errors& errors, const Path& path, const ServiceAccountTokenProjection& token) {
  const Path seconds = path.child("expirationSeconds");
  if (token.expiration_seconds() < 600) {
    errors.invalid(seconds, token.expiration_seconds(),
                   "may not specify a duration less than 10 minutes");
  }
  if (token.expiration_seconds() > int64_t{1} << 32) {
    errors.invalid(seconds, token.expiration_seconds(),
                   "may not specify a duration larger than 2^32 seconds");
  }
  if (token.path().empty()) {
    errors.required(path.child("path"));
  } else {
    check_volume_file(errors, path.child("path"), token.path());
  }
}

void validate_projection(Errors& errors, const Path& path, const VolumeProjection& source) {
  int count = 0;
  auto one = [&](bool present, std::string_view name) {
    if (!present) return false;
    if (count++ == 0) return true;
    errors.forbidden(path.child(name), "may not specify more than 1 volume type");
    return false;
  };
  if (one(source.has_secret(), "secret")) {
    const Path place = path.child("secret");
    if (source.secret().local_object_reference().name().empty()) {
      errors.required(place.child("name"));
    }
    validate_items(errors, place.child("items"), source.secret().items());
  }
  if (one(source.has_config_map(), "configMap")) {
    const Path place = path.child("configMap");
    if (source.config_map().local_object_reference().name().empty()) {
      errors.required(place.child("name"));
    }
    validate_items(errors, place.child("items"), source.config_map().items());
  }
  if (one(source.has_downward_api(), "downwardAPI")) {
    const Path place = path.child("downwardAPI");
    validate_downward_files(errors, place.child("items"), source.downward_api().items());
  }
  if (one(source.has_service_account_token(), "serviceAccountToken")) {
    validate_token(errors, path.child("serviceAccountToken"), source.service_account_token());
  }
  if (one(source.has_cluster_trust_bundle(), "clusterTrustBundle")) {
    const Path place = path.child("clusterTrustBundle");
    if (source.cluster_trust_bundle().path().empty()) errors.required(place.child("path"));
  }
  if (count == 0) errors.required(path, "must specify a volume type");
}

void validate_host_path(Errors& errors, const Path& path, const HostPathVolumeSource& source) {
  if (source.path().empty()) return errors.required(path.child("path"));
  if (climbs(source.path())) {
    errors.invalid(path.child("path"), source.path(), "must not contain '..'");
  }
  check_one_of<HostPathVolumeSource>(errors, path.child("type"),
                                     HostPathVolumeSource::kTypeFieldNumber, source.type(),
                                     Empty::allowed);
}

void validate_secret_source(Errors& errors, const Path& path, const SecretVolumeSource& source) {
  if (source.secret_name().empty()) errors.required(path.child("secretName"));
  if (source.has_default_mode()) {
    check_mode(errors, path.child("defaultMode"), source.default_mode());
  }
  validate_items(errors, path.child("items"), source.items());
}

void validate_config_map_source(Errors& errors, const Path& path,
                                const ConfigMapVolumeSource& source) {
  if (source.local_object_reference().name().empty()) errors.required(path.child("name"));
  if (source.has_default_mode()) {
    check_mode(errors, path.child("defaultMode"), source.default_mode());
  }
  validate_items(errors, path.child("items"), source.items());
}

void validate_empty_dir(Errors& errors, const Path& path, const EmptyDirVolumeSource& source) {
  if (!source.has_size_limit()) return;
  keelson::Result<QuantityValue> limit = QuantityValue::parse(source.size_limit().string());
  if (!limit.ok() || limit->negative()) {
    errors.forbidden(path.child("sizeLimit"), "SizeLimit field must be a valid resource quantity");
  }
}

// `number` is the field of VolumeSource that is set.
void validate_source(Errors& errors, const Path& path, const VolumeSource& source, int number,
                     const Message& any) {
  switch (number) {
    case VolumeSource::kHostPathFieldNumber:
      return validate_host_path(errors, path, source.host_path());
    case VolumeSource::kEmptyDirFieldNumber:
      return validate_empty_dir(errors, path, source.empty_dir());
    case VolumeSource::kSecretFieldNumber:
      return validate_secret_source(errors, path, source.secret());
    case VolumeSource::kConfigMapFieldNumber:
      return validate_config_map_source(errors, path, source.config_map());
    case VolumeSource::kDownwardApiFieldNumber:
      if (source.downward_api().has_default_mode()) {
        check_mode(errors, path.child("defaultMode"), source.downward_api().default_mode());
      }
      return validate_downward_files(errors, path.child("items"), source.downward_api().items());
    case VolumeSource::kProjectedFieldNumber: {
      if (source.projected().has_default_mode()) {
        check_mode(errors, path.child("defaultMode"), source.projected().default_mode());
      }
      const Path sources = path.child("sources");
      for (int i = 0; i < source.projected().sources_size(); ++i) {
        validate_projection(errors, sources.index(i), source.projected().sources(i));
      }
      return;
    }
    case VolumeSource::kNfsFieldNumber:
      check_required_fields(errors, path, any);
      if (!source.nfs().path().empty() && !source.nfs().path().starts_with('/')) {
        errors.invalid(path.child("path"), source.nfs().path(), "must be an absolute path");
      }
      return;
    // The volumes of other storage systems: their options say what they cannot do without.
    default: return check_required_fields(errors, path, any);
  }
}

void validate_sources(Errors& errors, const Path& path, const VolumeSource& source) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  const auto& reflection = *source.GetReflection();
  reflection.ListFields(source, &fields);
  if (fields.empty()) return errors.required(path, "must specify a volume type");
  for (size_t i = 0; i < fields.size(); ++i) {
    const Path place = path.child(fields[i]->json_name());
    if (i > 0) {
      errors.forbidden(place, "may not specify more than 1 volume type");
      continue;
    }
    validate_source(errors, place, source, fields[i]->number(),
                    reflection.GetMessage(source, fields[i]));
  }
}

void validate_mount(Errors& errors, const Path& path, const VolumeMount& mount,
                    const Container& container, const Seen& volumes, Seen& mount_paths) {
  if (mount.name().empty()) {
    errors.required(path.child("name"));
  } else if (!volumes.contains(mount.name())) {
    errors.not_found(path.child("name"), mount.name());
  }
  if (mount.mount_path().empty()) errors.required(path.child("mountPath"));
  if (!mount_paths.add(mount.mount_path())) {
    errors.invalid(path.child("mountPath"), mount.mount_path(), "must be unique");
  }
  check_relative(errors, path.child("subPath"), mount.sub_path());
  if (!mount.sub_path_expr().empty()) {
    if (!mount.sub_path().empty()) {
      errors.invalid(path.child("subPathExpr"), mount.sub_path_expr(),
                     "subPathExpr and subPath are mutually exclusive");
    }
    check_relative(errors, path.child("subPathExpr"), mount.sub_path_expr());
  }
  check_one_of<VolumeMount>(errors, path.child("mountPropagation"),
                            VolumeMount::kMountPropagationFieldNumber, mount.mount_propagation(),
                            Empty::allowed);
  if (mount.mount_propagation() == "Bidirectional" && !container.security_context().privileged()) {
    errors.forbidden(path.child("mountPropagation"),
                     "Bidirectional mount propagation is available only to privileged containers");
  }
  check_one_of<VolumeMount>(errors, path.child("recursiveReadOnly"),
                            VolumeMount::kRecursiveReadOnlyFieldNumber, mount.recursive_read_only(),
                            Empty::allowed);
}

void validate_device(Errors& errors, const Path& path, const VolumeDevice& device,
                     const Seen& volumes) {
  if (device.name().empty()) {
    errors.required(path.child("name"));
  } else if (!volumes.contains(device.name())) {
    errors.not_found(path.child("name"), device.name());
  }
  if (device.device_path().empty()) {
    errors.required(path.child("devicePath"));
  } else if (climbs(device.device_path())) {
    errors.invalid(path.child("devicePath"), device.device_path(), "must not contain '..'");
  }
}

}  // namespace

void validate_volumes(Errors& errors, const Path& path, const Repeated<Volume>& volumes) {
  Seen names;
  for (int i = 0; i < volumes.size(); ++i) {
    const Volume& volume = volumes.Get(i);
    const Path place = path.index(i);
    const Path name = place.child("name");
    validate_sources(errors, place, volume.volume_source());
    if (volume.name().empty()) {
      errors.required(name);
      continue;
    }
    errors.invalid(name, volume.name(), check_dns1123_label(volume.name()));
    if (!names.add(volume.name())) errors.duplicate(name, volume.name());
  }
}

void validate_mounts(Errors& errors, const Path& path, const Container& container,
                     const Seen& volumes) {
  const Path mounts = path.child("volumeMounts");
  Seen mount_paths;
  for (int i = 0; i < container.volume_mounts_size(); ++i) {
    validate_mount(errors, mounts.index(i), container.volume_mounts(i), container, volumes,
                   mount_paths);
  }
  const Path devices = path.child("volumeDevices");
  for (int i = 0; i < container.volume_devices_size(); ++i) {
    validate_device(errors, devices.index(i), container.volume_devices(i), volumes);
  }
}

}  // namespace keelson::api
