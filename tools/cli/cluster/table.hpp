// Tables as servers send them (meta.k8s.io/v1 Table), printed as kubectl prints them.
#pragma once

#include <string>
#include <vector>

#include "core/base/time.hpp"
#include "tools/cli/cluster/tree.hpp"

namespace keelson::cli {

struct TableOptions {
  bool wide = false;  // with the columns of priority above 0
  bool headers = true;
  bool show_namespace = false;
  bool show_labels = false;
  std::vector<std::string> label_columns;
  std::string type;  // "deployment.apps": stands before every name, with a slash
};

// Prints tables of one kind one after the other: headers once, and for watches columns that only
// grow.
class TablePrinter {
 public:
  explicit TablePrinter(TableOptions options) : options_(std::move(options)) {}

  // A Table; or, from a server that does not make tables, an object or a list: names and ages.
  std::string print(const Json& table, WallTime now);

 private:
  std::vector<std::string> header(const Json& table) const;
  std::vector<std::string> row(const Json& table, const Json& row) const;
  bool shown(const Json& column) const;
  std::string layout(const std::vector<std::vector<std::string>>& lines);

  TableOptions options_;
  Json columns_;  // of the first table: a watch's events may leave them out
  std::vector<std::size_t> widths_;
  bool headed_ = false;
};

// One cell's text: its first line, control characters made visible.
std::string cell_text(const Json& cell);

}  // namespace keelson::cli
