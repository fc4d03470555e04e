// Objects as application/vnd.kubernetes.protobuf, which Go's typed clients send and prefer: the
// four bytes "k8s\0", an envelope that names kind and version, and in it the message with
// Kubernetes' field numbers, which are ours. What comes in becomes what the JSON of the same object
// would have become: Go writes zero values and unset times, here they are absent; quantities are
// canonical.
//
// Kubernetes does not report unknown fields of protobuf bodies, whatever fieldValidation says; they
// are dropped. Errors are Code::invalid. Nothing throws, whatever the bytes are.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "core/api/json.hpp"
#include "core/api/object.hpp"

namespace keelson::api {

inline constexpr std::string_view protobuf_content_type = "application/vnd.kubernetes.protobuf";

// An opened envelope.
struct ProtobufBody {
  std::string api_version, kind;
  std::string raw;  // the message
};
keelson::Result<ProtobufBody> open_protobuf(std::string_view bytes);

// One object of a served kind, by what its envelope says it is.
keelson::Result<Decoded> decode_object_protobuf(std::string_view bytes);
// The same of a kind that the caller has chosen (an older name of it).
keelson::Result<Decoded> decode_object_protobuf(const ProtobufBody& body, Kind kind);
// Any message of our .proto files that stands on its own: options, a Binding, a Scale.
keelson::Status decode_message_protobuf(std::string_view raw, Message& into);

// From the message of the stored version to that of the same object in another.
using ProtobufConversion = std::function<std::string(std::string raw)>;

// With the envelope. `api_version`: by which the client calls the kind; empty: its own. `convert`:
// what that version makes of each object; empty: nothing.
std::string encode_object_protobuf(const Object& object, std::string_view api_version = {},
                                   const ProtobufConversion& convert = {});
std::string encode_list_protobuf(Kind kind, std::span<const ObjectPtr> items, const ListMeta& meta,
                                 std::string_view api_version = {},
                                 const ProtobufConversion& convert = {});
// REQUIRES: a type that stands on its own: Status, Scale, ...
std::string encode_message_protobuf(const Message& message);

}  // namespace keelson::api
