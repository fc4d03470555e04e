#include "core/api/configuration.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "core/api/json_decode.hpp"
#include "core/api/typed_tree.hpp"

namespace keelson::api {
namespace {

namespace json = boost::json;

std::string text_member(const json::value& tree, std::string_view name) {
  const json::object* object = tree.if_object();
  const json::value* member = object ? object->if_contains(name) : nullptr;
  const json::string* text = member ? member->if_string() : nullptr;
  return text ? std::string(text->data(), text->size()) : std::string();
}

// "/v1, Kind=Pod", "apps/v1, Kind=Deployment": as Go prints a group, version and kind.
std::string shown(const std::string& api_version, const std::string& kind) {
  const bool core = api_version.find('/') == std::string::npos;
  return (core ? "/" : "") + api_version + ", Kind=" + kind;
}

const json::value* metadata_of(const json::value& tree) {
  const json::object* object = tree.if_object();
  const json::value* metadata = object ? object->if_contains("metadata") : nullptr;
  return metadata && metadata->is_object() ? metadata : nullptr;
}

ApiError untyped(const json::value& tree, const MessagePlan& plan,
                 const std::vector<std::string>& problems) {
  const json::value* metadata = metadata_of(tree);
  const std::string ns = metadata ? text_member(*metadata, "namespace") : "";
  const std::string name = metadata ? text_member(*metadata, "name") : "";
  std::string text = "failed to create typed patch object (" + ns + "/" + name + "; " +
                     shown(plan.api_version, plan.kind) + "): ";
  if (problems.size() == 1) return bad_request(text + problems.front());
  text += "errors:";
  constexpr std::size_t shown_max = 100;
  for (std::size_t i = 0; i < problems.size() && i < shown_max; ++i) text += "\n  " + problems[i];
  return bad_request(std::move(text));
}

// Go writes the members of maps sorted.
json::value sorted(const json::value& value) {
  if (const json::array* array = value.if_array()) {
    json::array out;
    for (const json::value& element : *array) out.push_back(sorted(element));
    return out;
  }
  const json::object* object = value.if_object();
  if (!object) return value;
  std::vector<const json::key_value_pair*> members;
  for (const auto& member : *object) members.push_back(&member);
  std::sort(members.begin(), members.end(),
            [](const auto* a, const auto* b) { return a->key() < b->key(); });
  json::object out;
  for (const auto* member : members) out.emplace(member->key(), sorted(member->value()));
  return out;
}

// JSON where it is that (its errors are worth more), YAML otherwise.
ParsedJson parse_text(std::string_view text, std::vector<JsonProblem>* duplicates) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') {
    ParsedJson parsed = parse_json(text, duplicates);
    if (parsed.error.empty()) return parsed;
  }
  if (duplicates) duplicates->clear();
  return parse_yaml(text, duplicates);
}

}  // namespace

Configuration::Configuration(const MessagePlan& plan)
    : plan_(plan), tree_(std::make_unique<Tree>()) {}
Configuration::~Configuration() = default;

ConfigurationPtr Configuration::parse(std::string_view text, const MessagePlan& plan,
                                      FieldValidation validation, ApiError& error) {
  std::shared_ptr<Configuration> out(new Configuration(plan));
  const bool watch = validation != FieldValidation::ignore;
  std::vector<JsonProblem> duplicates;
  ParsedJson parsed = parse_text(text, watch ? &duplicates : nullptr);
  if (!parsed.error.empty()) {
    error = bad_request("error decoding YAML: " + parsed.error);
    return nullptr;
  }
  json::value& tree = out->tree_->value;
  tree = std::move(parsed.value);
  const std::string kind = text_member(tree, "kind");
  const std::string api_version = text_member(tree, "apiVersion");
  if (kind != plan.kind || api_version != plan.api_version) {
    error = bad_request("invalid object type: " + shown(api_version, kind));
    return nullptr;
  }
  const json::value* metadata = metadata_of(tree);
  const json::value* managed =
      metadata ? metadata->get_object().if_contains("managedFields") : nullptr;
  if (managed && !managed->is_null()) {
    error = bad_request("metadata.managedFields must be nil");
    return nullptr;
  }
  TreeProblems problems;
  fields_of_tree(tree, plan, &problems);
  out->message_.reset(google::protobuf::MessageFactory::generated_factory()
                          ->GetPrototype(plan.descriptor)
                          ->New());
  if (problems.empty()) {
    if (auto problem = decode_tree(tree, *out->message_, nullptr)) {
      problems.push_back(std::move(problem->message));
    }
  }
  if (!problems.empty()) {
    error = untyped(tree, plan, problems);
    return nullptr;
  }
  const google::protobuf::FieldDescriptor* meta = plan.descriptor->FindFieldByName("metadata");
  if (metadata && meta) {
    out->resource_version_ = text_member(*metadata, "resourceVersion");
    Message* message = out->message_->GetReflection()->MutableMessage(out->message_.get(), meta);
    static_cast<ObjectMeta*>(message)->clear_resource_version();
  }
  if (!duplicates.empty() && validation == FieldValidation::strict) {
    std::string all;
    for (const JsonProblem& one : duplicates) all += (all.empty() ? "" : ", ") + one.message;
    error = bad_request("error strict decoding YAML: " + all);
    return nullptr;
  }
  for (JsonProblem& one : duplicates) out->warnings_.push_back(std::move(one.message));
  return out;
}

std::string last_applied_text(const json::value& config, std::string_view annotation) {
  json::value copy = config;
  const json::value* metadata = metadata_of(copy);
  if (metadata) {
    json::object& members = copy.get_object()["metadata"].get_object();
    json::value* annotations = members.if_contains("annotations");
    if (annotations && annotations->is_object()) annotations->get_object().erase(annotation);
  }
  return json::serialize(sorted(copy)) + "\n";
}

}  // namespace keelson::api
