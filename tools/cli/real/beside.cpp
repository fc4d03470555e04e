#include "tools/cli/real/beside.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "sim/run/run.hpp"

namespace keelson::real {

namespace {

namespace json = boost::json;

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

// One milestone of one entry, over all runs of both worlds.
struct Row {
  std::string name;
  std::vector<Duration> real, simulated;
};
struct Section {
  Duration at{};
  std::string what;
  std::vector<Row> rows;
};

void fold(std::vector<Section>& sections, const std::vector<Played>& runs,
          std::vector<Duration> Row::*world) {
  for (const Played& run : runs) {
    for (std::size_t i = 0; i < run.chapters.size(); ++i) {
      const Chapter& chapter = run.chapters[i];
      if (sections.size() <= i) sections.push_back({chapter.at, chapter.what, {}});
      std::vector<Row>& rows = sections[i].rows;
      std::size_t after = 0;  // where a milestone that nobody had so far is put in
      for (const Milestone& milestone : chapter.milestones) {
        auto row = std::find_if(rows.begin(), rows.end(),
                                [&](const Row& one) { return one.name == milestone.name; });
        if (row == rows.end()) {
          row = rows.insert(rows.begin() + static_cast<std::ptrdiff_t>(std::min(after, rows.size())),
                            Row{milestone.name, {}, {}});
        }
        ((*row).*world).push_back(milestone.after);
        after = static_cast<std::size_t>(row - rows.begin()) + 1;
      }
    }
  }
}

std::vector<Section> sections_of(const std::vector<Played>& real, const std::vector<Played>& simulated) {
  std::vector<Section> out;
  fold(out, real, &Row::real);
  fold(out, simulated, &Row::simulated);
  for (Section& section : out) {
    for (Row& row : section.rows) {
      std::sort(row.real.begin(), row.real.end());
      std::sort(row.simulated.begin(), row.simulated.end());
    }
  }
  return out;
}

// REQUIRES: sorted. The smallest that at least so many percent do not exceed.
Duration percentile(const std::vector<Duration>& sorted, std::size_t percent) {
  if (sorted.empty()) return {};
  const std::size_t rank = (sorted.size() * percent + 99) / 100;
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

std::string cell(const std::vector<Duration>& sorted, std::size_t percent) {
  return sorted.empty() ? "-" : fmt::format("{:.3f}", seconds(percentile(sorted, percent)));
}

std::string ratio(const Row& row) {
  const double real = seconds(percentile(row.real, 50)), other = seconds(percentile(row.simulated, 50));
  return row.real.empty() || row.simulated.empty() || other <= 0 ? "-" : fmt::format("{:.2f}", real / other);
}

json::array numbers(const std::vector<Duration>& values) {
  json::array out;
  for (const Duration value : values) out.push_back(seconds(value));
  return out;
}

json::array runs_json(const std::vector<Played>& runs) {
  json::array out;
  for (const Played& run : runs) {
    json::object one{{"seed", run.seed}, {"trouble", run.history.trouble}};
    json::array chapters, timeline;
    for (const Chapter& chapter : run.chapters) {
      json::array milestones;
      for (const Milestone& m : chapter.milestones) {
        milestones.push_back(json::object{{"name", m.name}, {"seconds", seconds(m.after)}, {"count", m.count}});
      }
      chapters.push_back(json::object{
          {"at", seconds(chapter.at)}, {"what", chapter.what}, {"milestones", std::move(milestones)}});
    }
    for (const sim::Note& note : run.history.notes) {
      timeline.push_back(json::object{{"at", seconds(note.at.time_since_epoch())},
                                      {"source", note.source},
                                      {"text", note.text}});
    }
    one["chapters"] = std::move(chapters);
    one["timeline"] = std::move(timeline);
    one["requests"] = run.history.requests;
    one["requestsLost"] = run.history.requests_lost;
    out.push_back(std::move(one));
  }
  return out;
}

void requests_line(std::string& out, const char* world, const std::vector<Played>& runs) {
  uint64_t sent = 0, lost = 0;
  for (const Played& run : runs) {
    sent += run.history.requests;
    lost += run.history.requests_lost;
  }
  if (sent == 0) return;
  out += fmt::format("Traffic     {:<10} {} requests, {} lost ({:.4f} %)\n", world, sent, lost,
                     100.0 * static_cast<double>(lost) / static_cast<double>(sent));
}

}  // namespace

Played simulate(const sim::Scenario& scenario, uint64_t seed) {
  Played played;
  played.seed = seed;
  History& history = played.history;
  sim::RunOptions options;
  options.seed = seed;
  options.commits = [&history](std::span<const store::StoreEvent> events, Duration at) {
    for (const store::StoreEvent& event : events) history.changes.push_back({at, event.object, event.previous});
  };
  sim::Run run(scenario, std::move(options));
  const sim::Verdict verdict = run.execute();
  if (verdict != sim::Verdict::held) history.trouble = sim::summarise(run, 0).failure;
  for (std::size_t i = 0; i < scenario.timeline.size(); ++i) {
    history.deeds.push_back({scenario.timeline[i].at, i});
  }
  std::stable_sort(history.deeds.begin(), history.deeds.end(),
                   [](const Deed& a, const Deed& b) { return a.at < b.at; });
  history.notes = run.world().notes();
  history.requests = run.traffic().total().sent;
  history.requests_lost = run.traffic().total().lost;
  played.chapters = chapters(scenario, history);
  // Objects of a world that ends here.
  history.changes.clear();
  return played;
}

std::string line_of(const sim::Note& note) {
  return fmt::format("  {:>11}  {:<22} {}\n", sim::clock_text(note.at.time_since_epoch()), note.source, note.text);
}

std::string text_table(const std::vector<Played>& real, const std::vector<Played>& simulated) {
  const bool many = real.size() > 1, both = !simulated.empty();
  std::string out = many ? fmt::format("\nMilestones (seconds since what the line above them says; {} runs)\n", real.size())
                         : "\nMilestones (seconds since what the line above them says)\n";
  const auto head = [&](const char* world) {
    return many ? fmt::format(" {:>9} {:>8} {:>8}", std::string(world) + " p50", "p90", "max")
                : fmt::format(" {:>9}", world);
  };
  out += fmt::format("  {:<40}{}{}{}\n", "", head("REAL"), both ? head("SIM") : "", both ? "   RATIO" : "");
  const auto cells = [&](const std::vector<Duration>& values) {
    return many ? fmt::format(" {:>9} {:>8} {:>8}", cell(values, 50), cell(values, 90), cell(values, 100))
                : fmt::format(" {:>9}", cell(values, 50));
  };
  for (const Section& section : sections_of(real, simulated)) {
    out += fmt::format("  {}  {}\n", sim::clock_text(section.at), section.what);
    for (const Row& row : section.rows) {
      out += fmt::format("    {:<38}{}{}{}\n", row.name, cells(row.real), both ? cells(row.simulated) : "",
                         both ? fmt::format(" {:>7}", ratio(row)) : "");
    }
  }
  out += '\n';
  requests_line(out, "real", real);
  requests_line(out, "simulated", simulated);
  return out;
}

std::string json_table(const sim::Invocation& invocation, const std::vector<std::string>& differences,
                       const std::vector<Played>& real, const std::vector<Played>& simulated) {
  json::object out{{"scenario", invocation.scenario_file}, {"seed", invocation.seed}};
  json::array different;
  for (const std::string& one : differences) different.push_back(json::value(one));
  out["differences"] = std::move(different);
  json::array table;
  for (const Section& section : sections_of(real, simulated)) {
    json::array rows;
    for (const Row& row : section.rows) {
      rows.push_back(json::object{{"name", row.name},
                                  {"realSeconds", numbers(row.real)},
                                  {"simulatedSeconds", numbers(row.simulated)}});
    }
    table.push_back(json::object{
        {"at", seconds(section.at)}, {"what", section.what}, {"milestones", std::move(rows)}});
  }
  out["milestones"] = std::move(table);
  out["real"] = runs_json(real);
  out["simulated"] = runs_json(simulated);
  return json::serialize(out) + "\n";
}

}  // namespace keelson::real
