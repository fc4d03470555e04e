#include "core/agent/volume_content.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/api/quantity.hpp"

namespace keelson::agent {

namespace {

constexpr int32_t kDefaultMode = 0644;
constexpr int64_t kDefaultTokenSeconds = 3600;

using Files = std::map<std::string, VolumeFile>;  // by path: a later one replaces an earlier one

// Without what means nothing in a path, so that one file has one path: "a/./b/" is "a/b".
std::string cleaned(std::string_view path) {
  std::string out;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

// No disk can show a file that is also a folder.
Status check_folders(const Files& files) {
  for (const auto& [path, file] : files) {
    for (std::size_t at = path.find('/'); at != path.npos; at = path.find('/', at + 1)) {
      if (!files.contains(path.substr(0, at))) continue;
      return {Code::invalid, fmt::format("path \"{}\" cannot be a file and the folder of \"{}\"",
                                         path.substr(0, at), path)};
    }
  }
  return {};
}

uint32_t bits(int32_t mode) {
  return static_cast<uint32_t>(mode) & 0777;
}

// The user as whom all containers of the pod run, if they agree on one: so that a token is theirs.
// Source: kubelet's util.FsUserFrom.
std::optional<int64_t> user_of(const api::PodSpec& spec) {
  std::optional<int64_t> user;
  bool first = true, agreed = true;
  const auto look = [&](const api::Container& container) {
    std::optional<int64_t> own;
    if (container.security_context().has_run_as_user()) {
      own = container.security_context().run_as_user();
    } else if (spec.security_context().has_run_as_user()) {
      own = spec.security_context().run_as_user();
    }
    if (first) user = own;
    agreed = agreed && own == user;
    first = false;
  };
  for (const api::Container& container : spec.init_containers()) look(container);
  for (const api::Container& container : spec.containers()) look(container);
  return agreed ? user : std::nullopt;
}

class Content {
 public:
  Content(const api::Pod& pod, const VolumeSources& sources) : pod_(pod), sources_(sources) {}

  Result<VolumeSetup> of(const api::Volume& volume) const {
    const api::VolumeSource& source = volume.volume_source();
    VolumeSetup out;
    out.place.name = volume.name();
    Files files;
    Status status;
    if (source.has_config_map()) {
      const auto& from = source.config_map();
      out.place.plugin = "configmap";
      status = add_object(files, api::Kind::config_maps, from.local_object_reference().name(),
                          from.items(), mode_of(from), from.optional());
    } else if (source.has_secret()) {
      const auto& from = source.secret();
      out.place.plugin = "secret";
      out.in_memory = true;
      status = add_object(files, api::Kind::secrets, from.secret_name(), from.items(),
                          mode_of(from), from.optional());
    } else if (source.has_downward_api()) {
      out.place.plugin = "downward-api";
      out.in_memory = true;
      status = add_fields(files, source.downward_api().items(), mode_of(source.downward_api()));
    } else if (source.has_projected()) {
      out.place.plugin = "projected";
      out.in_memory = true;
      status = add_projected(files, source.projected());
    } else if (source.has_host_path()) {
      return host_path(std::move(out), source.host_path());
    } else if (source.has_empty_dir()) {
      return scratch(std::move(out), source.empty_dir());
    } else {
      return {Code::invalid, "no volume plugin matched: this kind of volume is not supported here"};
    }
    if (status.ok()) status = check_folders(files);
    if (!status.ok()) return status.error();
    for (auto& [path, file] : files) out.files.push_back(std::move(file));
    return out;
  }

 private:
  template <class Source>
  static int32_t mode_of(const Source& source) {
    return source.has_default_mode() ? source.default_mode() : kDefaultMode;
  }

  static Result<VolumeSetup> host_path(VolumeSetup out, const api::HostPathVolumeSource& from) {
    out.kind = VolumeSetup::Kind::host_path;
    out.place.plugin = "host-path";
    if (!from.path().starts_with('/')) {
      return {Code::invalid, fmt::format("hostPath \"{}\" is not absolute", from.path())};
    }
    out.place.host_path = from.path();
    out.host_type = from.type();
    return out;
  }

  static Result<VolumeSetup> scratch(VolumeSetup out, const api::EmptyDirVolumeSource& from) {
    out.kind = VolumeSetup::Kind::scratch;
    out.place.plugin = "empty-dir";
    if (from.medium() == "Memory") {
      out.in_memory = true;
      out.size_max = std::max<int64_t>(0, api::value_of(from.size_limit()));
    } else if (!from.medium().empty()) {
      return {Code::invalid, fmt::format("unknown storage medium \"{}\"", from.medium())};
    }
    return out;
  }

  static Status put(Files& files, const std::string& wanted, std::string content, int32_t mode,
                    std::optional<int64_t> owner = {}) {
    const std::string path = cleaned(wanted);
    // The agent's own names begin with "..".
    if (!stays_inside(wanted) || path.empty() || path.starts_with("..")) {
      return {Code::invalid, fmt::format("invalid path \"{}\" of a file", wanted)};
    }
    files[path] = {.path = path, .content = std::move(content), .mode = bits(mode), .owner = owner};
    return {};
  }

  // The keys of an object, with what they hold.
  static std::map<std::string, const std::string*> entries(const api::Object& object) {
    std::map<std::string, const std::string*> out;
    const auto all = [&](const google::protobuf::Map<std::string, std::string>& map) {
      for (const auto& [key, value] : map) out[key] = &value;
    };
    if (object.kind() == api::Kind::secrets) {
      all(object.as<api::Secret>().data());
    } else {
      all(object.as<api::ConfigMap>().data());
      all(object.as<api::ConfigMap>().binary_data());
    }
    return out;
  }

  Status add_object(Files& files, api::Kind kind, const std::string& name,
                    const google::protobuf::RepeatedPtrField<api::KeyToPath>& items, int32_t mode,
                    bool optional) const {
    const bool secret = kind == api::Kind::secrets;
    const api::ObjectPtr object = sources_.object(kind, name);
    if (!object) {
      if (optional) return {};
      return {Code::invalid,
              fmt::format("{} \"{}\" not found", secret ? "secret" : "configmap", name)};
    }
    const auto found = entries(*object);
    if (items.empty()) {
      for (const auto& [key, value] : found) {
        if (Status status = put(files, key, *value, mode); !status.ok()) return status;
      }
    }
    for (const api::KeyToPath& item : items) {
      const auto at = found.find(item.key());
      if (at == found.end()) {
        if (optional) continue;
        return {Code::invalid, fmt::format("references non-existent {} key: {}",
                                           secret ? "secret" : "config", item.key())};
      }
      Status status =
          put(files, item.path(), *at->second, item.has_mode() ? item.mode() : mode);
      if (!status.ok()) return status;
    }
    return {};
  }

  template <class Items>
  Status add_fields(Files& files, const Items& items, int32_t mode) const {
    static const api::Container none;
    for (const api::DownwardAPIVolumeFile& item : items) {
      Result<std::string> value =
          item.has_resource_field_ref()
              ? resource_value(item.resource_field_ref(), pod_, none, sources_.here)
              : field_file(item.field_ref().field_path(), pod_, sources_.here);
      if (!value.ok()) return value.error();
      Status status =
          put(files, item.path(), std::move(*value), item.has_mode() ? item.mode() : mode);
      if (!status.ok()) return status;
    }
    return {};
  }

  Status add_projected(Files& files, const api::ProjectedVolumeSource& source) const {
    const int32_t mode = mode_of(source);
    for (const api::VolumeProjection& part : source.sources()) {
      Status status;
      if (part.has_config_map()) {
        const auto& from = part.config_map();
        status = add_object(files, api::Kind::config_maps, from.local_object_reference().name(),
                            from.items(), mode, from.optional());
      } else if (part.has_secret()) {
        const auto& from = part.secret();
        status = add_object(files, api::Kind::secrets, from.local_object_reference().name(),
                            from.items(), mode, from.optional());
      } else if (part.has_downward_api()) {
        status = add_fields(files, part.downward_api().items(), mode);
      } else if (part.has_service_account_token()) {
        status = add_token(files, part.service_account_token(), mode);
      } else if (part.has_cluster_trust_bundle() && !part.cluster_trust_bundle().optional()) {
        status = {Code::invalid, "ClusterTrustBundle projections are not supported here"};
      }
      if (!status.ok()) return status;
    }
    return {};
  }

  // Only the one who is to use a token may read it, where it is known who that is.
  // Source: kubelet's projected.collectData.
  Status add_token(Files& files, const api::ServiceAccountTokenProjection& from,
                   int32_t mode) const {
    const std::optional<int64_t> user = user_of(pod_.spec());
    const bool known = user || pod_.spec().security_context().has_fs_group();
    return put(files, from.path(),
               sources_.token({from.audience(), from.has_expiration_seconds()
                                                    ? from.expiration_seconds()
                                                    : kDefaultTokenSeconds}),
               known ? 0600 : mode, user);
  }

  const api::Pod& pod_;
  const VolumeSources& sources_;
};

const api::Volume* volume_named(const api::PodSpec& spec, const std::string& name) {
  for (const api::Volume& volume : spec.volumes()) {
    if (volume.name() == name) return &volume;
  }
  return nullptr;
}

// Where a volume is and whether only the agent writes to it: what volumes_of() would say, for which
// nothing has to be looked up.
VolumeSetup outline_of(const api::Volume& volume) {
  const api::VolumeSource& source = volume.volume_source();
  VolumeSetup out;
  out.place.name = volume.name();
  if (source.has_host_path()) {
    out.kind = VolumeSetup::Kind::host_path;
    out.place.plugin = "host-path";
    out.place.host_path = source.host_path().path();
  } else if (source.has_empty_dir()) {
    out.kind = VolumeSetup::Kind::scratch;
    out.place.plugin = "empty-dir";
  } else {
    out.place.plugin = source.has_config_map() ? "configmap"
                       : source.has_secret()   ? "secret"
                       : source.has_projected() ? "projected"
                                                : "downward-api";
  }
  return out;
}

// subPathExpr: unlike in commands, a name that is not there is an error.
Result<std::string> expanded(const std::string& text, const Environment& environment) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t end =
        text.compare(i, 2, "$(") == 0 ? text.find(')', i + 2) : std::string::npos;
    if (end != std::string::npos) {
      const std::string name = text.substr(i + 2, end - i - 2);
      const auto at = std::find_if(environment.begin(), environment.end(),
                                   [&](const auto& variable) { return variable.first == name; });
      if (at == environment.end()) {
        return {Code::invalid, fmt::format("missing value for \"{}\"", name)};
      }
      out += at->second;
      i = end;
    } else {
      out += text[i];
      if (text.compare(i, 2, "$$") == 0) ++i;
    }
  }
  return out;
}

}  // namespace

bool stays_inside(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.find('\0') != path.npos) return false;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (path.substr(at, end - at) == "..") return false;
    at = end + 1;
  }
  return true;
}

std::vector<TokenWish> token_wishes(const api::PodSpec& spec) {
  std::set<TokenWish> out;
  for (const api::Volume& volume : spec.volumes()) {
    for (const api::VolumeProjection& part : volume.volume_source().projected().sources()) {
      if (!part.has_service_account_token()) continue;
      const auto& token = part.service_account_token();
      out.insert({token.audience(), token.has_expiration_seconds() ? token.expiration_seconds()
                                                                   : kDefaultTokenSeconds});
    }
  }
  return {out.begin(), out.end()};
}

VolumePlan volumes_of(const api::Pod& pod, const VolumeSources& sources) {
  VolumePlan plan;
  PodVolumeSetup& out = plan.setup;
  out.uid = pod.metadata().uid();
  const auto& security = pod.spec().security_context();
  if (security.has_fs_group()) out.group = security.fs_group();
  const Content content(pod, sources);
  for (const api::Volume& volume : pod.spec().volumes()) {
    Result<VolumeSetup> setup = content.of(volume);
    if (setup.ok()) {
      out.volumes.push_back(std::move(*setup));
    } else if (plan.problem.ok()) {
      plan.problem = {setup.code(), fmt::format("MountVolume.SetUp failed for volume \"{}\" : {}",
                                                volume.name(), setup.error().message)};
    }
  }
  return plan;
}

Result<MountPlan> mounts_of(const api::Pod& pod, const api::Container& container,
                            const Environment& environment) {
  MountPlan out;
  for (const api::VolumeMount& mount : container.volume_mounts()) {
    const api::Volume* volume = volume_named(pod.spec(), mount.name());
    if (!volume) {
      return {Code::invalid, fmt::format("mount cannot be satisfied, because there is no volume "
                                         "named \"{}\" in the pod",
                                         mount.name())};
    }
    const VolumeSetup setup = outline_of(*volume);
    VolumePart part{.place = setup.place, .sub_path = mount.sub_path()};
    if (!mount.sub_path_expr().empty()) {
      Result<std::string> path = expanded(mount.sub_path_expr(), environment);
      if (!path.ok()) return path.error();
      part.sub_path = std::move(*path);
    }
    if (!part.sub_path.empty() && !stays_inside(part.sub_path)) {
      return {Code::invalid, fmt::format("failed to prepare subPath for volumeMount \"{}\" of "
                                         "container \"{}\": \"{}\" leads out of the volume",
                                         mount.name(), container.name(), part.sub_path)};
    }
    // What the agent writes is the agent's alone, whatever the pod asks for (CVE-2017-1002102).
    const bool read_only = mount.read_only() || setup.kind == VolumeSetup::Kind::files;
    out.mounts.push_back({.container_path = mount.mount_path(),
                          .read_only = read_only,
                          .propagation = mount.mount_propagation()});
    out.parts.push_back(std::move(part));
  }
  return out;
}

}  // namespace keelson::agent
