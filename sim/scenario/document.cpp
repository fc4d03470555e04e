#include "sim/scenario/document.hpp"

#include <yaml-cpp/eventhandler.h>

#include <sstream>

#include "sim/scenario/reader.hpp"

namespace keelson::sim {

namespace {

// Replaces ${name} by the parameter's value.
Result<std::string> substitute(const std::string& text, const std::string& file,
                               const std::map<std::string, std::string>& values) {
  std::string out;
  int line = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') ++line;
    if (text.compare(i, 2, "${") != 0) {
      out += text[i];
      continue;
    }
    const std::size_t end = text.find('}', i);
    const std::string name = end == std::string::npos ? "" : text.substr(i + 2, end - i - 2);
    const auto it = values.find(name);
    if (it == values.end()) {
      return Error{Code::invalid, file + ":" + std::to_string(line) + ": there is no parameter \"" +
                                      name + "\"; declare it under `parameters`"};
    }
    out += it->second;
    i = end;
  }
  return out;
}

// Refuses all but one document. Also what keeps yaml-cpp 0.7 from the rest of a file with a brace too
// many: it would find empty documents there for ever.
class OneDocument : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (seen_) throw YAML::ParserException(mark, "a scenario is one document; what follows is another");
    seen_ = true;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  bool seen_ = false;
};

}  // namespace

Result<YAML::Node> parse_yaml(const std::string& yaml, const std::string& file) {
  try {
    std::istringstream stream(yaml);
    YAML::Parser parser(stream);
    OneDocument documents;
    while (parser.HandleNextDocument(documents)) {
    }
    return YAML::Load(yaml);
  } catch (const YAML::Exception& e) {
    return Error{Code::invalid, file + ":" + std::to_string(e.mark.line + 1) + ": " + e.msg};
  }
}

Result<Document> read_document(const std::string& text, const std::string& file,
                               const std::map<std::string, std::string>& settings) {
  // The parameters first: they stand in the file as the defaults of what --set may change.
  std::map<std::string, std::string> values;
  auto first = parse_yaml(text, file);
  if (!first) return first.error();
  ReadErrors errors(file);
  {
    MapReader map(*first, "", errors);
    for (auto& [name, value] : map.pairs("parameters")) values[name] = value;
    if (!errors.empty()) return errors.error();
  }
  for (const auto& [name, value] : settings) {
    if (!values.count(name)) {
      std::string known;
      for (const auto& [other, unused] : values) known += (known.empty() ? "" : ", ") + other;
      return Error{Code::invalid, "--set " + name + ": " + file + " has no such parameter" +
                                      (known.empty() ? "" : "; it has: " + known)};
    }
    values[name] = value;
  }
  auto expanded = substitute(text, file, values);
  if (!expanded) return expanded.error();
  auto root = parse_yaml(*expanded, file);
  if (!root) return root.error();
  return Document{std::move(*expanded), std::move(*root), std::move(values)};
}

}  // namespace keelson::sim
