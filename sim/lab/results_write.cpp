#include <fmt/format.h>

#include <cmath>

#include "sim/lab/comparison.hpp"
#include "sim/lab/json_writer.hpp"
#include "sim/lab/results.hpp"

namespace keelson::lab {

namespace {

const char* name_of(Better better) {
  switch (better) {
    case Better::higher: return "higher";
    case Better::lower: return "lower";
    case Better::neither: return "neither";
  }
  return "neither";
}

void numbers(JsonWriter& out, std::string_view key, const std::vector<double>& values) {
  out.key(key).begin('[');
  for (const double v : values) out.number(v);
  out.end(']');
}

void write(JsonWriter& out, const Plan& plan) {
  out.key("plan").begin('{');
  out.key("name").text(plan.name).key("description").text(plan.description);
  out.key("command").text(plan.command).key("workload").text(plan.workload);
  out.key("inputs").text(hash_text(plan.inputs));
  out.key("seeds").begin('[').integer(plan.first_seed).integer(plan.last_seed).end(']');
  out.key("variants").begin('[');
  for (std::size_t i = 0; i < plan.variants.size(); ++i) {
    const Variant& v = plan.variants[i];
    out.line().begin('{').key("label").text(label_of(plan, i)).key("policy").text(v.policy);
    out.key("source").text(v.source).key("settings").begin('{');
    for (const Setting& s : v.settings) out.key(s.name).text(s.value);
    out.end('}');
    if (!v.notes.empty()) {
      out.key("notes").begin('[');
      for (const std::string& note : v.notes) out.text(note);
      out.end(']');
    }
    out.end('}');
  }
  out.end(']').end('}');
}

void write(JsonWriter& out, const StudyRun& run) {
  const Outcome& o = run.outcome;
  out.begin('{').key("run").integer(run.number).key("hash").text(hash_text(o.hash));
  out.key("metrics").begin('[');
  for (const Metric& m : o.metrics) {
    out.begin('{').key("name").text(m.name).key("unit").text(m.unit);
    out.key("better").text(name_of(m.better)).key("value").number(m.value).end('}');
  }
  out.end(']').key("series").begin('[');
  for (const Series& s : o.series) {
    out.begin('{').key("name").text(s.name).key("unit").text(s.unit).key("over").text(s.over);
    numbers(out, "x", s.x);
    numbers(out, "y", s.y);
    out.end('}');
  }
  out.end(']').key("distributions").begin('[');
  for (const Distribution& d : o.distributions) {
    out.begin('{').key("name").text(d.name).key("unit").text(d.unit);
    numbers(out, "values", d.values);
    out.end('}');
  }
  out.end(']').key("nodes").begin('[');
  for (const NodeFill& n : o.nodes) {
    out.begin('{').key("node").text(n.node).key("cpu").number(n.cpu);
    out.key("memory").number(n.memory);
    if (n.gpu >= 0) out.key("gpu").number(n.gpu);
    out.end('}');
  }
  out.end(']').end('}');
}

// The math library may have its say in the last digits of what is inferred: fewer of them are
// shown.
void write_inferred(JsonWriter& out, std::string_view key, const std::optional<double>& value,
                    int digits) {
  if (value)
    out.key(key).raw(std::isfinite(*value) ? fmt::format("{:.{}g}", *value, digits) : "null");
}

void write(JsonWriter& out, const Spread& s) {
  out.key("n").integer(s.n).key("mean").number(s.mean).key("median").number(s.median);
  out.key("deviation").number(s.deviation);
  write_inferred(out, "margin95", s.margin, 9);
}

void write(JsonWriter& out, const std::vector<MetricTable>& tables, const Plan& plan) {
  out.key("comparison").begin('[');
  for (const MetricTable& table : tables) {
    out.line().begin('{').key("metric").text(table.name).key("unit").text(table.unit);
    out.key("better").text(name_of(table.better)).key("variants").begin('[');
    for (std::size_t i = 0; i < table.cells.size(); ++i) {
      const Cell& cell = table.cells[i];
      out.line().begin('{').key("variant").integer(i);
      write(out, cell.spread);
      if (cell.difference) {
        out.key("baseline").integer(baseline_of(plan, i)).key("difference").begin('{');
        write(out, cell.difference->difference);
        out.key("constant").boolean(cell.difference->constant);
        write_inferred(out, "pStudent", cell.difference->p_student, 4);
        write_inferred(out, "pWilcoxon", cell.difference->p_wilcoxon, 4);
        write_inferred(out, "pHolm", cell.p, 4);
        out.end('}');
      }
      out.end('}');
    }
    out.end(']').end('}');
  }
  out.end(']');
}

std::string csv_text(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace

std::string number_text(double value) {
  if (!std::isfinite(value)) return "null";
  // No "-0"; and numbers so small that readers of JSON differ in what they make of them are zero.
  return fmt::format("{:.12g}", std::fabs(value) < 1e-300 ? 0.0 : value);
}

std::string hash_text(uint64_t hash) {
  return fmt::format("{:016x}", hash);
}

std::string to_json(const StudyRun& run) {
  JsonWriter out;
  write(out, run);
  return out.take();
}

std::string to_json(const Study& study) {
  JsonWriter out;
  out.begin('{').key("schema").text(kResultsSchema).key("version").integer(kResultsVersion).line();
  write(out, study.plan);
  out.line().key("complete").boolean(study.complete());
  out.key("hash").text(hash_text(study.hash())).line();
  write(out, compare(study), study.plan);
  out.line().key("runs").begin('[');
  for (const StudyRun& run : study.runs) write(out.line(), run);
  out.end(']').end('}');
  return out.take() + "\n";
}

std::string to_csv(const Study& study) {
  std::string out = "policy,settings,seed,metric,unit,value\n";
  for (const StudyRun& run : study.runs) {
    const Variant& variant = study.plan.variants[study.plan.variant_of(run.number)];
    std::string settings;
    for (const Setting& s : variant.settings) {
      settings += (settings.empty() ? "" : " ") + s.name + "=" + s.value;
    }
    for (const Metric& m : run.outcome.metrics) {
      out += fmt::format("{},{},{},{},{},{}\n", csv_text(variant.policy), csv_text(settings),
                         study.plan.seed_of(run.number), csv_text(m.name), csv_text(m.unit),
                         std::isfinite(m.value) ? number_text(m.value) : "");
    }
  }
  return out;
}

}  // namespace keelson::lab
