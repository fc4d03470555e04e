#include "core/agent/references.hpp"

#include <fmt/format.h>

namespace keelson::agent {

namespace {

// A few pods of one workload start together: they share one answer.
constexpr Duration kKeepFound = 10s;
constexpr Duration kKeepMissing = 1s;
constexpr std::size_t kMaxEntries = 128;

std::string_view spoken(api::Kind kind) {
  return kind == api::Kind::secrets ? "secret" : "configmap";
}

Status satisfied(const Reference& reference, const std::string& ns, const api::ObjectPtr& object) {
  if (!object) {
    if (reference.optional) return {};
    return {Code::invalid,
            fmt::format("{} \"{}\" not found", spoken(reference.kind), reference.name)};
  }
  if (reference.key.empty() || reference.optional) return {};
  const bool secret = reference.kind == api::Kind::secrets;
  // Bytes can be a file, but not the value of a variable.
  const auto in_map = [&](const api::ConfigMap& map) {
    return map.data().contains(reference.key) ||
           (!reference.volume.empty() && map.binary_data().contains(reference.key));
  };
  if (secret ? object->as<api::Secret>().data().contains(reference.key)
             : in_map(object->as<api::ConfigMap>())) {
    return {};
  }
  return {Code::invalid, fmt::format("couldn't find key {} in {} {}/{}", reference.key,
                                     secret ? "Secret" : "ConfigMap", ns, reference.name)};
}

Status failure(const Reference& reference, Status status) {
  if (reference.volume.empty()) return status;
  return {status.code(), fmt::format("MountVolume.SetUp failed for volume \"{}\" : {}",
                                     reference.volume, status.message())};
}

template <class Items>
void volume_items(std::vector<Reference>& out, Reference base, const Items& items) {
  if (items.empty()) {
    out.push_back(base);
    return;
  }
  for (const api::KeyToPath& item : items) {
    base.key = item.key();
    out.push_back(base);
  }
}

}  // namespace

std::vector<Reference> environment_references(const api::Container& container) {
  std::vector<Reference> out;
  for (const api::EnvFromSource& from : container.env_from()) {
    if (from.has_config_map_ref()) {
      out.push_back({.kind = api::Kind::config_maps,
                     .name = from.config_map_ref().local_object_reference().name(),
                     .optional = from.config_map_ref().optional()});
    }
    if (from.has_secret_ref()) {
      out.push_back({.kind = api::Kind::secrets,
                     .name = from.secret_ref().local_object_reference().name(),
                     .optional = from.secret_ref().optional()});
    }
  }
  for (const api::EnvVar& env : container.env()) {
    if (env.value_from().has_config_map_key_ref()) {
      const api::ConfigMapKeySelector& ref = env.value_from().config_map_key_ref();
      out.push_back({.kind = api::Kind::config_maps,
                     .name = ref.local_object_reference().name(),
                     .key = ref.key(),
                     .optional = ref.optional()});
    }
    if (env.value_from().has_secret_key_ref()) {
      const api::SecretKeySelector& ref = env.value_from().secret_key_ref();
      out.push_back({.kind = api::Kind::secrets,
                     .name = ref.local_object_reference().name(),
                     .key = ref.key(),
                     .optional = ref.optional()});
    }
  }
  return out;
}

std::vector<Reference> volume_references(const api::PodSpec& spec) {
  std::vector<Reference> out;
  for (const api::Volume& volume : spec.volumes()) {
    const api::VolumeSource& source = volume.volume_source();
    if (source.has_config_map()) {
      volume_items(out,
                   {.kind = api::Kind::config_maps,
                    .name = source.config_map().local_object_reference().name(),
                    .volume = volume.name(),
                    .optional = source.config_map().optional()},
                   source.config_map().items());
    }
    if (source.has_secret()) {
      volume_items(out,
                   {.kind = api::Kind::secrets,
                    .name = source.secret().secret_name(),
                    .volume = volume.name(),
                    .optional = source.secret().optional()},
                   source.secret().items());
    }
    for (const api::VolumeProjection& part : source.projected().sources()) {
      if (part.has_config_map()) {
        volume_items(out,
                     {.kind = api::Kind::config_maps,
                      .name = part.config_map().local_object_reference().name(),
                      .volume = volume.name(),
                      .optional = part.config_map().optional()},
                     part.config_map().items());
      }
      if (part.has_secret()) {
        volume_items(out,
                     {.kind = api::Kind::secrets,
                      .name = part.secret().local_object_reference().name(),
                      .volume = volume.name(),
                      .optional = part.secret().optional()},
                     part.secret().items());
      }
    }
  }
  return out;
}

void ReferenceCache::resolve(std::string ns, std::vector<Reference> references,
                             Done<std::vector<api::ObjectPtr>> done) {
  auto check = std::make_unique<Check>();
  check->ns = std::move(ns);
  check->references = std::move(references);
  check->done = std::move(done);
  advance(std::move(check));
}

const ReferenceCache::Entry* ReferenceCache::fresh(const Key& key) const {
  const auto at = entries_.find(key);
  if (at == entries_.end()) return nullptr;
  const Duration keep = at->second.object ? kKeepFound : kKeepMissing;
  return context_.loop.now() - at->second.fetched < keep ? &at->second : nullptr;
}

void ReferenceCache::remember(Key key, api::ObjectPtr object) {
  const Instant now = context_.loop.now();
  std::erase_if(entries_,
                [&](const auto& entry) { return now - entry.second.fetched >= kKeepFound; });
  if (entries_.size() >= kMaxEntries) entries_.erase(entries_.begin());
  entries_.insert_or_assign(std::move(key), Entry{std::move(object), now});
}

void ReferenceCache::advance(std::unique_ptr<Check> check) {
  while (check->found.size() < check->references.size()) {
    const Reference& reference = check->references[check->found.size()];
    Key key{reference.kind, {check->ns, reference.name}};
    const Entry* entry = fresh(key);
    if (!entry) {
      api::Request request = context_.sign(api::get(reference.kind, check->ns, reference.name));
      auto answered = [this, check = std::move(check),
                       key = std::move(key)](api::Response response) mutable {
        const bool missing = response.error.reason == api::Reason::not_found;
        if (!response.ok() && !missing) {
          const Reference& asked = check->references[check->found.size()];
          check->done(failure(asked, {Code::unavailable,
                                      fmt::format("failed to get {} \"{}\": {}", spoken(asked.kind),
                                                  asked.name, response.error.message)}).error());
          return;
        }
        remember(std::move(key), missing ? nullptr : std::move(response.object));
        advance(std::move(check));
      };
      context_.api.call(std::move(request), lifetime_.guard(std::move(answered)));
      return;
    }
    Status status = satisfied(reference, check->ns, entry->object);
    if (!status.ok()) {
      check->done(failure(reference, std::move(status)).error());
      return;
    }
    check->found.push_back(entry->object);
  }
  check->done(std::move(check->found));
}

}  // namespace keelson::agent
