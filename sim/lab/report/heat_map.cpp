#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "sim/lab/json_writer.hpp"
#include "sim/lab/report/chart.hpp"
#include "sim/lab/report/parts.hpp"

namespace keelson::lab {

namespace {

// So many maps fit on a page of each resource; a large sweep shows its first variants.
constexpr std::size_t kMapsMax = 12;
constexpr int kLevels = 11;

struct Resource {
  const char *name, *noun;
  double NodeFill::*share;
};
constexpr Resource kResources[] = {{"GPU", "GPU", &NodeFill::gpu},
                                   {"CPU", "CPU", &NodeFill::cpu},
                                   {"Memory", "memory", &NodeFill::memory}};

// A square per node, row by row. One path per level of fill keeps thousands of nodes small.
std::string map(const std::vector<NodeFill>& nodes, const Resource& resource,
                const std::string& label) {
  const auto columns =
      static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(nodes.size()) * 1.6)));
  const std::size_t rows = (nodes.size() + columns - 1) / columns;
  std::vector<std::string> paths(kLevels + 1);
  std::string values;
  double total = 0;
  std::size_t counted = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const double share = nodes[i].*resource.share;
    const bool none = !(share >= 0);
    const double percent = std::min(100.0, share * 100);
    const int level = none ? kLevels : static_cast<int>(percent / 10);
    paths[static_cast<std::size_t>(level)] +=
        fmt::format("M{} {}h.9v.9h-.9z", i % columns, i / columns);
    values += none ? "--" : fmt::format("{:02x}", static_cast<int>(percent + 0.5));
    if (!none) total += percent, ++counted;
  }
  std::string out = fmt::format(
      "<figure><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{} of each node, {}\" "
      "data-columns=\"{}\" data-values=\"{}\"><rect class=\"hit\" width=\"{}\" height=\"{}\" "
      "fill=\"none\" pointer-events=\"all\"/>",
      columns, rows, resource.name, escape_html(label), columns, values, columns, rows);
  for (std::size_t level = 0; level < paths.size(); ++level) {
    if (paths[level].empty()) continue;
    out += fmt::format("<path class=\"{}\" d=\"{}\"/>",
                       level == kLevels ? std::string("none") : "h" + std::to_string(level),
                       paths[level]);
  }
  return out + fmt::format("</svg><figcaption>{}: {:.1f} % of {} on average</figcaption></figure>",
                           escape_html(label), counted ? total / static_cast<double>(counted) : 0,
                           resource.noun);
}

std::string scale() {
  std::string out =
      "<p class=\"note scale\">0 % <svg viewBox=\"0 0 11 1\" preserveAspectRatio=\"none\" "
      "aria-hidden=\"true\">";
  for (int i = 0; i < kLevels; ++i)
    out += fmt::format("<rect class=\"h{0}\" x=\"{0}\" width=\"1\" height=\"1\"/>", i);
  return out + "</svg> 100 % used; outlined: the node has none</p>";
}

// The first seed of which every variant has its run.
std::optional<uint64_t> common_seed(const Study& study) {
  uint64_t seed = 0;
  std::size_t seen = 0;
  for (const StudyRun& run : study.runs) {  // which are in the order of seeds
    if (study.plan.seed_of(run.number) != seed) seen = 0;
    seed = study.plan.seed_of(run.number);
    if (++seen == study.plan.variants.size()) return seed;
  }
  return std::nullopt;
}

// Pods leave in experiments over time: how full a node is at their end says nothing.
bool over_time(const StudyRun& run) {
  const auto& series = run.outcome.series;
  return std::any_of(series.begin(), series.end(),
                     [](const Series& s) { return s.over == "time"; });
}

}  // namespace

std::string heat_maps_html(const Study& study) {
  const auto seed = common_seed(study);
  if (!seed) return "";
  std::vector<const StudyRun*> runs;
  for (const StudyRun& run : study.runs) {
    if (study.plan.seed_of(run.number) != *seed || run.outcome.nodes.empty()) continue;
    if (runs.size() < kMapsMax) runs.push_back(&run);
  }
  if (runs.empty()) return "";
  std::string out = fmt::format(
      "<section><h2>How full each node was {}</h2><p class=\"note\">A square per node, in "
      "the workload’s order, "
      "with seed {}{}.</p>",
      over_time(*runs.front()) ? "on average over time" : "at the end", *seed,
      runs.size() < study.plan.variants.size() ? fmt::format("; the first {} variants", runs.size())
                                               : "");
  out += scale();
  bool open = true;
  for (const Resource& resource : kResources) {
    const bool any = std::any_of(runs.begin(), runs.end(), [&](const StudyRun* run) {
      return std::any_of(run->outcome.nodes.begin(), run->outcome.nodes.end(),
                         [&](const NodeFill& n) { return n.*resource.share >= 0; });
    });
    if (!any) continue;
    out += fmt::format("<details{}><summary>{}</summary><div class=\"maps\">", open ? " open" : "",
                       resource.name);
    open = false;
    for (const StudyRun* run : runs) {
      out += map(run->outcome.nodes, resource,
                 label_of(study.plan, study.plan.variant_of(run->number)));
    }
    out += "</div></details>";
  }
  // With a sweep over cluster sizes the largest one's names do for all: smaller ones are their
  // beginning.
  const auto largest =
      std::max_element(runs.begin(), runs.end(), [](const StudyRun* a, const StudyRun* b) {
        return a->outcome.nodes.size() < b->outcome.nodes.size();
      });
  JsonWriter names;
  names.begin('[');
  for (const NodeFill& node : (*largest)->outcome.nodes) names.text(node.node);
  names.end(']');
  std::string json = names.take();
  // "</script>" in a name would end the element.
  for (std::size_t at = 0; (at = json.find('<', at)) != std::string::npos;)
    json.replace(at, 1, "\\u003c");
  return out + "<script type=\"application/json\" id=\"nodes\">" + json + "</script></section>";
}

}  // namespace keelson::lab
