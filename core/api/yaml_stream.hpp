// The documents of a YAML stream as JSON trees, with the scalars that JSON has.
#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/json_text.hpp"

namespace keelson::api {

struct YamlMark {
  std::size_t line = 0, column = 0;  // from 1
};

struct YamlTrouble {
  std::optional<YamlMark> mark;
  std::string message;
  std::size_t go_line = 0;  // the line that Go's decoder would name; 0: none

  std::string as_go_says() const;  // "yaml: line 3: did not find expected ',' or ']'"
};

class YamlStream {
 public:
  // The text must outlive the stream.
  explicit YamlStream(std::string_view text);
  ~YamlStream();
  YamlStream(const YamlStream&) = delete;
  YamlStream& operator=(const YamlStream&) = delete;

  // The next document; an empty one is null. nullopt: there is none, or trouble() says why not.
  // `duplicates` gets keys that stand twice in a map; may be null.
  std::optional<boost::json::value> next(std::vector<JsonProblem>* duplicates);
  const std::optional<YamlTrouble>& trouble() const { return trouble_; }

  // From now on look for the place of this path; found() is that of the last step that there is.
  void seek(const JsonPath& path) { sought_ = &path; }
  YamlMark found() const { return found_; }

 private:
  struct Parser;
  struct Anchor {
    boost::json::value value;
    std::optional<std::string> text;  // of a scalar: it may be a key
    std::size_t weight = 0, depth = 0;
  };

  bool pull();
  boost::json::value fail(YamlMark mark, std::string message);
  boost::json::value fail_parsing();
  YamlMark mark() const;
  bool afford(std::size_t nodes);
  void note(YamlMark mark);

  // REQUIRES: an event that begins a node is there. Afterwards that node's last one is.
  boost::json::value node();
  boost::json::value alias();
  boost::json::value scalar();
  boost::json::value sequence();
  boost::json::value map();
  std::optional<std::string> key();
  void merge(const boost::json::value& from, YamlMark mark, boost::json::object& into);
  void remember(std::string name, const boost::json::value& value,
                std::optional<std::string> text);

  std::unique_ptr<Parser> parser_;
  std::size_t nodes_max_;
  std::size_t nodes_ = 0;
  std::vector<JsonProblem>* duplicates_ = nullptr;
  std::map<std::string, Anchor, std::less<>> anchors_;
  JsonPath path_;
  std::optional<YamlTrouble> trouble_;
  const JsonPath* sought_ = nullptr;
  std::size_t found_steps_ = 0;
  YamlMark found_;
};

}  // namespace keelson::api
