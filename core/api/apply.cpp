#include "core/api/apply.hpp"

#include <algorithm>
#include <boost/json/value.hpp>

#include "core/api/canonical.hpp"
#include "core/api/configuration.hpp"
#include "core/api/json.hpp"
#include "core/api/json_decode.hpp"
#include "core/api/kinds.hpp"
#include "core/api/managed_tree.hpp"
#include "core/api/typed_tree.hpp"

namespace keelson::api {
namespace {

namespace json = boost::json;

// The manager that is noted for all that an untracked object had before anybody applied.
constexpr const char* before_first_apply = "before-first-apply";
constexpr const char* last_applied = "kubectl.kubernetes.io/last-applied-configuration";
// kubectl's own applications, and nobody else's, replace those that it made on the client's side.
constexpr const char* kubectl = "kubectl";

struct Conflict {
  ManagedEntry owner;  // without its fields
  FieldPath path;
};

std::string quoted(const std::string& text) {
  std::string out;
  append_json_string(text, out);
  return out;
}

std::string describe(const ManagedEntry& owner) {
  std::string text = quoted(owner.manager);
  if (!owner.subresource.empty()) text += " with subresource " + quoted(owner.subresource);
  if (!owner.applied) text += " using " + owner.api_version;
  return text;
}

// Nobody reads more of them, and a large object may have a hundred thousand.
constexpr std::size_t kConflictsShown = 1000;

ApiError conflict_error(const std::vector<Conflict>& conflicts) {
  ApiError error;
  error.reason = Reason::conflict;
  const std::string count = std::to_string(conflicts.size());
  if (conflicts.size() == 1) {
    error.message = "Apply failed with 1 conflict: conflict with " +
                    describe(conflicts[0].owner) + ": " + to_string(conflicts[0].path);
  } else {
    error.message = "Apply failed with " + count + " conflicts: ";
  }
  const ManagedEntry* last = nullptr;
  for (const Conflict& conflict : conflicts) {
    if (error.causes.size() == kConflictsShown) {
      error.message += "\n- ... and " + std::to_string(conflicts.size() - kConflictsShown) + " more";
      break;
    }
    const std::string path = to_string(conflict.path);
    error.causes.push_back(
        {"FieldManagerConflict", "conflict with " + describe(conflict.owner), path});
    if (conflicts.size() == 1) continue;
    if (!last || !last->same_origin(conflict.owner)) {
      if (last) error.message += '\n';
      error.message += "conflicts with " + describe(conflict.owner) + ":";
    }
    error.message += "\n- " + path;
    last = &conflict.owner;
  }
  return error;
}

std::vector<Conflict> conflicts_with(const ManagedFields& managed, const ManagedEntry& self,
                                     const FieldSet& changed) {
  std::vector<const ManagedEntry*> others;
  for (const ManagedEntry& entry : managed.entries) {
    if (!entry.same_origin(self)) others.push_back(&entry);
  }
  std::stable_sort(others.begin(), others.end(),
                   [](const auto* a, const auto* b) { return a->manager < b->manager; });
  std::vector<Conflict> conflicts;
  for (const ManagedEntry* entry : others) {
    ManagedEntry owner = *entry;
    owner.fields = {};
    (entry->fields & changed).each([&](const FieldPath& path) {
      conflicts.push_back({owner, path});
    });
  }
  return conflicts;
}

class Application {
 public:
  Application(Kind kind, const Message* before, const json::value& config, const MessagePlan& plan,
              const FieldWriter& writer)
      : kind_(kind), before_(before), config_(config), plan_(plan), writer_(writer),
        live_(managed_tree(kind, before)) {
    self_.manager = writer.manager;
    self_.applied = true;
    self_.api_version = info(kind).api_version;
    self_.subresource = writer.subresource;
  }

  Applied run(bool force) {
    Applied out;
    out.managed = known();
    const json::value wanted = merge(out.managed);
    const TreeDifference difference = compare_trees(live_, wanted, plan_);
    const FieldSet changed = (difference.modified | difference.added)
                                 .without_trees(untouched_through(kind_, writer_.subresource));
    std::vector<Conflict> conflicts = conflicts_with(out.managed, self_, changed);
    if (!conflicts.empty() && writer_.manager == kubectl) tolerate_own(conflicts);
    if (!conflicts.empty() && !force) {
      out.error = conflict_error(conflicts);
      return out;
    }
    ManagedEntry mine = *out.managed.find(self_);
    std::erase_if(out.managed.entries, [&](const ManagedEntry& e) { return e.same_origin(self_); });
    take_over(out.managed, difference, untouched_through(kind_, writer_.subresource));
    mine.fields = mine.fields - untracked_metadata();
    if (!mine.fields.empty()) out.managed.entries.push_back(std::move(mine));
    out.message = new_message(kind_);
    if (std::optional<JsonProblem> problem = decode_tree(wanted, *out.message, nullptr)) {
      // Both parts can be decoded, so that their merger cannot be has no honest cause.
      out.error = bad_request("failed to merge config: " + problem->message);
    }
    return out;
  }

 private:
  // Who manages what so far.
  ManagedFields known() const {
    if (!before_) return {};
    ManagedFields managed =
        ManagedFields::decode(meta_of(kind_, *before_)).value_or(ManagedFields{});
    if (!managed.entries.empty()) return managed;
    const TreeDifference all = compare_trees(managed_tree(kind_, nullptr), live_, plan_);
    const std::string part = writer_.subresource == "status" ? "status" : "";
    FieldSet fields = take_over(managed, all, untouched_through(kind_, part));
    if (!fields.empty()) {
      managed.entries.push_back({before_first_apply, false, self_.api_version, part, writer_.now,
                                 std::move(fields)});
    }
    return managed;
  }

  // The wanted object; puts what the configuration has into the applier's entry.
  json::value merge(ManagedFields& managed) {
    const json::value merged = merge_trees(live_, config_, plan_);
    ManagedEntry mine = self_;
    mine.fields = fields_of_tree(config_, plan_, nullptr)
                      .without_trees(untouched_through(kind_, writer_.subresource));
    FieldSet last;
    bool drops = false;
    if (ManagedEntry* found = managed.find(self_)) {
      last = std::move(found->fields);
      drops = !(last - mine.fields).empty();
      mine.time = found->time;
      *found = std::move(mine);
    } else {
      managed.entries.push_back(std::move(mine));
    }
    // Nobody needs to look for what is to go when nothing is: most applications drop no field.
    return drops ? prune(merged, last, managed) : merged;
  }

  // Takes out what the applier had applied and does not any more, except what somebody manages, and
  // what only went along because it was below something that is gone.
  json::value prune(const json::value& merged, const FieldSet& last,
                    const ManagedFields& managed) const {
    FieldSet owned;
    for (const ManagedEntry& entry : managed.entries) owned = owned | entry.fields;
    const FieldSet dropped = with_named_parents(last, plan_);
    json::value pruned = remove_fields(merged, dropped, plan_);
    const FieldSet all = with_named_parents(fields_of_tree(merged, plan_, nullptr), plan_);
    FieldSet left = with_named_parents(fields_of_tree(pruned, plan_, nullptr), plan_);
    pruned = remove_fields(merged, all - (left | with_named_parents(owned, plan_)), plan_);
    left = with_named_parents(fields_of_tree(pruned, plan_, nullptr), plan_);
    return remove_fields(merged, (all - left) & dropped, plan_);
  }

  // Conflicts with what kubectl has applied on the client's side are conflicts with itself.
  void tolerate_own(std::vector<Conflict>& conflicts) const {
    if (!before_) return;
    const auto& annotations = meta_of(kind_, *before_).annotations();
    const auto found = annotations.find(last_applied);
    if (found == annotations.end()) return;
    const ParsedJson last = parse_json(found->second, nullptr);
    const json::object* object = last.error.empty() ? last.value.if_object() : nullptr;
    const json::value* version = object ? object->if_contains("apiVersion") : nullptr;
    const json::string* text = version ? version->if_string() : nullptr;
    if (!text || *text != json::string_view(self_.api_version)) return;
    TreeProblems problems;
    const FieldSet fields = fields_of_tree(last.value, plan_, &problems);
    if (!problems.empty()) return;
    const TreeDifference since = compare_trees(last.value, live_, plan_);
    const FieldSet own = fields - since.modified - since.added - since.removed;
    std::erase_if(conflicts, [&](const Conflict& conflict) { return own.has(conflict.path); });
  }

  Kind kind_;
  const Message* before_;
  const json::value& config_;
  const MessagePlan& plan_;
  const FieldWriter& writer_;
  const json::value live_;
  ManagedEntry self_;
};

void keep_last_applied(Kind kind, const json::value& config, Message& message) {
  auto& annotations = *mutable_meta_of(kind, message).mutable_annotations();
  const auto found = annotations.find(last_applied);
  if (found == annotations.end() || found->second.empty()) return;
  found->second = last_applied_text(config, last_applied);
}

}  // namespace

Applied apply_configuration(Kind kind, const Message* before, const Configuration& configuration,
                            const FieldWriter& writer, bool force) {
  const json::value& config = configuration.tree().value;
  Applied out = Application(kind, before, config, configuration.plan(), writer).run(force);
  if (out.error) return out;
  mutable_meta_of(kind, *out.message).clear_resource_version();
  if (writer.manager == kubectl) keep_last_applied(kind, config, *out.message);
  return out;
}

Applied apply_scale(Kind kind, const Message& before, const Configuration& scale,
                    const FieldWriter& writer, bool force) {
  json::object config;
  const json::value* spec = scale.tree().value.get_object().if_contains("spec");
  const json::value* replicas =
      spec && spec->is_object() ? spec->get_object().if_contains("replicas") : nullptr;
  if (replicas) config.emplace("spec", json::object({{"replicas", *replicas}}));
  const json::value wanted(std::move(config));
  return Application(kind, &before, wanted, plan_of(before), writer).run(force);
}

void note_application(Kind kind, const Applied& applied, const Message* before, Message& now,
                      const FieldWriter& writer) {
  ObjectMeta& meta = mutable_meta_of(kind, now);
  applied.managed.encode(meta);
  if (before && same(now, *before)) return;
  ManagedFields managed = applied.managed;
  ManagedEntry self{writer.manager, true, {}, writer.subresource, {}, {}};
  if (ManagedEntry* mine = managed.find(self)) {
    mine->time = writer.now;
    managed.encode(meta);
  }
}

}  // namespace keelson::api
