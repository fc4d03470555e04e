// YAML in: every document becomes a JSON tree and goes through the JSON codec; what that finds is
// looked up in the document again, for line and column.
#include <boost/json/value.hpp>

#include "core/api/json.hpp"
#include "core/api/json_decode.hpp"
#include "core/api/kinds.hpp"
#include "core/api/yaml.hpp"
#include "core/api/yaml_stream.hpp"

namespace keelson::api {
namespace {

namespace json = boost::json;

json::string_view json_text(const std::string& text) { return {text.data(), text.size()}; }

std::string at(std::string_view source, const std::optional<YamlMark>& mark,
               std::string_view message) {
  std::string text(source);
  if (mark) text += ":" + std::to_string(mark->line) + ":" + std::to_string(mark->column);
  return text.append(": ").append(message);
}

// The place of the path, or of the last step of it that can be found. The text is read again: nobody
// keeps the places of what is right.
YamlMark find(std::string_view text, std::size_t document, const JsonPath& path) {
  YamlStream stream(text);
  for (std::size_t i = 0; i < document; ++i) static_cast<void>(stream.next(nullptr));
  stream.seek(path);
  static_cast<void>(stream.next(nullptr));
  return stream.found();
}

// The elements of "kind: List" and of "PodList", which may leave out what the list's kind says.
// Null: the tree is no list.
json::array* list_items(json::value& tree, const KindInfo*& element_kind) {
  element_kind = nullptr;
  json::object* object = tree.if_object();
  if (!object) return nullptr;
  const json::value* kind = object->if_contains("kind");
  json::value* items = object->if_contains("items");
  if (!kind || !kind->is_string() || !items || !items->is_array()) return nullptr;
  std::string name(kind->get_string().data(), kind->get_string().size());
  if (name == "List") return &items->get_array();
  constexpr std::string_view suffix = "List";
  if (name.size() <= suffix.size() || !name.ends_with(suffix)) return nullptr;
  name.resize(name.size() - suffix.size());
  const json::value* version = object->if_contains("apiVersion");
  if (!version || !version->is_string()) return nullptr;
  element_kind = find_kind({version->get_string().data(), version->get_string().size()}, name);
  return element_kind ? &items->get_array() : nullptr;
}

void fill_type(json::value& tree, const KindInfo* kind) {
  json::object* object = tree.if_object();
  if (!object || !kind) return;
  if (!object->contains("kind")) object->emplace("kind", json_text(kind->name));
  if (!object->contains("apiVersion")) object->emplace("apiVersion", json_text(kind->api_version));
}

class Reader {
 public:
  Reader(std::string_view text, std::string_view source, const DecodeOptions& options)
      : text_(text), source_(source), options_(options) {}

  // Empty: read; else the error.
  std::string read() {
    YamlStream stream(text_);
    const bool watch = options_.unknown != DecodeOptions::Unknown::ignore;
    for (;; ++document_) {
      std::vector<JsonProblem> duplicates;
      std::optional<json::value> tree = stream.next(watch ? &duplicates : nullptr);
      if (!tree) break;
      if (tree->is_null()) continue;  // nothing but comments
      std::string wrong = add(*tree, {}, std::move(duplicates));
      if (!wrong.empty()) return wrong;
    }
    const std::optional<YamlTrouble>& trouble = stream.trouble();
    return trouble ? at(source_, trouble->mark, trouble->message) : std::string();
  }

  std::vector<Decoded> out;

 private:
  std::string add(json::value& tree, const JsonPath& where, std::vector<JsonProblem> duplicates) {
    const KindInfo* kind = nullptr;
    if (json::array* items = list_items(tree, kind)) {
      // Lists in lists are allowed; the depth of the document bounds them.
      for (std::size_t i = 0; i < items->size(); ++i) {
        JsonPath path = where;
        path.push_back({"items"});
        path.push_back({{}, i, true});
        fill_type((*items)[i], kind);
        // The list's duplicates are reported with its first element, once.
        std::string wrong = add((*items)[i], path, std::move(duplicates));
        duplicates.clear();
        if (!wrong.empty()) return wrong;
      }
      return {};
    }
    Decoded decoded;
    const JsonPath first = duplicates.empty() ? JsonPath{} : duplicates.front().path;
    std::optional<JsonProblem> problem =
        decode_object_tree(tree, options_, std::move(duplicates), decoded);
    if (problem) {
      JsonPath path = where;
      if (!first.empty() && problem->path.size() == first.size() &&
          to_string(problem->path) == to_string(first)) {
        path.clear();  // found by the stream, from the root
      }
      path.insert(path.end(), problem->path.begin(), problem->path.end());
      return at(source_, find(text_, document_, path), problem->message);
    }
    out.push_back(std::move(decoded));
    return {};
  }

  std::string_view text_, source_;
  const DecodeOptions& options_;
  std::size_t document_ = 0;
};

}  // namespace

keelson::Result<std::vector<Decoded>> decode_yaml(std::string_view yaml, std::string_view source,
                                                  const DecodeOptions& options) {
  Reader reader(yaml, source, options);
  std::string wrong = reader.read();
  if (!wrong.empty()) return {Code::invalid, std::move(wrong)};
  return std::move(reader.out);
}

keelson::Result<std::vector<json::value>> yaml_documents(std::string_view yaml,
                                                         std::string_view source) {
  std::vector<json::value> documents;
  YamlStream stream(yaml);
  while (std::optional<json::value> tree = stream.next(nullptr)) {
    documents.push_back(*std::move(tree));
  }
  if (const std::optional<YamlTrouble>& trouble = stream.trouble()) {
    return {Code::invalid, at(source, trouble->mark, trouble->message)};
  }
  return documents;
}

ParsedJson parse_yaml(std::string_view text, std::vector<JsonProblem>* duplicates) {
  ParsedJson out;
  YamlStream stream(text);
  std::optional<json::value> tree = stream.next(duplicates);
  if (stream.trouble()) {
    out.error = stream.trouble()->as_go_says();
  } else if (!tree) {
    out.error = "the document is empty";
  } else if (stream.next(nullptr)) {
    out.error = "there is more than one document";
  } else if (stream.trouble()) {
    out.error = stream.trouble()->as_go_says();
  } else {
    out.value = *std::move(tree);
  }
  return out;
}

}  // namespace keelson::api
