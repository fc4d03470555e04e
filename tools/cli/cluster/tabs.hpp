// Columns as kubectl aligns them. A cell ends at a tab; consecutive lines whose cells end at the
// same place form a column, as wide as its widest cell plus padding. What follows the last tab of a
// line is no cell and is not padded. This is how Go's text/tabwriter works, by which kubectl's
// output is laid out; widths count code points.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace keelson::cli {

struct TabOptions {
  std::size_t width_min = 0;  // of a column, padding included
  std::size_t padding = 2;
};

std::string align_tabs(std::string_view text, const TabOptions& options);

std::size_t text_width(std::string_view text);

}  // namespace keelson::cli
