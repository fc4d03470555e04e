// -o: json, yaml, name, jsonpath=..., custom-columns=... print objects; "" and wide print tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "tools/cli/cluster/flags.hpp"
#include "tools/cli/cluster/jsonpath.hpp"
#include "tools/cli/cluster/tree.hpp"

namespace keelson::cli {

class Output {
 public:
  // From -o, --template, --no-headers and --show-managed-fields. Errors name the format or what is
  // wrong with the template.
  static Result<Output> of(const Flags& flags);

  bool named() const { return !format_.empty() && format_ != "wide"; }  // objects, not a table
  bool is(std::string_view format) const { return format_ == format; }

  // An object or a List, with a newline at its end where kubectl prints one.
  Result<std::string> print(Json object) const;

 private:
  struct Column {
    std::string title;
    JsonPath path;
  };
  Status read_columns(std::string_view text);
  Result<std::string> columns(const Json& object) const;

  std::string format_, template_;
  JsonPath path_;
  std::vector<Column> columns_;
  bool headers_ = true, managed_fields_ = false;
};

// "deployment.apps/kel", from what the object says of itself.
std::string object_name(const Json& object);

// Sorts a list's items (or a Table's rows, by the objects in them) as --sort-by does: numbers and
// quantities by value, other texts with the numbers in them by value, absent ones first.
Status sort_by(Json& list, std::string_view path);

}  // namespace keelson::cli
