#include "core/auth/pod_references.hpp"

#include <vector>

namespace keelson::auth {

namespace {

using api::Kind;
using api::Message;
using google::protobuf::FieldDescriptor;
using google::protobuf::Reflection;
using Visit = std::function<bool(Kind, const std::string&)>;

const std::string& name_of(const Message& reference) {
  return static_cast<const api::LocalObjectReference&>(reference).name();
}

bool is_local_reference(const FieldDescriptor& field) {
  return field.message_type()->full_name() == "keelson.api.core.v1.LocalObjectReference";
}

// A reference by its place: the only member of a SecretKeySelector, a field called secret_ref.
bool visit_reference(const Message& owner, const FieldDescriptor& field, const Message& reference,
                     const Visit& visit) {
  const std::string& type = owner.GetDescriptor()->name();
  const std::string& name = name_of(reference);
  if (name.empty()) return true;
  const bool secret = field.name().find("secret") != std::string::npos ||
                      field.name() == "image_pull_secrets" || type.starts_with("Secret");
  if (secret) return visit(Kind::secrets, name);
  if (type.starts_with("ConfigMap")) return visit(Kind::config_maps, name);
  return true;
}

bool walk(const Message& message, const Visit& visit) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->is_map()) continue;  // labels and quantities
    if (field->type() == FieldDescriptor::TYPE_STRING && field->name() == "secret_name") {
      if (!visit(Kind::secrets, reflection.GetString(message, field))) return false;
    }
    if (field->type() != FieldDescriptor::TYPE_MESSAGE) continue;
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      const Message& child = field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                                  : reflection.GetMessage(message, field);
      const bool more = is_local_reference(*field) ? visit_reference(message, *field, child, visit)
                                                   : walk(child, visit);
      if (!more) return false;
    }
  }
  return true;
}

}  // namespace

bool each_reference(const api::PodSpec& spec, const Visit& visit) {
  return walk(spec, visit);
}

}  // namespace keelson::auth
