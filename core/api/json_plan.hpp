// What the JSON codec, the patches and server-side apply know of each message type, worked out once
// from the descriptors and their options, so that coding a message asks no descriptor anything.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/types.hpp"

namespace keelson::api {

struct MessagePlan;

struct FieldPlan {
  enum class Type : uint8_t { string, bytes, boolean, int32, int64, message };

  const google::protobuf::FieldDescriptor* field = nullptr;
  std::string name;      // in JSON
  std::string key_text;  // "name": with its quotes and colon
  Type type{};           // of a map: of its values
  bool repeated = false;
  bool map = false;
  bool presence = false;    // a scalar that may be absent
  bool emit_empty = false;  // FieldRule.emit_empty
  bool inlined = false;     // FieldRule.inline
  const MessagePlan* child = nullptr;  // of messages, and of maps to messages

  // Strategic merge patch.
  bool merge_list = false;  // patch_strategy has "merge"
  bool replace = false;     // patch_strategy has "replace"
  std::string merge_key;

  // Server-side apply: what identifies the elements of a list. Of an atomic one nothing does: it is
  // owned and replaced as a whole, and so is a field that is `atomic`.
  enum class ListType : uint8_t { atomic, set, map } list_type{};
  std::vector<std::string> list_keys;  // of a map, sorted
  bool atomic = false;                 // a map that is one field
};

struct MessagePlan {
  // Types whose JSON is not an object of their fields.
  enum class Shape : uint8_t {
    plain, time, micro_time, quantity, int_or_string, fields_v1,
    raw,   // any JSON, as text in the message's only field
    texts  // an array: the message's only field is a list of strings
  };

  // A JSON name may belong to a member of an inlined field.
  struct Target {
    std::vector<const FieldPlan*> through;  // the inlined fields on the way
    const FieldPlan* field = nullptr;
  };

  const google::protobuf::Descriptor* descriptor = nullptr;
  Shape shape{};
  std::string go_type;  // "v1.PodSpec": what error messages call it
  // Top-level types say so in JSON; empty for all others.
  std::string kind, api_version;
  bool atomic = false;  // server-side apply: its values are owned and replaced as a whole
  std::vector<FieldPlan> fields;  // in the order of their declaration, which is Kubernetes'
  boost::unordered_flat_map<std::string_view, Target> by_name;

  const Target* find(std::string_view name) const {
    const auto found = by_name.find(name);
    return found == by_name.end() ? nullptr : &found->second;
  }
};

// REQUIRES: a message type of core/api/proto.
const MessagePlan& plan_of(const google::protobuf::Descriptor& descriptor);
inline const MessagePlan& plan_of(const Message& message) {
  return plan_of(*message.GetDescriptor());
}

// The name by which Kubernetes' error messages call the type of a field: "[]v1.Container".
std::string go_type_of(const FieldPlan& field);

}  // namespace keelson::api
