// What a verb is to act on, as kubectl's verbs take it: `TYPE NAME...`, `TYPE/NAME...`,
// `TYPE,TYPE`, `all`,
// `-f FILE`, with -l, --field-selector, --all, -n and -A.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/cluster/session.hpp"

namespace keelson::cli {

struct Target {
  Resource resource;
  std::string ns;    // empty: not namespaced, or all namespaces
  std::string name;  // empty: a list
  Json manifest;     // from a file, else null
};

struct Selection {
  std::vector<Target> targets;
  bool many_types = false;  // names are shown with their types
};

// `words`: the arguments that name things, usually flags.args(). Errors are usage errors and types
// that the server does not have. Nothing but discovery is asked for.
Result<Selection> select(Session& session, const std::vector<std::string>& words);

// "labelSelector=...&fieldSelector=..." from the flags; may be empty.
std::string selector_query(const Flags& flags);

struct Found {
  Resource resource;
  std::string ns, name;
  Json object;

  std::string path(std::string_view subresource = {}) const {
    return resource.path(ns, name, subresource);
  }
  std::string called() const { return resource.called(name); }
};

// The selected objects, read from the server; lists are unfolded. Those that are missing are
// complained about and left out. Error: names were required (`names_only`: lists need --all or a
// selector).
Result<std::vector<Found>> fetch(Session& session, const std::vector<std::string>& words,
                                 bool names_only);

// Exactly one object.
Result<Found> fetch_one(Session& session, const std::vector<std::string>& words);

// All documents of -f (files, folders, "-") with their resources; lists unfolded, namespaces filled
// in.
Result<std::vector<Target>> read_manifests(Session& session);

inline const std::vector<FlagSpec>& file_flags() {
  static const std::vector<FlagSpec> flags = {
      {"f,filename", "FILE", "a file or folder of manifests, or - for standard input (repeatable)"},
      {"R,recursive", "", "read folders with all that is in them"}};
  return flags;
}

// Those of a verb that selects objects.
std::vector<FlagSpec> with_selection(std::vector<FlagSpec> more);
// Those of a verb that changes objects: -o, --dry-run, --field-manager.
std::vector<FlagSpec> with_report(std::vector<FlagSpec> more);

}  // namespace keelson::cli
