// label, annotate: KEY=VALUE sets, KEY- removes.
#include <fmt/format.h>

#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

struct Change {
  std::string key;
  std::optional<std::string> value;  // none: remove
};

Result<std::vector<Change>> changes_of(const std::vector<std::string>& words,
                                       std::string_view what) {
  std::vector<Change> out;
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    Change change;
    if (equals != std::string::npos && equals > 0) {
      change = {word.substr(0, equals), word.substr(equals + 1)};
    } else if (word.size() > 1 && word.ends_with('-')) {
      change = {word.substr(0, word.size() - 1), std::nullopt};
    } else {
      return usage_error(fmt::format("unknown {} spec: {}", what, word));
    }
    for (const Change& other : out) {
      if (other.key == change.key && other.value.has_value() != change.value.has_value()) {
        return usage_error(fmt::format("can not both modify and remove a{} in the same command",
                                       what == "label" ? " label" : "n annotation"));
      }
    }
    out.push_back(std::move(change));
  }
  return out;
}

struct Words {
  std::string_view what, field, done, removed, nothing;
};
constexpr Words kLabel{"label", "labels", "labeled", "unlabeled", "not labeled"};
constexpr Words kAnnotation{"annotation", "annotations", "annotated", "annotated", "annotated"};

Status change_one(Session& session, const Found& found, const std::vector<Change>& changes,
                  const Words& words) {
  const std::string path = fmt::format("metadata.{}", words.field);
  const JsonObject& now = map_at(found.object, path);
  JsonObject body;
  bool sets = false;
  for (const Change& change : changes) {
    const Json* old = now.if_contains(change.key);
    if (!change.value) {
      if (!old) {
        session.io.out(fmt::format("{} \"{}\" not found.\n", words.what, change.key));
        continue;
      }
      body[change.key] = nullptr;
      continue;
    }
    if (old && scalar_text(*old) == *change.value) continue;
    if (old && !session.flags.on("overwrite")) {
      return words.what == "label"
                 ? usage_error(
                       fmt::format("'{}' already has a value ({}), and --overwrite is false",
                                   change.key, scalar_text(*old)))
                 : usage_error(fmt::format(
                       "--overwrite is false but found the following declared annotation(s): "
                       "'{}' already has a value ({})",
                       change.key, scalar_text(*old)));
    }
    body[change.key] = *change.value;
    sets = true;
  }
  const std::string_view operation = sets           ? words.done
                                     : body.empty() ? words.nothing
                                                    : words.removed;
  Json object = found.object;
  if (!body.empty() && session.dry_run() != "client") {
    Json patch_body = JsonObject();
    at_path(patch_body, path) = std::move(body);
    if (session.flags.has("resource-version")) {
      at_path(patch_body, "metadata.resourceVersion") = session.flags.get("resource-version");
    }
    auto changed = session.send("PATCH", found.path(), patch_body, patch::merge);
    if (!changed) return changed.error();
    object = std::move(*changed);
  }
  return session.report(found.resource, object, operation);
}

Status change(Session& session, const Words& words) {
  std::vector<std::string> objects, settings;
  for (const std::string& word : session.flags.args()) {
    // The first word that sets or removes ends the names; names have no "=", and end with no "-".
    const bool setting =
        !settings.empty() || word.find('=') != std::string::npos || word.ends_with('-');
    (setting ? settings : objects).push_back(word);
  }
  const bool listing = session.flags.on("list");
  if (settings.empty() && !listing)
    return usage_error(fmt::format("at least one {} update is required", words.what));
  auto changes = changes_of(settings, words.what);
  if (!changes) return changes.error();
  if (objects.empty() && !session.flags.has("filename")) {
    return usage_error(
        "one or more resources must be specified as <resource> <name> or <resource>/<name>");
  }
  auto found = fetch(session, objects, true);
  if (!found) return found.error();
  for (const Found& one : *found) {
    if (listing) {
      for (const auto& label : map_at(one.object, fmt::format("metadata.{}", words.field))) {
        session.io.out(fmt::format("{}={}\n", view(label.key()), scalar_text(label.value())));
      }
      continue;
    }
    if (auto ok = change_one(session, one, *changes, words); !ok) session.complain(ok.error());
  }
  return {};
}

Status label(Session& session) {
  return change(session, kLabel);
}
Status annotate(Session& session) {
  return change(session, kAnnotation);
}

}  // namespace

std::vector<Verb> label_verbs() {
  const auto flags = with_report(
      with_selection({{"overwrite", "", "change those that have a value"},
                      {"resource-version", "VERSION", "only if this is the object's version"},
                      {"list", "", "show what is there"}}));
  return {
      {"label", "TYPE NAME KEY=VALUE... KEY-...", "set and remove labels", flags, label,
       "  keelson label pod kel env=test\n  keelson label node n1 disk-\n"},
      {"annotate", "TYPE NAME KEY=VALUE... KEY-...", "set and remove annotations", flags, annotate,
       "  keelson annotate deployment/kel kubernetes.io/change-cause='first release'\n"}};
}

}  // namespace keelson::cli
