// The entrances of the codec: JSON text and served objects.
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "core/api/json.hpp"
#include "core/api/json_decode.hpp"
#include "core/api/kinds.hpp"

namespace keelson::api {
namespace {

namespace json = boost::json;

// The member as text; empty if it is missing, nullopt if it is something else.
std::optional<std::string> text_member(const json::object& object, const char* name) {
  const json::value* member = object.if_contains(name);
  if (!member || member->is_null()) return std::string();
  if (!member->is_string()) return std::nullopt;
  return std::string(member->get_string().data(), member->get_string().size());
}

// Long enough to recognise the object by, short enough for a message.
std::string excerpt(const json::value& tree) {
  constexpr std::size_t length_max = 200;
  std::string text = json::serialize(tree);
  if (text.size() > length_max) text = text.substr(0, length_max) + "...";
  return text;
}

bool parse_revision(std::string_view text, Revision& revision) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return false;
  revision = {0, value};
  return true;
}

}  // namespace

std::optional<JsonProblem> decode_object_tree(const boost::json::value& tree,
                                              const DecodeOptions& options,
                                              std::vector<JsonProblem> found, Decoded& into) {
  if (!tree.is_object()) {
    return JsonProblem{{}, "couldn't get version/kind; json parse error: the document is no object"};
  }
  const json::object& object = tree.get_object();
  const std::optional<std::string> name = text_member(object, "kind");
  const std::optional<std::string> version = text_member(object, "apiVersion");
  if (!name) return JsonProblem{{{"kind"}}, "kind must be a string"};
  if (!version) return JsonProblem{{{"apiVersion"}}, "apiVersion must be a string"};
  if (name->empty()) return JsonProblem{{}, "Object 'Kind' is missing in '" + excerpt(tree) + "'"};
  if (version->empty()) {
    return JsonProblem{{}, "Object 'apiVersion' is missing in '" + excerpt(tree) + "'"};
  }
  const KindInfo* kind = find_kind(*version, *name);
  if (!kind) {
    return JsonProblem{{{"kind"}},
                       "no kind \"" + *name + "\" is registered for version \"" + *version + "\""};
  }
  const std::string prefix =
      *name + " in version \"" + kind->version + "\" cannot be handled as a " + *name + ": ";
  std::unique_ptr<Message> message = new_message(kind->kind);
  const bool watch = options.unknown != DecodeOptions::Unknown::ignore;
  std::optional<JsonProblem> problem = decode_tree(tree, *message, watch ? &found : nullptr);
  if (!problem) problem = judge_fields(std::move(found), options, &into.warnings);
  if (problem) {
    problem->message = prefix + problem->message;
    return problem;
  }
  ObjectMeta& meta = mutable_meta_of(kind->kind, *message);
  keep_reset_of_managed_fields(tree, meta);
  Revision revision;
  if (!meta.resource_version().empty() && !parse_revision(meta.resource_version(), revision)) {
    return JsonProblem{{{"metadata"}, {"resourceVersion"}},
                       "metadata.resourceVersion: Invalid value: \"" + meta.resource_version() +
                           "\": must be a decimal number"};
  }
  meta.clear_resource_version();
  into.object = std::make_shared<const Object>(kind->kind, std::move(message), revision);
  return std::nullopt;
}

void keep_reset_of_managed_fields(const boost::json::value& tree, ObjectMeta& meta) {
  const json::object* object = tree.if_object();
  const json::value* metadata = object ? object->if_contains("metadata") : nullptr;
  const json::object* members = metadata ? metadata->if_object() : nullptr;
  const json::value* fields = members ? members->if_contains("managedFields") : nullptr;
  const json::array* entries = fields ? fields->if_array() : nullptr;
  if (entries && entries->empty()) meta.add_managed_fields();
}

keelson::Result<Decoded> decode_object(std::string_view text, const DecodeOptions& options) {
  std::vector<JsonProblem> found;
  const bool watch = options.unknown != DecodeOptions::Unknown::ignore;
  const ParsedJson parsed = parse_json(text, watch ? &found : nullptr);
  if (!parsed.error.empty()) {
    return {Code::invalid, "couldn't get version/kind; json parse error: " + parsed.error};
  }
  Decoded decoded;
  std::optional<JsonProblem> problem =
      decode_object_tree(parsed.value, options, std::move(found), decoded);
  if (problem) return {Code::invalid, std::move(problem->message)};
  return decoded;
}

keelson::Status decode_message(std::string_view text, Message& into, const DecodeOptions& options,
                               std::vector<std::string>* warnings) {
  std::vector<JsonProblem> found;
  const bool watch = options.unknown != DecodeOptions::Unknown::ignore;
  const ParsedJson parsed = parse_json(text, watch ? &found : nullptr);
  if (!parsed.error.empty()) return {Code::invalid, "json parse error: " + parsed.error};
  std::optional<JsonProblem> problem = decode_tree(parsed.value, into, watch ? &found : nullptr);
  if (!problem) problem = judge_fields(std::move(found), options, warnings);
  if (problem) return {Code::invalid, std::move(problem->message)};
  return {};
}

keelson::Status from_json(const boost::json::value& tree, Message& into,
                          const DecodeOptions& options, std::vector<std::string>* warnings) {
  std::vector<JsonProblem> found;
  const bool watch = options.unknown != DecodeOptions::Unknown::ignore;
  std::optional<JsonProblem> problem = decode_tree(tree, into, watch ? &found : nullptr);
  if (!problem) problem = judge_fields(std::move(found), options, warnings);
  if (problem) return {Code::invalid, std::move(problem->message)};
  return {};
}

}  // namespace keelson::api
