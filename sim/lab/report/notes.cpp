#include <fmt/format.h>

#include <algorithm>

#include "sim/lab/report/parts.hpp"

namespace keelson::lab {

namespace {

struct Meaning {
  std::string_view part;  // of a metric's name
  std::string_view text;
};
// In the order in which they are said.
constexpr Meaning kMeanings[] = {
    {"-allocation", "allocation: what pods request, not what they then use; usage in traces is not read"},
    {"-variation", "variation: the coefficient of variation of the nodes' allocation; 0: all are alike"},
    {"-fairness", "fairness: Jain's index of the nodes' allocation; 1: all are alike, 1/n: one has it all"},
    {"decisions", "decisions: how often a place was sought, again for each pod that had to wait"},
    {"moves", "moves: pods that started again after they had been preempted"},
};

const MetricTable* table_named(const std::vector<MetricTable>& tables, std::string_view name) {
  const auto it = std::find_if(tables.begin(), tables.end(),
                               [&](const MetricTable& t) { return t.name == name; });
  return it == tables.end() ? nullptr : &*it;
}

bool any_positive(const MetricTable* table) {
  return table != nullptr && std::any_of(table->cells.begin(), table->cells.end(),
                                         [](const Cell& c) { return c.spread.mean > 0; });
}

}  // namespace

std::vector<std::string> notes_on(const Study& study, const std::vector<MetricTable>& tables) {
  std::vector<std::string> notes;
  const uint64_t seeds = study.plan.seeds();
  if (seeds > 1 && seeds < kCertainSeeds && study.plan.variants.size() > 1) {
    notes.push_back(fmt::format("{} seeds: differences of so few say little, even where all agree",
                                seeds));
  }
  if (table_named(tables, "waiting-time-mean") && any_positive(table_named(tables, "failed-pods"))) {
    notes.emplace_back(
        "waiting time: pods that had no place at the end (failed pods) count with what they had "
        "waited by then; their true wait is longer");
  }
  for (const Meaning& meaning : kMeanings) {
    const bool there = std::any_of(tables.begin(), tables.end(), [&](const MetricTable& t) {
      return t.name.find(meaning.part) != std::string::npos;
    });
    if (there) notes.emplace_back(meaning.text);
  }
  for (std::size_t i = 0; i < study.plan.variants.size(); ++i) {
    const Variant& variant = study.plan.variants[i];
    if (variant.settings != study.plan.variants.front().settings) break;
    for (const std::string& note : variant.notes) notes.push_back(variant.source + ": " + note);
  }
  return notes;
}

}  // namespace keelson::lab
