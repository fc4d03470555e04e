// explain: what the server's OpenAPI document says of a kind or one of its fields.
#include <fmt/format.h>

#include <algorithm>

#include "tools/cli/cluster/describe.hpp"
#include "tools/cli/cluster/explain_pod.hpp"
#include "tools/cli/cluster/make.hpp"
#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

constexpr std::size_t kWidth = 76;  // of a description's lines, without their indentation
constexpr int kDepthMax = 30;
constexpr std::size_t kChoicesShown = 4;  // of an enumeration, in a list of fields

std::string wrapped(std::string_view text, std::size_t indent) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string line;
    for (const std::string& word : split_list(text.substr(0, end), ' ')) {
      if (!line.empty() && line.size() + 1 + word.size() > kWidth) {
        out += std::string(indent, ' ') + line + "\n";
        line.clear();
      }
      line += (line.empty() ? "" : " ") + word;
    }
    out += std::string(indent, ' ') + line + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

class Explainer {
 public:
  explicit Explainer(const Json& document) : document_(document) {}

  // The schema of a kind; null if the document has none.
  const Json* of_kind(const Resource& type) const {
    for (const auto& [name, schema] : sorted_members(map_at(document_, "components.schemas"))) {
      const Json* kinds = member(*schema, "x-kubernetes-group-version-kind");
      if (!kinds || !kinds->is_array()) continue;
      for (const Json& kind : kinds->get_array()) {
        if (text_at(kind, "group") == type.group && text_at(kind, "version") == type.version &&
            text_at(kind, "kind") == type.kind) {
          return schema;
        }
      }
    }
    return nullptr;
  }

  // What a field's schema refers to: {"allOf":[{"$ref":...}]} or {"$ref":...}.
  const Json* target(const Json& schema, std::string* name = nullptr) const {
    std::string ref = text_at(schema, "$ref");
    for (const Json& one : list_at(schema, "allOf")) {
      if (ref.empty()) ref = text_at(one, "$ref");
    }
    if (ref.empty()) return &schema;
    const std::string called = ref.substr(ref.rfind('/') + 1);
    if (name) *name = called.substr(called.rfind('.') + 1);
    const Json* schemas = find(document_, "components.schemas");
    return schemas ? member(*schemas, called) : nullptr;
  }

  // The schema that has the properties: of a list its elements', of a map its values'.
  const Json* inner(const Json& schema) const {
    const Json* at = target(schema);
    for (int i = 0; at && i < kDepthMax; ++i) {
      const Json* next = member(*at, "items");
      if (!next) next = member(*at, "additionalProperties");
      if (!next || !next->is_object()) return at;
      at = target(*next);
    }
    return at;
  }

  std::string type_text(const Json& schema, int depth = 0) const {
    std::string name;
    const Json* at = target(schema, &name);
    if (!at || depth > kDepthMax) return "Object";
    if (const Json* items = member(*at, "items")) return "[]" + type_text(*items, depth + 1);
    if (const Json* values = member(*at, "additionalProperties"); values && values->is_object()) {
      return "map[string]" + type_text(*values, depth + 1);
    }
    // A name for what is none of JSON's own types: Time is a string, Quantity is a Quantity.
    const std::string type = text_at(*at, "type");
    if (!name.empty() && (type.empty() || type == "object")) return name;
    return type.empty() || type == "object" ? "Object" : type;
  }

  // The values that a field may have; none: any.
  std::vector<std::string> choices(const Json& schema) const {
    std::vector<std::string> out;
    const Json* at = inner(schema);
    if (!at) return out;
    for (const Json& one : list_at(*at, "enum")) out.push_back(scalar_text(one));
    return out;
  }

  std::string description(const Json& schema) const {
    if (auto text = text_at(schema, "description"); !text.empty()) return text;
    const Json* at = target(schema);
    return at ? text_at(*at, "description") : "";
  }

  // What the field says, then what its type says.
  std::string descriptions(const Json& schema) const {
    std::string out = text_at(schema, "description");
    const Json* at = inner(schema);
    const std::string more = at && at != &schema ? text_at(*at, "description") : "";
    if (!more.empty()) out += (out.empty() ? "" : "\n") + more;
    return out;
  }

  // `above`: the schemas that this one stands in. A kind within itself (JSON schemas) would have no
  // end.
  void field_list(const Json& schema, bool recursive, std::vector<const Json*>& above,
                  std::string& out) const {
    const Json* at = inner(schema);
    if (!at || std::find(above.begin(), above.end(), at) != above.end()) return;
    above.push_back(at);
    const std::size_t level = above.size();
    const JsonArray& required = list_at(*at, "required");
    for (const auto& [name, field] : sorted_members(map_at(*at, "properties"))) {
      const bool needed = std::any_of(required.begin(), required.end(),
                                      [&, &name = name](const Json& one) {  // clang 14
                                        return scalar_text(one) == name;
                                      });
      out += fmt::format("{}{}\t<{}>{}\n", std::string(level * 2, ' '), name, type_text(*field),
                         needed ? " -required-" : "");
      if (const auto values = choices(*field); !values.empty()) {
        const auto shown = values.begin() + std::ptrdiff_t(std::min(values.size(), kChoicesShown));
        out += fmt::format("{}enum: {}{}\n", std::string(level * 2, ' '),
                           fmt::join(values.begin(), shown, ", "),
                           values.size() > kChoicesShown ? ", ...." : "");
      }
      if (recursive) {
        field_list(*field, true, above, out);
      } else {
        out += wrapped(description(*field).empty() ? "<no description>" : description(*field),
                       level * 2 + 2) +
               "\n";
      }
    }
    above.pop_back();
  }

 private:
  const Json& document_;
};

Result<Json> document_of(Session& session, const Resource& type) {
  auto index = session.get("/openapi/v3");
  if (!index) return index.error();
  const std::string key =
      type.group.empty() ? "api/" + type.version : "apis/" + type.group + "/" + type.version;
  const Json* paths = find(*index, "paths");
  const Json* entry = paths ? member(*paths, key) : nullptr;
  if (!entry)
    return usage_error(fmt::format("couldn't find resource for \"{}/{}, Kind={}\"", type.group,
                                   type.version, type.kind));
  return session.get(text_at(*entry, "serverRelativeURL"));
}

Status explain(Session& session) {
  const auto& args = session.flags.args();
  if (names_a_pod(args)) return explain_pod(session);
  if (args.empty()) {
    return usage_error(
        "You must specify the type of resource to explain. Use \"keelson api-resources\" for a "
        "complete list of "
        "supported resources.");
  }
  if (args.size() > 1) return usage_error("We accept only this format: explain RESOURCE");
  std::vector<std::string> path = split_list(args[0], '.');
  if (path.empty()) return usage_error("We accept only this format: explain RESOURCE");
  auto type = session.resource(path[0]);
  // "deployments.apps": the dots of a group are no fields.
  if (auto whole = session.resource(args[0]); whole) {
    type = whole;
    path.resize(1);
  }
  if (!type) return type.error();
  if (session.flags.has("api-version")) {
    const auto known = session.discovery();
    type = (*known)->of_kind(session.flags.get("api-version"), type->kind);
    if (!type) return usage_error(type.error().message);
  }
  auto document = document_of(session, *type);
  if (!document) return document.error();
  const Explainer explainer(*document);
  const Json* schema = explainer.of_kind(*type);
  if (!schema)
    return usage_error(fmt::format("couldn't find resource for \"{}, Kind={}\"",
                                   type->group_version(), type->kind));
  std::string out = type->group.empty() ? "" : fmt::format("GROUP:      {}\n", type->group);
  out += fmt::format("KIND:       {}\nVERSION:    {}\n\n", type->kind, type->version);
  for (std::size_t i = 1; i < path.size(); ++i) {
    const Json* at = explainer.inner(*schema);
    const Json* fields = at ? member(*at, "properties") : nullptr;
    schema = fields ? member(*fields, path[i]) : nullptr;
    if (!schema) return usage_error(fmt::format("field \"{}\" does not exist", path[i]));
  }
  if (path.size() > 1) {
    out += fmt::format("FIELD: {} <{}>\n", path.back(), explainer.type_text(*schema));
    const auto values = explainer.choices(*schema);
    out += values.empty() ? "\n" : fmt::format("ENUM:\n    {}\n", fmt::join(values, "\n    "));
    out += "\n";
  }
  const std::string description = explainer.descriptions(*schema);
  out += "DESCRIPTION:\n" + wrapped(description.empty() ? "<empty>" : description, 4) + "    \n";
  std::string fields;
  std::vector<const Json*> above;
  explainer.field_list(*schema, session.flags.on("recursive"), above, fields);
  if (!fields.empty()) out += "FIELDS:\n" + fields;
  session.io.out(out + "\n");
  return {};
}

}  // namespace

std::vector<Verb> explain_verbs() {
  return {{"explain",
           "TYPE[.FIELD...] | pod NAME",
           "what a kind and its fields mean; or why a pod is where it is, or nowhere",
           {{"recursive", "", "the fields of the fields, by their names alone"},
            {"api-version", "GROUP/VERSION", "of the kind"},
            {"o,output", "FORMAT", "of a pod: json"},
            {"all", "", "of a pod: every node, not only the best"},
            {"scheduler-config", "FILE",
             "of a pod: how the scheduler is set up, if not by default (KubeSchedulerConfiguration)"},
            {"f,filename", "FILE",
             "of a pod: a dump instead of the cluster (kubectl get nodes,pods,... -A -o yaml)"}},
           explain,
           "  keelson explain deployment.spec.strategy\n"
           "  keelson explain pod web-5d8f7c9b4-x2x7k\n"}};
}

}  // namespace keelson::cli
