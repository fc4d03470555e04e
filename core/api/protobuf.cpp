#include "core/api/protobuf.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <charconv>

#include "core/api/json_plan.hpp"
#include "core/api/kinds.hpp"
#include "core/api/proto/runtime.pb.h"
#include "core/api/protobuf_normal.hpp"

namespace keelson::api {
namespace {

constexpr std::string_view magic("k8s\0", 4);
// Our messages nest less than twenty levels.
constexpr int depth_max = 64;
constexpr std::size_t size_max = 1u << 30;

// Field numbers of every list, and of metadata in every kind.
constexpr int metadata_number = 1, items_number = 2;

keelson::Status parse(std::string_view bytes, Message& into) {
  if (bytes.size() > size_max) return {Code::invalid, "the message is too large"};
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                                            static_cast<int>(bytes.size()));
  in.SetRecursionLimit(depth_max);
  if (!into.ParseFromCodedStream(&in) || !in.ConsumedEntireMessage()) {
    return {Code::invalid, "the bytes are no protobuf message of this kind"};
  }
  into.DiscardUnknownFields();
  return {};
}

// Bytes that are equal for equal messages: maps have an order.
void append_message(const Message& message, std::string& out) {
  google::protobuf::io::StringOutputStream stream(&out);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
}

void append_field(int number, std::string_view bytes, std::string& out) {
  constexpr uint32_t length_delimited = 2;
  google::protobuf::io::StringOutputStream stream(&out);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.WriteTag(static_cast<uint32_t>(number) << 3 | length_delimited);
  coded.WriteVarint32(static_cast<uint32_t>(bytes.size()));
  coded.WriteRaw(bytes.data(), static_cast<int>(bytes.size()));
}

// The revision follows as a second part of the metadata: parts of a message that come apart are put
// together by whoever reads them, and the shared body needs no copy.
void append_body(const Object& object, std::string& out) {
  append_message(object.message(), out);
  if (!object.revision()) return;
  ObjectMeta rest;
  rest.set_resource_version(to_string(object.revision()));
  append_field(metadata_number, rest.SerializeAsString(), out);
}

std::string enclose(std::string_view api_version, std::string_view kind, std::string raw) {
  runtime::Unknown envelope;
  envelope.mutable_type_meta()->set_api_version(std::string(api_version));
  envelope.mutable_type_meta()->set_kind(std::string(kind));
  envelope.set_raw(std::move(raw));
  std::string out(magic);
  envelope.AppendToString(&out);
  return out;
}

}  // namespace

keelson::Result<ProtobufBody> open_protobuf(std::string_view bytes) {
  if (!bytes.starts_with(magic)) {
    return {Code::invalid,
            "provided data does not appear to be a protobuf message, expected prefix "
            "[107 56 115 0]"};
  }
  runtime::Unknown envelope;
  if (keelson::Status parsed = parse(bytes.substr(magic.size()), envelope); !parsed) {
    return parsed.error();
  }
  if (!envelope.content_encoding().empty()) {
    return {Code::invalid, "unknown content encoding \"" + envelope.content_encoding() + "\""};
  }
  const std::string& type = envelope.content_type();
  if (!type.empty() && type != protobuf_content_type) {
    return {Code::invalid, "the envelope holds \"" + type + "\", not protobuf"};
  }
  return ProtobufBody{envelope.type_meta().api_version(), envelope.type_meta().kind(),
                      std::move(*envelope.mutable_raw())};
}

keelson::Result<Decoded> decode_object_protobuf(std::string_view bytes) {
  keelson::Result<ProtobufBody> body = open_protobuf(bytes);
  if (!body) return body.error();
  if (body->kind.empty()) return {Code::invalid, "Object 'Kind' is missing in the envelope"};
  if (body->api_version.empty()) {
    return {Code::invalid, "Object 'apiVersion' is missing in the envelope"};
  }
  const KindInfo* kind = find_kind(body->api_version, body->kind);
  if (!kind) {
    return {Code::invalid, "no kind \"" + body->kind + "\" is registered for version \"" +
                               body->api_version + "\""};
  }
  return decode_object_protobuf(*body, kind->kind);
}

keelson::Result<Decoded> decode_object_protobuf(const ProtobufBody& body, Kind kind) {
  const KindInfo& known = info(kind);
  std::unique_ptr<Message> message = new_message(kind);
  if (keelson::Status decoded = decode_message_protobuf(body.raw, *message); !decoded) {
    return {Code::invalid, known.name + " in version \"" + known.version +
                               "\" cannot be handled as a " + known.name + ": " +
                               decoded.message()};
  }
  ObjectMeta& meta = mutable_meta_of(kind, *message);
  Revision revision;
  const std::string version = meta.resource_version();
  if (!version.empty()) {
    const char* last = version.data() + version.size();
    const auto [end, bad] = std::from_chars(version.data(), last, revision.value);
    if (bad != std::errc{} || end != last) {
      return {Code::invalid, "metadata.resourceVersion: Invalid value: \"" + version +
                                 "\": must be a decimal number"};
    }
  }
  meta.clear_resource_version();
  Decoded out;
  out.object = std::make_shared<const Object>(kind, std::move(message), revision);
  return out;
}

keelson::Status decode_message_protobuf(std::string_view raw, Message& into) {
  into.Clear();
  if (keelson::Status parsed = parse(raw, into); !parsed) return parsed;
  std::string wrong = normalize_protobuf(into);
  if (!wrong.empty()) return {Code::invalid, std::move(wrong)};
  return {};
}

std::string encode_object_protobuf(const Object& object, std::string_view api_version,
                                   const ProtobufConversion& convert) {
  const KindInfo& kind = info(object.kind());
  std::string raw;
  append_body(object, raw);
  if (convert) raw = convert(std::move(raw));
  return enclose(api_version.empty() ? kind.api_version : api_version, kind.name, std::move(raw));
}

std::string encode_list_protobuf(Kind kind, std::span<const ObjectPtr> items, const ListMeta& meta,
                                 std::string_view api_version, const ProtobufConversion& convert) {
  const KindInfo& known = info(kind);
  std::string raw, item;
  append_field(metadata_number, meta.SerializeAsString(), raw);
  for (const ObjectPtr& object : items) {
    item.clear();
    append_body(*object, item);
    if (convert) item = convert(std::move(item));
    append_field(items_number, item, raw);
  }
  return enclose(api_version.empty() ? known.api_version : api_version, known.name + "List",
                 std::move(raw));
}

std::string encode_message_protobuf(const Message& message) {
  const MessagePlan& plan = plan_of(message);
  KEELSON_ASSERT_WHY(!plan.kind.empty(), plan.descriptor->full_name().c_str());
  std::string raw;
  append_message(message, raw);
  return enclose(plan.api_version, plan.kind, std::move(raw));
}

}  // namespace keelson::api
