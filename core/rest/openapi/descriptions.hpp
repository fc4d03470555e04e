// What the comments of the .proto files say about messages and fields. The compiler drops comments
// from descriptors, so a descriptor set with them is kept in the binary, and read when somebody
// asks.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>
#include <unordered_map>

namespace keelson::rest::openapi {

class Descriptions {
 public:
  // Some milliseconds, and some MiB that go with the object.
  Descriptions();

  // The comment before the message or field (or else the one behind it) as one line; empty: none.
  std::string_view of(const google::protobuf::Descriptor& message) const;
  std::string_view of(const google::protobuf::FieldDescriptor& field) const;

 private:
  std::string_view find(const std::string& full_name) const;

  std::unordered_map<std::string, std::string> texts_;  // by full name; only looked up
};

// The embedded FileDescriptorSet.
std::string_view descriptor_set();

}  // namespace keelson::rest::openapi
