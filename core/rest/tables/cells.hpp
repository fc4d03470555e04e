// What the printers of all kinds share: the row as it is written, and the texts that recur in
// cells.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/api/selector.hpp"
#include "core/api/types.hpp"
#include "core/rest/tables/tables.hpp"

namespace keelson::rest {

// One row's cells, written from left to right as a JSON array.
class Cells {
 public:
  Cells(std::string& out, WallTime now) : out_(out), now_(now) { out_ += '['; }
  void end() { out_ += ']'; }

  void text(std::string_view text);
  // `otherwise` if there is no text.
  void text_or(std::string_view text, std::string_view otherwise);
  void number(int64_t value);
  void boolean(bool value);
  // How long ago the object was created.
  void age(const api::ObjectMeta& meta);

  WallTime now() const { return now_; }

 private:
  void separate() {
    if (!first_) out_ += ',';
    first_ = false;
  }
  std::string& out_;
  WallTime now_;
  bool first_ = true;
};

inline constexpr std::string_view none = "<none>";
inline constexpr std::string_view unset = "<unset>";
inline constexpr std::string_view unknown = "<unknown>";

// "5m3s".
std::string since(const api::Time& time, WallTime now);
std::string since(const api::MicroTime& time, WallTime now);

// "app=web,tier=front", sorted; "<none>" for no labels.
std::string label_text(const api::Labels& labels);
// "app=web,tier in (a,b),!old", sorted by key; empty for a selector without conditions; nullopt if
// it has an operator that there is not, or values that do not go with it.
std::optional<std::string> selector_text(const api::LabelSelector& selector);
// "1" or "50%".
std::string text_of(const api::IntOrString& value);
// Of kinds, whose letters are ASCII.
std::string lower_case(std::string_view text);
// Appends to a list "a,b,c". REQUIRES: the item is not empty.
void append_item(std::string& list, std::string_view item);
// The names and images of a pod's containers, as two cells.
void container_cells(const api::PodSpec& spec, Cells& cells);

// The first few of a list, as in "a,b,c + 2 more...".
class ShortList {
 public:
  void add(std::string_view item) {
    if (wants_more()) text_.append(count_ > 0 ? "," : "").append(item);
    ++count_;
  }
  // So many more that are only counted. REQUIRES: !wants_more(), or none.
  void skip(int count) { count_ += count; }
  bool wants_more() const { return count_ < shown_max; }
  std::string text() const {
    if (count_ <= shown_max) return text_;
    return text_ + " + " + std::to_string(count_ - shown_max) + " more...";
  }

 private:
  static constexpr int shown_max = 3;
  std::string text_;
  int count_ = 0;
};

// Columns that many kinds have.
inline constexpr Column name_column = {"Name", "string", "name",
                                       "The object's name, unique per kind and namespace.", 0};
inline constexpr Column age_column = {"Age", "string", "",
                                      "How long ago the server accepted the object.", 0};
inline constexpr Column containers_column = {"Containers", "string", "",
                                             "Names of the containers that each pod has.", 1};
inline constexpr Column images_column = {"Images", "string", "",
                                         "Images that these containers run.", 1};

}  // namespace keelson::rest
