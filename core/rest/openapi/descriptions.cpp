#include "core/rest/openapi/descriptions.hpp"

#include <google/protobuf/arena.h>
#include <google/protobuf/descriptor.pb.h>

#include "core/base/assert.hpp"

namespace keelson::rest::openapi {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;
using google::protobuf::SourceCodeInfo;

// Field numbers in descriptor.proto, of which the path to a commented element consists.
constexpr int file_message = FileDescriptorProto::kMessageTypeFieldNumber;
constexpr int message_message = DescriptorProto::kNestedTypeFieldNumber;
constexpr int message_field = DescriptorProto::kFieldFieldNumber;

// All white space, line ends too, as single blanks.
std::string one_line(const std::string& comment) {
  std::string out;
  bool gap = false;
  for (const char c : comment) {
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      gap = !out.empty();
      continue;
    }
    if (gap) out += ' ';
    gap = false;
    out += c;
  }
  return out;
}

// The full name of the message or field at that path; empty: something else.
std::string name_at(const FileDescriptorProto& file, const SourceCodeInfo::Location& location) {
  const int steps = location.path_size();
  if (steps < 2 || steps % 2 != 0 || location.path(0) != file_message) return "";
  const DescriptorProto* message = &file.message_type(location.path(1));
  std::string name = file.package() + "." + message->name();
  for (int i = 2; i < steps; i += 2) {
    if (location.path(i) == message_message) {
      message = &message->nested_type(location.path(i + 1));
      name += "." + message->name();
    } else if (location.path(i) == message_field && i + 2 == steps) {
      name += "." + message->field(location.path(i + 1)).name();
    } else {
      return "";
    }
  }
  return name;
}

}  // namespace

Descriptions::Descriptions() {
  // On an arena: what is parsed goes back in a few large pieces.
  google::protobuf::Arena arena;
  auto* set = google::protobuf::Arena::CreateMessage<FileDescriptorSet>(&arena);
  const std::string_view bytes = descriptor_set();
  const bool parsed = set->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  KEELSON_ASSERT(parsed);  // protoc wrote it
  for (const FileDescriptorProto& file : set->file()) {
    for (const SourceCodeInfo::Location& location : file.source_code_info().location()) {
      const std::string& comment = location.leading_comments().empty()
                                       ? location.trailing_comments()
                                       : location.leading_comments();
      if (comment.empty()) continue;
      std::string name = name_at(file, location);
      if (!name.empty()) texts_.emplace(std::move(name), one_line(comment));
    }
  }
}

std::string_view Descriptions::find(const std::string& full_name) const {
  const auto found = texts_.find(full_name);
  return found == texts_.end() ? std::string_view() : std::string_view(found->second);
}

std::string_view Descriptions::of(const google::protobuf::Descriptor& message) const {
  return find(message.full_name());
}

std::string_view Descriptions::of(const google::protobuf::FieldDescriptor& field) const {
  return find(field.full_name());
}

}  // namespace keelson::rest::openapi
