// Who has set which fields of an object: metadata.managedFields as a value, and what an update of
// the object makes of it. apply.hpp has what server-side apply does with it.
// Source: k8s.io/apimachinery/pkg/util/managedfields and sigs.k8s.io/structured-merge-diff/merge.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/api/field_set.hpp"
#include "core/api/object.hpp"

namespace keelson::api {

// What one manager has set in one way.
struct ManagedEntry {
  std::string manager;
  bool applied = false;     // by server-side apply, not by an update
  std::string api_version;
  std::string subresource;  // through which; empty: the object itself
  std::optional<Time> time;
  FieldSet fields;

  // Entries of the same origin are one. Appliers are the same whatever version they speak.
  bool same_origin(const ManagedEntry& other) const {
    return manager == other.manager && applied == other.applied &&
           subresource == other.subresource && (applied || api_version == other.api_version);
  }
};

class ManagedFields {
 public:
  // nullopt: something that nobody may write (an unknown operation, no set of fields).
  static std::optional<ManagedFields> decode(const ObjectMeta& meta);
  // Sorted as Kubernetes does: appliers, then by time.
  void encode(ObjectMeta& meta) const;

  // The entry of that origin; null: none.
  ManagedEntry* find(const ManagedEntry& origin);
  // Adds an entry, or its fields and time to that of the same origin.
  void add(ManagedEntry entry);
  void drop_empty();
  // More than ten updaters are not remembered apart: the oldest become one.
  void limit_updaters();

  std::vector<ManagedEntry> entries;
};

// The client asks to forget who managed what: one empty entry.
bool resets_managed_fields(const ObjectMeta& meta);

// Who writes, and how it is noted.
struct FieldWriter {
  std::string manager;      // not empty
  std::string subresource;  // "status", "scale"
  Time now;
};

// `now` replaces `before` (null: is new) by an update that is otherwise complete: notes in now's
// managedFields that the writer has set what differs, which others have thereby lost. The entries
// that count so far are those that the writer sent, if it sent good ones, else those of `before`. An
// object of which nobody knows who manages it stays so.
void track_update(Kind kind, const Message* before, Message& now, const FieldWriter& writer);

// Fields that are never noted because the server sets them, and those that writes through the
// subresource do not change.
const FieldSet& untracked_metadata();
const FieldSet& untouched_through(Kind kind, std::string_view subresource);

}  // namespace keelson::api
