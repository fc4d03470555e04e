#include "core/api/managed_fields.hpp"

#include <algorithm>
#include <boost/json/value.hpp>
#include <map>
#include <tuple>

#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "core/api/managed_tree.hpp"
#include "core/api/typed_tree.hpp"

namespace keelson::api {
namespace {

constexpr std::size_t updaters_max = 10;
constexpr const char* ancient = "ancient-changes";

int64_t seconds_of(const ManagedEntry& entry) { return entry.time ? entry.time->seconds() : 0; }

FieldSet make_set(std::initializer_list<std::initializer_list<const char*>> paths) {
  FieldSet set;
  for (const auto& names : paths) {
    FieldPath path;
    for (const char* name : names) path.push_back(FieldStep::field(name));
    set.insert(path);
  }
  return set;
}

// The entries that an update starts from.
ManagedFields known_fields(Kind kind, const Message* before, const ObjectMeta& now,
                           bool subresource) {
  if (!subresource) {
    if (resets_managed_fields(now)) return {};
    std::optional<ManagedFields> sent = ManagedFields::decode(now);
    if (sent && !sent->entries.empty()) return *std::move(sent);
  }
  if (!before) return {};
  return ManagedFields::decode(meta_of(kind, *before)).value_or(ManagedFields{});
}

}  // namespace

std::optional<ManagedFields> ManagedFields::decode(const ObjectMeta& meta) {
  ManagedFields out;
  for (const ManagedFieldsEntry& entry : meta.managed_fields()) {
    if (entry.operation() != "Apply" && entry.operation() != "Update") return std::nullopt;
    if (entry.api_version().empty() || entry.fields_type() != "FieldsV1") return std::nullopt;
    ManagedEntry decoded{entry.manager(), entry.operation() == "Apply", entry.api_version(),
                         entry.subresource(), {}, {}};
    if (entry.has_time()) decoded.time = entry.time();
    if (!entry.fields_v1().raw().empty()) {
      Result<FieldSet> fields = decode_fields(entry.fields_v1().raw());
      if (!fields) return std::nullopt;
      decoded.fields = std::move(fields).value();
    }
    if (ManagedEntry* twice = out.find(decoded)) {
      *twice = std::move(decoded);
    } else {
      out.entries.push_back(std::move(decoded));
    }
  }
  return out;
}

void ManagedFields::encode(ObjectMeta& meta) const {
  std::vector<const ManagedEntry*> sorted;
  for (const ManagedEntry& entry : entries) sorted.push_back(&entry);
  const auto rank = [](const ManagedEntry* entry) {
    return std::make_tuple(!entry->applied, seconds_of(*entry), std::cref(entry->manager),
                           std::cref(entry->api_version), std::cref(entry->subresource));
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
  meta.clear_managed_fields();
  for (const ManagedEntry* entry : sorted) {
    ManagedFieldsEntry& out = *meta.add_managed_fields();
    out.set_manager(entry->manager);
    out.set_operation(entry->applied ? "Apply" : "Update");
    out.set_api_version(entry->api_version);
    if (entry->time) *out.mutable_time() = *entry->time;
    out.set_fields_type("FieldsV1");
    out.mutable_fields_v1()->set_raw(encode_fields(entry->fields));
    out.set_subresource(entry->subresource);
  }
}

ManagedEntry* ManagedFields::find(const ManagedEntry& origin) {
  for (ManagedEntry& entry : entries) {
    if (entry.same_origin(origin)) return &entry;
  }
  return nullptr;
}

void ManagedFields::add(ManagedEntry entry) {
  if (ManagedEntry* found = find(entry)) {
    found->fields = found->fields | entry.fields;
    found->time = entry.time;
  } else {
    entries.push_back(std::move(entry));
  }
}

void ManagedFields::drop_empty() {
  std::erase_if(entries, [](const ManagedEntry& entry) { return entry.fields.empty(); });
}

void ManagedFields::limit_updaters() {
  std::vector<ManagedEntry> updaters;
  for (const ManagedEntry& entry : entries) {
    if (!entry.applied) updaters.push_back(entry);
  }
  if (updaters.size() <= updaters_max) return;
  std::erase_if(entries, [](const ManagedEntry& entry) { return !entry.applied; });
  std::stable_sort(updaters.begin(), updaters.end(),
                   [](const ManagedEntry& a, const ManagedEntry& b) {
                     return std::make_pair(seconds_of(a), a.manager) <
                            std::make_pair(seconds_of(b), b.manager);
                   });
  // The first of a version is taken back when the second is merged with it: one that is alone in
  // its version keeps its name.
  std::map<std::string, ManagedEntry> first, merged;
  std::size_t left = updaters.size(), at = 0;
  for (; at < updaters.size() && left > updaters_max; ++at) {
    ManagedEntry& entry = updaters[at];
    const std::string version = entry.api_version;
    if (const auto bucket = merged.find(version); bucket != merged.end()) {
      bucket->second.fields = bucket->second.fields | entry.fields;
      bucket->second.time = entry.time;
      --left;
    } else if (const auto found = first.find(version); found != first.end()) {
      ManagedEntry both{ancient, false, version, {}, entry.time,
                        found->second.fields | entry.fields};
      first.erase(found);
      merged.emplace(version, std::move(both));
      --left;
    } else {
      first.emplace(version, std::move(entry));
    }
  }
  for (auto& [version, entry] : first) entries.push_back(std::move(entry));
  for (; at < updaters.size(); ++at) entries.push_back(std::move(updaters[at]));
  for (auto& [version, entry] : merged) add(std::move(entry));
}

bool resets_managed_fields(const ObjectMeta& meta) {
  return meta.managed_fields_size() == 1 && meta.managed_fields(0).ByteSizeLong() == 0;
}

const FieldSet& untracked_metadata() {
  static const FieldSet set = make_set({{"apiVersion"},
                                        {"kind"},
                                        {"metadata"},
                                        {"metadata", "name"},
                                        {"metadata", "namespace"},
                                        {"metadata", "creationTimestamp"},
                                        {"metadata", "selfLink"},
                                        {"metadata", "uid"},
                                        {"metadata", "clusterName"},
                                        {"metadata", "generation"},
                                        {"metadata", "managedFields"},
                                        {"metadata", "resourceVersion"}});
  return set;
}

// Source: GetResetFields of the strategies in pkg/registry.
const FieldSet& untouched_through(Kind kind, std::string_view subresource) {
  static const FieldSet object = make_set({{"status"}});
  static const FieldSet status = make_set({{"spec"}});
  static const FieldSet of_pods = make_set({{"spec"}, {"metadata", "ownerReferences"}});
  static const FieldSet of_deployments = make_set({{"spec"}, {"metadata", "labels"}});
  static const FieldSet none;
  if (subresource.empty()) return object;
  if (subresource != "status") return none;
  return kind == Kind::pods ? of_pods : kind == Kind::deployments ? of_deployments : status;
}

boost::json::value managed_tree(Kind kind, const Message* message) {
  boost::json::value tree = to_json(message ? *message : *new_message(kind));
  if (boost::json::value* meta = tree.get_object().if_contains("metadata")) {
    if (meta->is_object()) meta->get_object().erase("managedFields");
  }
  return tree;
}

FieldSet take_over(ManagedFields& managed, const TreeDifference& difference,
                   const FieldSet& untouched) {
  const FieldSet set = (difference.modified | difference.added).without_trees(untouched);
  const FieldSet gone = difference.removed.without_trees(untouched);
  for (ManagedEntry& entry : managed.entries) {
    entry.fields = entry.fields - set - gone;
  }
  managed.drop_empty();
  return (set - gone) - untracked_metadata();
}

void track_update(Kind kind, const Message* before, Message& now, const FieldWriter& writer) {
  ObjectMeta& meta = mutable_meta_of(kind, now);
  ManagedFields managed = known_fields(kind, before, meta, !writer.subresource.empty());
  if (managed.entries.empty() && before) {
    meta.clear_managed_fields();
    return;
  }
  const MessagePlan& plan = plan_of(now);
  const TreeDifference difference =
      compare_trees(managed_tree(kind, before), managed_tree(kind, &now), plan);
  // Of all kinds nodes alone are created with their status.
  static const FieldSet nothing;
  const bool with_status = !before && kind == Kind::nodes;
  FieldSet mine = take_over(managed, difference,
                            with_status ? nothing : untouched_through(kind, writer.subresource));
  if (!mine.empty()) {
    managed.add({writer.manager, false, info(kind).api_version, writer.subresource, writer.now,
                 std::move(mine)});
  }
  managed.limit_updaters();
  managed.encode(meta);
}

}  // namespace keelson::api
