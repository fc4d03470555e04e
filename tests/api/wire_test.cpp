// The .proto files against the wire format that other programs already speak: a number or a name
// that is mistyped would be found by nobody else here, because we read what we write.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "core/api/proto/options.pb.h"
#include "core/api/types.hpp"
#include "tests/api/wire_fields.hpp"

namespace keelson::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

constexpr std::string_view package = "keelson.api.";

using Fields = std::map<int, std::string>;  // "name:type" by number

// Message without package -> its fields, as the table says.
std::map<std::string, Fields> published() {
  std::map<std::string, Fields> out;
  std::istringstream words{std::string(wire_fields)};
  Fields* fields = nullptr;
  for (std::string word; words >> word;) {
    const std::size_t colon = word.find(':');
    if (colon == std::string::npos) {
      fields = &out[word];
    } else if (fields) {
      (*fields)[std::stoi(word.substr(0, colon))] = word.substr(colon + 1);
    }
  }
  return out;
}

std::string type_of(const FieldDescriptor& field) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_STRING: return "s";
    case FieldDescriptor::TYPE_BYTES: return "y";
    case FieldDescriptor::TYPE_BOOL: return "b";
    case FieldDescriptor::TYPE_INT32: return "i";
    case FieldDescriptor::TYPE_INT64: return "l";
    case FieldDescriptor::TYPE_MESSAGE: return field.message_type()->name();
    default: return field.type_name();
  }
}

std::string describe(const FieldDescriptor& field) {
  // JSON shows neither the name of an inlined field nor that of the one that holds raw JSON.
  const bool raw = field.full_name() == "keelson.api.meta.v1.FieldsV1.raw" ||
                   field.full_name() == "keelson.api.meta.v1.RawExtension.raw";
  const bool named = !raw && !field.options().GetExtension(keelson::api::field).inline_();
  std::string text = named ? field.json_name() : "-";
  if (field.is_map()) return text + ":%" + type_of(*field.message_type()->map_value());
  text += ":" + type_of(field);
  if (field.is_repeated()) return text + "*";
  return field.has_presence() && field.type() != FieldDescriptor::TYPE_MESSAGE ? text + "?" : text;
}

void collect(const FileDescriptor& file, std::set<std::string>& seen,
             std::map<std::string, Fields>& out) {
  if (!file.package().starts_with(package) || !seen.insert(file.name()).second) return;
  for (int i = 0; i < file.dependency_count(); ++i) collect(*file.dependency(i), seen, out);
  for (int i = 0; i < file.message_type_count(); ++i) {
    const Descriptor& message = *file.message_type(i);
    Fields& fields = out[message.full_name().substr(package.size())];
    for (int j = 0; j < message.field_count(); ++j) {
      fields[message.field(j)->number()] = describe(*message.field(j));
    }
  }
}

TEST(Wire, MessagesHaveKubernetesNumbersNamesAndTypes) {
  std::map<std::string, Fields> ours;
  std::set<std::string> seen;
#define X(enumerator, Type) collect(*Type::descriptor()->file(), seen, ours);
  KEELSON_KINDS(X)
#undef X
  collect(*Scale::descriptor()->file(), seen, ours);
  collect(*TokenReview::descriptor()->file(), seen, ours);
  collect(*SubjectAccessReview::descriptor()->file(), seen, ours);
  const std::map<std::string, Fields> theirs = published();
  EXPECT_GT(ours.size(), 200U);
  for (const auto& [message, fields] : ours) {
    const auto found = theirs.find(message);
    ASSERT_NE(found, theirs.end()) << message << " is not in the table";
    EXPECT_EQ(fields, found->second) << message;
  }
  EXPECT_EQ(ours.size(), theirs.size());
}

}  // namespace
}  // namespace keelson::api
