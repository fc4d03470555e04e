#include "tools/cli/cluster/table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tools/cli/cluster/human.hpp"
#include "tools/cli/cluster/tabs.hpp"

namespace keelson::cli {

namespace {

constexpr std::size_t kWidthMin = 6, kPadding = 3;

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c;
  return out;
}

// What a server without tables sends, as a Table.
Json tabulate(const Json& plain, WallTime now) {
  JsonArray rows;
  const auto add = [&](const Json& object) {
    rows.push_back({{"cells", JsonArray{text_at(object, "metadata.name"),
                                        age(text_at(object, "metadata.creationTimestamp"), now)}},
                    {"object", object}});
  };
  if (find(plain, "items")) {
    for (const Json& item : list_at(plain, "items")) add(item);
  } else {
    add(plain);
  }
  return {{"kind", "Table"},
          {"columnDefinitions",
           JsonArray{JsonObject{{"name", "Name"}, {"format", "name"}, {"priority", 0}},
                     JsonObject{{"name", "Age"}, {"priority", 0}}}},
          {"rows", std::move(rows)}};
}

}  // namespace

std::string cell_text(const Json& cell) {
  std::string text = cell.is_null() ? "<nil>" : scalar_text(cell);
  const auto end = text.find_first_of("\f\n\r");
  if (end != std::string::npos) text = text.substr(0, end) + "...";
  std::string out;
  for (const char c : text) c == '\x1b' ? out += "^[" : out += c == '\t' ? ' ' : c;
  return out;
}

bool TablePrinter::shown(const Json& column) const {
  return options_.wide || number_at(column, "priority") == 0;
}

std::vector<std::string> TablePrinter::header(const Json& table) const {
  std::vector<std::string> out;
  if (options_.show_namespace) out.push_back("NAMESPACE");
  for (const Json& column : list_at(table, "columnDefinitions")) {
    if (shown(column)) out.push_back(upper(text_at(column, "name")));
  }
  for (const std::string& label : options_.label_columns) {
    out.push_back(upper(label.substr(label.rfind('/') + 1)));
  }
  if (options_.show_labels) out.push_back("LABELS");
  return out;
}

std::vector<std::string> TablePrinter::row(const Json& table, const Json& row) const {
  std::vector<std::string> out;
  if (options_.show_namespace) out.push_back(text_at(row, "object.metadata.namespace"));
  const JsonArray& columns = list_at(table, "columnDefinitions");
  const JsonArray& cells = list_at(row, "cells");
  for (std::size_t i = 0; i < std::min(columns.size(), cells.size()); ++i) {
    if (!shown(columns[i])) continue;
    std::string text = cell_text(cells[i]);
    if (!options_.type.empty() && text_at(columns[i], "format") == "name") {
      text = options_.type + "/" + text;
    }
    out.push_back(std::move(text));
  }
  const JsonObject& labels = map_at(row, "object.metadata.labels");
  for (const std::string& label : options_.label_columns) {
    const Json* value = labels.if_contains(label);
    out.push_back(value ? scalar_text(*value) : "");
  }
  if (options_.show_labels) out.push_back(label_text(labels));
  return out;
}

std::string TablePrinter::layout(const std::vector<std::vector<std::string>>& lines) {
  for (const auto& line : lines) {
    widths_.resize(std::max(widths_.size(), line.size()), kWidthMin);
    for (std::size_t i = 0; i < line.size(); ++i) {
      widths_[i] = std::max(widths_[i], text_width(line[i]) + kPadding);
    }
  }
  std::string out;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      out += line[i];
      if (i + 1 < line.size()) out.append(widths_[i] - text_width(line[i]), ' ');
    }
    out += '\n';
  }
  return out;
}

std::string TablePrinter::print(const Json& given, WallTime now) {
  const bool is_table = text_at(given, "kind") == "Table";
  Json table = is_table ? given : tabulate(given, now);
  if (list_at(table, "columnDefinitions").empty()) {
    at_path(table, "columnDefinitions") = columns_;
  } else {
    columns_ = *find(table, "columnDefinitions");
  }
  std::vector<std::vector<std::string>> lines;
  if (list_at(table, "rows").empty()) return {};
  if (options_.headers && !headed_) lines.push_back(header(table));
  headed_ = true;
  for (const Json& one : list_at(table, "rows")) lines.push_back(row(table, one));
  return layout(lines);
}

}  // namespace keelson::cli
