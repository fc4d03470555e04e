// YAML in: every document becomes a JSON tree and goes through the JSON codec; what that finds is
// looked up in the document again, for line and column.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <sstream>

#include "core/api/json.hpp"
#include "core/api/json_decode.hpp"
#include "core/api/kinds.hpp"
#include "core/api/yaml.hpp"
#include "core/api/yaml_scalar.hpp"

namespace keelson::api {
namespace {

namespace json = boost::json;

// An alias costs nothing to write and a copy to read: a few lines of them can describe more nodes
// than there are atoms ("billion laughs"). Without aliases a document has fewer nodes than bytes, so
// this many belong to honest documents and some generosity with aliases.
constexpr std::size_t free_nodes = 100'000;
constexpr std::size_t nodes_per_byte = 4;

constexpr std::string_view wrong_merge =
    "map merge requires map or sequence of maps as the value";

json::string_view view(const std::string& text) { return {text.data(), text.size()}; }

struct Trouble {
  YAML::Mark mark;
  std::string message;
};

class Converter {
 public:
  Converter(std::size_t bytes, std::vector<JsonProblem>* duplicates)
      : nodes_max_(free_nodes + nodes_per_byte * bytes), duplicates_(duplicates) {}

  // Throws Trouble.
  json::value convert(const YAML::Node& node) {
    if (++nodes_ > nodes_max_) {
      throw Trouble{node.Mark(), "the document has too many nodes (excessive aliasing)"};
    }
    if (path_.size() > json_depth_max) throw Trouble{node.Mark(), "the document nests too deeply"};
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null: return nullptr;
      case YAML::NodeType::Scalar: return scalar(node);
      case YAML::NodeType::Sequence: return sequence(node);
      case YAML::NodeType::Map: return map(node);
    }
    return nullptr;
  }

 private:
  static json::value scalar(const YAML::Node& node) {
    const std::string& tag = node.Tag();
    const std::string& text = node.Scalar();
    const bool plain = tag.empty() || tag == "?";
    const bool typed = tag == "tag:yaml.org,2002:int" || tag == "tag:yaml.org,2002:float" ||
                       tag == "tag:yaml.org,2002:bool" || tag == "tag:yaml.org,2002:null";
    if (plain || typed) return resolve_yaml_scalar(text);
    return json::value(view(text));
  }

  json::value sequence(const YAML::Node& node) {
    json::array out;
    for (const YAML::Node& element : node) {
      path_.push_back({{}, out.size(), true});
      out.push_back(convert(element));
      path_.pop_back();
    }
    return out;
  }

  json::value map(const YAML::Node& node) {
    json::object out;
    std::vector<YAML::Node> merged;
    for (const auto& entry : node) {
      if (entry.first.IsScalar() && entry.first.Tag() == "?" && entry.first.Scalar() == "<<") {
        merged.push_back(entry.second);
        continue;
      }
      const std::string key = key_of(entry.first);
      path_.push_back({key});
      json::value value = convert(entry.second);
      if (duplicates_ && out.contains(view(key))) {
        duplicates_->push_back({path_, "duplicate field \"" + to_string(path_) + "\""});
      }
      out.insert_or_assign(view(key), std::move(value));
      path_.pop_back();
    }
    for (const YAML::Node& other : merged) merge(other, out);
    return out;
  }

  // "<<": members of other maps, below those that stand here.
  void merge(const YAML::Node& node, json::object& out) {
    if (node.IsSequence()) {
      for (const YAML::Node& element : node) {
        if (!element.IsMap()) throw Trouble{element.Mark(), std::string(wrong_merge)};
        merge(element, out);
      }
      return;
    }
    if (!node.IsMap()) throw Trouble{node.Mark(), std::string(wrong_merge)};
    path_.push_back({"<<"});
    const json::value value = convert(node);
    path_.pop_back();
    for (const auto& member : value.get_object()) {
      if (!out.contains(member.key())) out.emplace(member.key(), member.value());
    }
  }

  static std::string key_of(const YAML::Node& key) {
    if (key.IsScalar()) return key.Scalar();
    if (key.IsNull()) return "null";
    throw Trouble{key.Mark(), "the key of a map must be a scalar"};
  }

  std::size_t nodes_max_;
  std::vector<JsonProblem>* duplicates_;
  JsonPath path_;
  std::size_t nodes_ = 0;
};

std::string at(std::string_view source, const YAML::Mark& mark, std::string_view message) {
  std::string text(source);
  if (!mark.is_null()) {
    text += ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
  }
  return text.append(": ").append(message);
}

// The place of the path, or of the last step of it that can be found.
YAML::Mark find(const YAML::Node& root, const JsonPath& path) {
  YAML::Mark mark = root.Mark();
  YAML::Node node = root;
  for (const JsonStep& step : path) {
    YAML::Node next;
    bool found = false;
    if (step.element && node.IsSequence() && step.index < node.size()) {
      next.reset(node[step.index]);
      mark = next.Mark();
      found = true;
    } else if (!step.element && node.IsMap()) {
      for (const auto& entry : node) {
        if (!entry.first.IsScalar() || entry.first.Scalar() != step.key) continue;
        next.reset(entry.second);
        mark = entry.first.Mark();
        found = true;
      }
    }
    if (!found) break;
    node.reset(next);
  }
  return mark;
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
  if (!object->contains("kind")) object->emplace("kind", view(kind->name));
  if (!object->contains("apiVersion")) object->emplace("apiVersion", view(kind->api_version));
}

class Reader {
 public:
  Reader(std::string_view source, std::size_t bytes, const DecodeOptions& options)
      : source_(source), bytes_(bytes), options_(options) {}

  // Empty: read; else the error.
  std::string read(const YAML::Node& document) {
    std::vector<JsonProblem> duplicates;
    const bool watch = options_.unknown != DecodeOptions::Unknown::ignore;
    json::value tree = Converter(bytes_, watch ? &duplicates : nullptr).convert(document);
    if (tree.is_null()) return {};  // nothing but comments
    return add(document, tree, {}, std::move(duplicates));
  }

  std::vector<Decoded> out;

 private:
  std::string add(const YAML::Node& document, json::value& tree, const JsonPath& where,
                  std::vector<JsonProblem> duplicates) {
    const KindInfo* kind = nullptr;
    if (json::array* items = list_items(tree, kind)) {
      // Lists in lists are allowed; the depth of the document bounds them.
      for (std::size_t i = 0; i < items->size(); ++i) {
        JsonPath path = where;
        path.push_back({"items"});
        path.push_back({{}, i, true});
        fill_type((*items)[i], kind);
        // The list's duplicates are reported with its first element, once.
        std::string wrong = add(document, (*items)[i], path, std::move(duplicates));
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
        path.clear();  // found by the converter, from the root
      }
      path.insert(path.end(), problem->path.begin(), problem->path.end());
      return at(source_, find(document, path), problem->message);
    }
    out.push_back(std::move(decoded));
    return {};
  }

  std::string_view source_;
  std::size_t bytes_;
  const DecodeOptions& options_;
};

// Walks through the stream without building anything. yaml-cpp 0.7 does not step over certain stray
// tokens (a closing brace too many) and finds empty documents in front of them for ever; LoadAll would
// eat all memory. Documents that start where the last one started give that away.
class Walk : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (mark.pos <= last_) throw Trouble{mark, "unexpected content: the document cannot end here"};
    last_ = mark.pos;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  int last_ = -1;
};

void check_stream(const std::string& yaml) {
  std::istringstream stream(yaml);
  YAML::Parser parser(stream);
  Walk walk;
  while (parser.HandleNextDocument(walk)) {
  }
}

}  // namespace

keelson::Result<std::vector<Decoded>> decode_yaml(std::string_view yaml, std::string_view source,
                                                  const DecodeOptions& options) {
  Reader reader(source, yaml.size(), options);
  try {
    const std::string text(yaml);
    check_stream(text);
    for (const YAML::Node& document : YAML::LoadAll(text)) {
      std::string wrong = reader.read(document);
      if (!wrong.empty()) return {Code::invalid, std::move(wrong)};
    }
  } catch (const Trouble& trouble) {
    return {Code::invalid, at(source, trouble.mark, trouble.message)};
  } catch (const YAML::Exception& e) {
    return {Code::invalid, at(source, e.mark, e.msg)};
  } catch (const std::exception& e) {
    return {Code::invalid, at(source, YAML::Mark::null_mark(), e.what())};
  }
  return std::move(reader.out);
}

keelson::Result<std::vector<json::value>> yaml_documents(std::string_view yaml,
                                                         std::string_view source) {
  std::vector<json::value> documents;
  try {
    const std::string text(yaml);
    check_stream(text);
    for (const YAML::Node& document : YAML::LoadAll(text)) {
      documents.push_back(Converter(yaml.size(), nullptr).convert(document));
    }
  } catch (const Trouble& trouble) {
    return {Code::invalid, at(source, trouble.mark, trouble.message)};
  } catch (const YAML::Exception& e) {
    return {Code::invalid, at(source, e.mark, e.msg)};
  } catch (const std::exception& e) {
    return {Code::invalid, at(source, YAML::Mark::null_mark(), e.what())};
  }
  return documents;
}

ParsedJson parse_yaml(std::string_view text, std::vector<JsonProblem>* duplicates) {
  ParsedJson out;
  try {
    const std::string copy(text);
    check_stream(copy);
    const std::vector<YAML::Node> documents = YAML::LoadAll(copy);
    if (documents.size() == 1) {
      out.value = Converter(copy.size(), duplicates).convert(documents.front());
    } else {
      out.error = documents.empty() ? "the document is empty" : "there is more than one document";
    }
  } catch (const Trouble& trouble) {
    out.error = at("", trouble.mark, trouble.message);
  } catch (const YAML::Exception& e) {
    out.error = at("", e.mark, e.msg);
  } catch (const std::exception& e) {
    out.error = e.what();
  }
  return out;
}

}  // namespace keelson::api
