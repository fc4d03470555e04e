// Line charts as SVG text: axes with round numbers, bands of confidence, the name of each line at
// its end. Colours are classes of report.css; report.js shows values under the pointer.
#pragma once

#include <string>
#include <vector>

#include "sim/lab/comparison.hpp"

namespace keelson::lab {

// For text and attributes.
std::string escape_html(std::string_view text);

struct Line {
  std::string label;
  std::size_t colour = 0;  // of the palette, whatever its size
  std::vector<double> x, y;
  // The band: (low_x, low_y) is its one edge, (high_x, high_y) the other. Empty: none.
  std::vector<double> low_x, low_y, high_x, high_y;
};

struct Chart {
  std::string title;           // for those who do not see it
  std::string x_name, y_name;  // with units: "load (%)"
  std::vector<Line> lines;
  bool log_x = false;    // what is not above zero stands at the left edge
  bool markers = false;  // a dot at each point: there are few
  bool y_from_zero_to_100 = false;
};

std::string draw(const Chart& chart);

// The same numbers, at about `rows` of its points.
std::string table_of(const Chart& chart, std::size_t rows);

}  // namespace keelson::lab
