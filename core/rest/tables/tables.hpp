// What `kubectl get` prints, prepared by the server: objects as rows of a meta.k8s.io Table, and
// objects reduced to their metadata. Text is written directly, without a JSON tree in between.
//
// Everything here is a function of its arguments and may be called on any thread. Nothing fails: an
// object that validation would refuse gets cells like "<invalid>".
// Source: k8s.io/kubernetes/pkg/printers/internalversion (cells), apimachinery's meta/v1 (Table).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/api/object.hpp"
#include "core/base/time.hpp"

namespace keelson::rest {

struct Column {
  std::string_view name;
  std::string_view type;    // "string", "integer", "boolean", "date": an OpenAPI type, as a hint
  std::string_view format;  // "name" marks the column that names the row; else empty
  std::string_view description;
  int priority = 0;  // 0: always shown; 1: with -o wide
};

// The columns of a kind; a kind without its own has Name and Created At.
std::span<const Column> columns(api::Kind kind);

// Appends one object's cells, a JSON array with one value per column. `now` is what ages count to.
void append_cells(const api::Object& object, WallTime now, std::string& out);

// Appends what marks the row, a JSON array like [{"type":"Completed",...}] for a finished pod;
// nothing if there is nothing to mark.
void append_row_conditions(const api::Object& object, std::string& out);

// The metadata of a list. Strings that are empty are left out.
struct ListHeader {
  std::string_view revision;  // what to watch from
  std::string_view continue_token;
  std::optional<int64_t> remaining;
};

// How much of the object comes with its row (the query parameter includeObject).
enum class IncludeObject : uint8_t { none, metadata, object };

struct TableOptions {
  IncludeObject include = IncludeObject::metadata;
  std::string_view version = "v1";  // of meta.k8s.io: "v1" or "v1beta1"
  // False: columnDefinitions is null, as in all events of a watch but the first.
  bool with_columns = true;
  // With IncludeObject::object: appends the object's JSON, for resources that are served in another
  // version than the stored one. Empty: api::append_object().
  std::function<void(const api::Object& object, std::string& out)> append_object;
  // What api::encode_object() says of each item, as far as it is at hand (null: not), or empty: their
  // metadata is copied from there, which is cheaper than writing it anew.
  std::span<const std::shared_ptr<const std::string>> texts;
};

// REQUIRES: items are of this kind. With a single item and no revision in the header (a get, a
// watch event) the Table has the object's own resourceVersion.
std::string encode_table(api::Kind kind, std::span<const api::ObjectPtr> items,
                         const ListHeader& header, WallTime now, const TableOptions& options = {});

// {"kind":"PartialObjectMetadata",...}: what garbage collectors and metadata informers ask for.
std::string encode_partial_metadata(const api::Object& object, std::string_view version = "v1");
std::string encode_partial_metadata_list(std::span<const api::ObjectPtr> items,
                                         const ListHeader& header, std::string_view version = "v1");

}  // namespace keelson::rest
