// The parts of the page, each by a function of its own; html.cpp puts them together.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/lab/comparison.hpp"
#include "sim/lab/study.hpp"

namespace keelson::lab {

// summary.cpp: what came out, per metric and variant.
std::string summary_html(const Study& study, const std::vector<MetricTable>& tables);

// notes.cpp: sentences that the numbers need: what metrics mean, what they leave out, and what few
// seeds are worth. Only of what is in the tables.
std::vector<std::string> notes_on(const Study& study, const std::vector<MetricTable>& tables);

// figures.cpp: curves, distributions, and metrics over a swept number.
std::string figures_html(const Study& study, const std::vector<MetricTable>& tables);

// heat_map.cpp: how full each node was, at the end or over time, with the first seed that all variants have.
std::string heat_maps_html(const Study& study);

// "gpu-allocation" -> "GPU allocation", "gpu-allocation-at-100" -> "GPU allocation at full load"
std::string readable(std::string_view kebab);
// "GPU allocation (%)"
std::string with_unit(std::string_view name, std::string_view unit);

// assets.cpp: report.css and report.js.
std::string_view style_sheet();
std::string_view script();

}  // namespace keelson::lab
