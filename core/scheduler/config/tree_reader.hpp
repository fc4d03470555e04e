// Reads a configuration file field by field: YAML or JSON through core/api's reader, each complaint
// with its place, all complaints at once, and a misspelt field refused instead of ignored.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/json_text.hpp"
#include "core/api/types.hpp"
#include "core/base/result.hpp"

namespace keelson::scheduler {

// What is wrong with a text, in the order in which it was found.
class Findings {
 public:
  // `source` names the text: a file's name. Both must outlive this.
  Findings(std::string_view text, std::string_view source) : text_(text), source_(source) {}

  void add(api::JsonPath path, std::string what);
  bool empty() const { return found_.empty(); }
  // One line each: "FILE:LINE: profiles[0].percentageOfNodesToScore: must be ...".
  Error error() const;

 private:
  std::string_view text_, source_;
  std::vector<api::JsonProblem> found_;
};

// One mapping of the file. Every field must be asked for before done() is called, else it counts as
// unknown. A field that is null counts as absent, as it does for Kubernetes.
class TreeReader {
 public:
  // `tree` may be anything; if it is no mapping, that is a finding. Both must outlive this.
  TreeReader(const boost::json::value& tree, api::JsonPath path, Findings& findings);

  bool has(std::string_view field) { return find(field) != nullptr; }
  std::optional<std::string> text(std::string_view field);
  // Answers `fallback` too if the text is none of `known`, which is a finding.
  std::string one_of(std::string_view field, std::string fallback,
                     const std::vector<std::string_view>& known);
  std::optional<int64_t> integer(std::string_view field, int64_t least, int64_t most);
  std::optional<double> number(std::string_view field);
  bool boolean(std::string_view field, bool fallback);
  std::string bytes(std::string_view field);  // base64
  std::vector<std::string> texts(std::string_view field);
  std::optional<TreeReader> object(std::string_view field);
  std::vector<TreeReader> objects(std::string_view field);  // the mappings of a list
  // Decodes a message of the API, strictly. False: absent, or there were findings.
  bool message(std::string_view field, api::Message& into);
  // The same of all of this mapping.
  bool message(api::Message& into);

  void fail(std::string_view field, std::string what);
  void fail_here(std::string what) { findings_->add(path_, std::move(what)); }
  // `below` as validators write it: "matchExpressions[0].key"; empty: the field itself.
  void fail_below(std::string_view field, std::string_view below, std::string what);
  // Refuses the fields that nobody asked for.
  void done();

 private:
  const boost::json::value* find(std::string_view field);
  api::JsonPath path_of(std::string_view field) const;
  bool decode(const boost::json::value& tree, const api::JsonPath& path, api::Message& into);

  const boost::json::object* object_ = nullptr;  // null: it was no mapping
  api::JsonPath path_;
  Findings* findings_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace keelson::scheduler
