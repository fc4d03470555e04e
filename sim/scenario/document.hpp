// The YAML document of a scenario or experiment, with its `parameters` put in for ${name}.
#pragma once

#include <yaml-cpp/yaml.h>

#include <map>
#include <string>

#include "core/base/result.hpp"

namespace keelson::sim {

// One document and no more. Error: Code::invalid, "FILE:LINE: what".
Result<YAML::Node> parse_yaml(const std::string& yaml, const std::string& file);

struct Document {
  std::string text;  // parameters are put in
  YAML::Node root;
  std::map<std::string, std::string> parameters;  // with the values that they have
};

// `settings` (--set) replace the values that stand in the file; one that it does not declare is an error.
Result<Document> read_document(const std::string& text, const std::string& file,
                               const std::map<std::string, std::string>& settings);

}  // namespace keelson::sim
