#include "core/api/json_plan.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "core/base/assert.hpp"

namespace keelson::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
// Types that stand on their own in the API without being stored.
struct TopLevel {
  std::string_view message, api_version;
};
constexpr std::array<TopLevel, 12> unstored = {{{"keelson.api.meta.v1.Status", "v1"},
                                               {"keelson.api.meta.v1.DeleteOptions", "v1"},
                                               {"keelson.api.core.v1.Binding", "v1"},
                                               {"keelson.api.policy.v1.Eviction", "policy/v1"},
                                               {"keelson.api.autoscaling.v1.Scale",
                                                "autoscaling/v1"},
                                               {"keelson.api.authentication.v1.SelfSubjectReview",
                                                "authentication.k8s.io/v1"},
                                               {"keelson.api.authentication.v1.TokenRequest",
                                                "authentication.k8s.io/v1"},
                                               {"keelson.api.authentication.v1.TokenReview",
                                                "authentication.k8s.io/v1"},
                                               {"keelson.api.authorization.v1."
                                                "LocalSubjectAccessReview",
                                                "authorization.k8s.io/v1"},
                                               {"keelson.api.authorization.v1."
                                                "SelfSubjectAccessReview",
                                                "authorization.k8s.io/v1"},
                                               {"keelson.api.authorization.v1."
                                                "SelfSubjectRulesReview",
                                                "authorization.k8s.io/v1"},
                                               {"keelson.api.authorization.v1.SubjectAccessReview",
                                                "authorization.k8s.io/v1"}}};

// What Kubernetes marks as structType=atomic, and the maps that it marks as mapType=atomic.
constexpr std::array atomic_messages = {
    "keelson.api.meta.v1.LabelSelector",
    "keelson.api.meta.v1.OwnerReference",
    "keelson.api.core.v1.ConfigMapKeySelector",
    "keelson.api.core.v1.EndpointAddress",
    "keelson.api.core.v1.EndpointPort",
    "keelson.api.core.v1.LocalObjectReference",
    "keelson.api.core.v1.NodeSelector",
    "keelson.api.core.v1.NodeSelectorTerm",
    "keelson.api.core.v1.ObjectFieldSelector",
    "keelson.api.core.v1.ObjectReference",
    "keelson.api.core.v1.ResourceFieldSelector",
    "keelson.api.core.v1.ScopeSelector",
    "keelson.api.core.v1.ScopedResourceSelectorRequirement",
    "keelson.api.core.v1.SecretKeySelector",
    "keelson.api.core.v1.SecretReference",
    "keelson.api.core.v1.TopologySelectorTerm",
    "keelson.api.core.v1.TypedLocalObjectReference",
    "keelson.api.discovery.v1.EndpointPort",
    "keelson.api.autoscaling.v1.CrossVersionObjectReference",
    "keelson.api.rbac.v1.RoleRef",
    "keelson.api.rbac.v1.Subject"};
constexpr std::array atomic_maps = {"keelson.api.core.v1.PodSpec.node_selector",
                                    "keelson.api.core.v1.ReplicationControllerSpec.selector",
                                    "keelson.api.core.v1.ServiceSpec.selector"};

using MessagePlans = boost::unordered_flat_map<const Descriptor*, std::unique_ptr<MessagePlan>>;

void collect(const FileDescriptor* file, std::set<std::string>& seen,
             std::vector<const Descriptor*>& out) {
  if (file->package().rfind("keelson.api", 0) != 0 || !seen.insert(file->name()).second) return;
  for (int i = 0; i < file->dependency_count(); ++i) collect(file->dependency(i), seen, out);
  for (int i = 0; i < file->message_type_count(); ++i) out.push_back(file->message_type(i));
}

FieldPlan::Type type_of(const FieldDescriptor& field) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_STRING: return FieldPlan::Type::string;
    case FieldDescriptor::TYPE_BYTES: return FieldPlan::Type::bytes;
    case FieldDescriptor::TYPE_BOOL: return FieldPlan::Type::boolean;
    case FieldDescriptor::TYPE_INT32: return FieldPlan::Type::int32;
    case FieldDescriptor::TYPE_INT64: return FieldPlan::Type::int64;
    case FieldDescriptor::TYPE_MESSAGE: return FieldPlan::Type::message;
    // uint32 stands in options.proto alone, which is not sent.
    default: return FieldPlan::Type::int64;
  }
}

MessagePlan::Shape shape_of(const Descriptor& message) {
  const std::string& name = message.full_name();
  if (name == "keelson.api.meta.v1.Time") return MessagePlan::Shape::time;
  if (name == "keelson.api.meta.v1.MicroTime") return MessagePlan::Shape::micro_time;
  if (name == "keelson.api.meta.v1.Quantity") return MessagePlan::Shape::quantity;
  if (name == "keelson.api.meta.v1.IntOrString") return MessagePlan::Shape::int_or_string;
  if (name == "keelson.api.meta.v1.FieldsV1") return MessagePlan::Shape::fields_v1;
  if (name == "keelson.api.meta.v1.RawExtension") return MessagePlan::Shape::raw;
  // Three groups have one of their own.
  if (message.name() == "ExtraValue") return MessagePlan::Shape::texts;
  return MessagePlan::Shape::plain;
}

bool lists(std::string_view strategies, std::string_view wanted) {
  while (!strategies.empty()) {
    const std::size_t comma = strategies.find(',');
    if (strategies.substr(0, comma) == wanted) return true;
    if (comma == std::string_view::npos) return false;
    strategies.remove_prefix(comma + 1);
  }
  return false;
}

// A list type that is not said follows from the strategic merge patch, as in Kubernetes.
void plan_list(const FieldRule& rule, FieldPlan& plan) {
  using ListType = FieldPlan::ListType;
  if (rule.list_type() == "map") {
    plan.list_type = ListType::map;
    plan.list_keys.assign(rule.list_map_keys().begin(), rule.list_map_keys().end());
    std::sort(plan.list_keys.begin(), plan.list_keys.end());
  } else if (rule.list_type() == "set") {
    plan.list_type = ListType::set;
  } else if (rule.list_type().empty() && plan.merge_list && !plan.merge_key.empty()) {
    plan.list_type = ListType::map;
    plan.list_keys = {plan.merge_key};
  } else if (rule.list_type().empty() && plan.merge_list && plan.type != FieldPlan::Type::message) {
    plan.list_type = ListType::set;
  }
}

bool one_of(const auto& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

FieldPlan plan_field(const FieldDescriptor& field, const MessagePlans& plans) {
  const FieldRule& rule = field.options().GetExtension(keelson::api::field);
  FieldPlan plan;
  plan.field = &field;
  plan.name = field.json_name();
  plan.key_text = "\"" + plan.name + "\":";
  plan.map = field.is_map();
  plan.repeated = field.is_repeated() && !plan.map;
  const FieldDescriptor& value = plan.map ? *field.message_type()->map_value() : field;
  plan.type = type_of(value);
  plan.presence = field.has_presence() && plan.type != FieldPlan::Type::message;
  plan.emit_empty = rule.emit_empty();
  plan.inlined = rule.inline_();
  if (plan.type == FieldPlan::Type::message) {
    const auto child = plans.find(value.message_type());
    KEELSON_ASSERT_WHY(child != plans.end(), field.full_name().c_str());
    plan.child = child->second.get();
  }
  plan.merge_list = lists(rule.patch_strategy(), "merge");
  plan.replace = lists(rule.patch_strategy(), "replace");
  plan.merge_key = rule.merge_key();
  plan_list(rule, plan);
  plan.atomic = one_of(atomic_maps, field.full_name());
  return plan;
}

void describe(const Descriptor& message, MessagePlan& plan) {
  plan.descriptor = &message;
  plan.shape = shape_of(message);
  plan.atomic = one_of(atomic_messages, message.full_name());
  const std::string& package = message.file()->package();
  plan.go_type = package.substr(package.rfind('.') + 1) + "." + message.name();
  const KindRule& rule = message.options().GetExtension(keelson::api::kind);
  if (!rule.plural().empty()) {
    plan.kind = message.name();
    plan.api_version = rule.group().empty() ? rule.version() : rule.group() + "/" + rule.version();
  }
  for (const TopLevel& top : unstored) {
    if (top.message != message.full_name()) continue;
    plan.kind = message.name();
    plan.api_version = std::string(top.api_version);
  }
}

void index(const MessagePlan& plan, std::vector<const FieldPlan*>& through, MessagePlan& into) {
  for (const FieldPlan& field : plan.fields) {
    if (field.inlined) {
      through.push_back(&field);
      index(*field.child, through, into);
      through.pop_back();
    } else {
      into.by_name.emplace(std::string_view(field.name), MessagePlan::Target{through, &field});
    }
  }
}

MessagePlans build() {
  std::set<std::string> seen;
  std::vector<const Descriptor*> messages;
#define X(enumerator, Message) collect(Message::descriptor()->file(), seen, messages);
  KEELSON_KINDS(X)
#undef X
  collect(Scale::descriptor()->file(), seen, messages);
  collect(TokenReview::descriptor()->file(), seen, messages);
  collect(SubjectAccessReview::descriptor()->file(), seen, messages);
  MessagePlans plans;
  for (const Descriptor* message : messages) {
    plans.emplace(message, std::make_unique<MessagePlan>());
  }
  for (const Descriptor* message : messages) {
    MessagePlan& plan = *plans.find(message)->second;
    describe(*message, plan);
    for (int i = 0; i < message->field_count(); ++i) {
      plan.fields.push_back(plan_field(*message->field(i), plans));
    }
  }
  for (const Descriptor* message : messages) {
    std::vector<const FieldPlan*> through;
    MessagePlan& plan = *plans.find(message)->second;
    index(plan, through, plan);
  }
  return plans;
}

std::string_view scalar_type(FieldPlan::Type type) {
  switch (type) {
    case FieldPlan::Type::string: return "string";
    case FieldPlan::Type::bytes: return "[]uint8";
    case FieldPlan::Type::boolean: return "bool";
    case FieldPlan::Type::int32: return "int32";
    case FieldPlan::Type::int64: return "int64";
    case FieldPlan::Type::message: break;
  }
  return "";
}

}  // namespace

const MessagePlan& plan_of(const Descriptor& descriptor) {
  static const MessagePlans plans = build();
  const auto found = plans.find(&descriptor);
  KEELSON_ASSERT_WHY(found != plans.end(), descriptor.full_name().c_str());
  return *found->second;
}

std::string go_type_of(const FieldPlan& field) {
  const std::string base(field.child ? std::string_view(field.child->go_type)
                                     : scalar_type(field.type));
  if (field.map) return "map[string]" + base;
  return field.repeated ? "[]" + base : base;
}

}  // namespace keelson::api
