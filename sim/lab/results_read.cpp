#include <boost/json.hpp>
#include <charconv>
#include <cmath>

#include "sim/lab/results.hpp"

namespace keelson::lab {

namespace {

namespace json = boost::json;

// Runs beyond this are no study but a mistake or malice.
constexpr uint64_t kRunsMax = 10'000'000;

// Reads fields; the first that is missing or of another kind is remembered, and defaults follow.
class Reader {
 public:
  explicit Reader(std::string* wrong) : wrong_(wrong) {}

  const json::value* field(const json::object& from, std::string_view name) {
    const json::value* found = from.if_contains(name);
    if (!found) complain(name, "is missing");
    return found;
  }
  const json::object& object(const json::value* value, std::string_view name) {
    static const json::object none;
    if (value && value->is_object()) return value->get_object();
    return complain(name, "is no object"), none;
  }
  const json::array& array(const json::object& from, std::string_view name) {
    static const json::array none;
    const json::value* value = field(from, name);
    if (value && value->is_array()) return value->get_array();
    return complain(name, "is no list"), none;
  }
  std::string text(const json::object& from, std::string_view name) {
    const json::value* value = field(from, name);
    if (value && value->is_string()) return std::string(value->get_string());
    return complain(name, "is no text"), std::string();
  }
  uint64_t hash(const json::object& from, std::string_view name) {
    const std::string digits = text(from, name);
    uint64_t hash = 0;
    const char* last = digits.data() + digits.size();
    const auto end = std::from_chars(digits.data(), last, hash, 16);
    if (digits.size() != 16 || end.ptr != last) complain(name, "is no hash");
    return hash;
  }
  double number(const json::value& value, std::string_view name) {
    if (value.is_null()) return std::nan("");
    if (value.is_double()) return value.get_double();
    if (value.is_int64()) return static_cast<double>(value.get_int64());
    if (value.is_uint64()) return static_cast<double>(value.get_uint64());
    return complain(name, "is no number"), 0.0;
  }
  double number(const json::object& from, std::string_view name) {
    const json::value* value = field(from, name);
    return value ? number(*value, name) : 0.0;
  }
  uint64_t integer(const json::value* value, std::string_view name) {
    boost::system::error_code bad;
    const auto number = value ? value->to_number<uint64_t>(bad) : 0;
    if (bad) complain(name, "is no whole number");
    return bad ? 0 : number;
  }
  std::vector<double> numbers(const json::object& from, std::string_view name) {
    std::vector<double> out;
    for (const json::value& v : array(from, name)) out.push_back(number(v, name));
    return out;
  }
  void complain(std::string_view name, std::string_view what) {
    if (wrong_->empty()) *wrong_ = std::string(name) + " " + std::string(what);
  }

 private:
  std::string* wrong_;
};

Better read_better(const std::string& name, Reader& reader) {
  if (name == "higher") return Better::higher;
  if (name == "lower") return Better::lower;
  if (name != "neither") reader.complain("better", "is none of higher, lower, neither");
  return Better::neither;
}

Plan read_plan(const json::object& from, Reader& reader) {
  Plan plan;
  plan.name = reader.text(from, "name");
  plan.description = reader.text(from, "description");
  plan.command = reader.text(from, "command");
  plan.workload = reader.text(from, "workload");
  plan.inputs = reader.hash(from, "inputs");
  const json::array& seeds = reader.array(from, "seeds");
  if (seeds.size() == 2) {
    plan.first_seed = reader.integer(&seeds[0], "seeds");
    plan.last_seed = reader.integer(&seeds[1], "seeds");
  }
  for (const json::value& entry : reader.array(from, "variants")) {
    const json::object& o = reader.object(&entry, "variants");
    Variant variant{reader.text(o, "policy"), reader.text(o, "source"), {}};
    for (const auto& setting : reader.object(reader.field(o, "settings"), "settings")) {
      if (!setting.value().is_string())
        reader.complain("settings", "has a value that is no text");
      else
        variant.settings.push_back({setting.key(), std::string(setting.value().get_string())});
    }
    if (o.contains("notes")) {
      for (const json::value& note : reader.array(o, "notes")) {
        if (note.is_string())
          variant.notes.emplace_back(note.get_string());
        else
          reader.complain("notes", "has an entry that is no text");
      }
    }
    plan.variants.push_back(std::move(variant));
  }
  if (plan.variants.empty()) reader.complain("variants", "is empty");
  if (seeds.size() != 2 || plan.first_seed > plan.last_seed ||
      plan.last_seed - plan.first_seed >= kRunsMax) {
    reader.complain("seeds", "are not two numbers, the first and the last");
  }
  return plan;
}

bool rises(const std::vector<double>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    // Not "<": what is no number must fail, too.
    if (!(std::isfinite(values[i]) && (i == 0 || values[i] >= values[i - 1]))) return false;
  }
  return true;
}

StudyRun read_run(const json::object& from, Reader& reader) {
  StudyRun run;
  Outcome& o = run.outcome;
  run.number = reader.integer(reader.field(from, "run"), "run");
  o.hash = reader.hash(from, "hash");
  for (const json::value& entry : reader.array(from, "metrics")) {
    const json::object& m = reader.object(&entry, "metrics");
    o.metrics.push_back({reader.text(m, "name"), reader.text(m, "unit"),
                         read_better(reader.text(m, "better"), reader), reader.number(m, "value")});
  }
  for (const json::value& entry : reader.array(from, "series")) {
    const json::object& s = reader.object(&entry, "series");
    o.series.push_back({reader.text(s, "name"), reader.text(s, "unit"), reader.text(s, "over"),
                        reader.numbers(s, "x"), reader.numbers(s, "y")});
    const Series& read = o.series.back();
    if (read.x.size() != read.y.size()) reader.complain("series", "has x and y of unequal length");
    if (!rises(read.x)) reader.complain("series", "has an x that does not rise");
  }
  for (const json::value& entry : reader.array(from, "distributions")) {
    const json::object& d = reader.object(&entry, "distributions");
    o.distributions.push_back(
        {reader.text(d, "name"), reader.text(d, "unit"), reader.numbers(d, "values")});
    if (!rises(o.distributions.back().values)) reader.complain("values", "are not sorted");
  }
  for (const json::value& entry : reader.array(from, "nodes")) {
    const json::object& n = reader.object(&entry, "nodes");
    o.nodes.push_back({reader.text(n, "node"), reader.number(n, "cpu"), reader.number(n, "memory"),
                       n.contains("gpu") ? reader.number(n, "gpu") : -1});
  }
  return run;
}

Result<json::value> parse(std::string_view text) {
  boost::system::error_code bad;
  json::value value = json::parse(json::string_view(text.data(), text.size()), bad);
  if (bad) return Error{Code::invalid, "is no JSON: " + bad.message()};
  if (!value.is_object()) return Error{Code::invalid, "is no JSON object"};
  return value;
}

Error not_ours(const std::string& why) {
  return {Code::invalid, "is no result of keelson sim compare: " + why};
}

}  // namespace

Result<StudyRun> read_run(std::string_view text) {
  const auto value = parse(text);
  if (!value) return value.error();
  std::string wrong;
  Reader reader(&wrong);
  StudyRun run = read_run(value->get_object(), reader);
  if (!wrong.empty()) return not_ours(wrong);
  return run;
}

Result<Study> read_study(std::string_view text) {
  const auto value = parse(text);
  if (!value) return value.error();
  const json::object& root = value->get_object();
  std::string wrong;
  Reader reader(&wrong);
  if (reader.text(root, "schema") != kResultsSchema) return not_ours("its schema is another");
  const uint64_t version = reader.integer(reader.field(root, "version"), "version");
  if (version != kResultsVersion) {
    return Error{Code::invalid, "has version " + std::to_string(version) +
                                    " of the schema; this keelson reads version " +
                                    std::to_string(kResultsVersion)};
  }
  Study study;
  study.plan = read_plan(reader.object(reader.field(root, "plan"), "plan"), reader);
  if (!wrong.empty()) return not_ours(wrong);
  if (study.plan.variants.size() > kRunsMax / study.plan.seeds()) {
    return not_ours("it would be more than ten million runs");
  }
  for (const json::value& entry : reader.array(root, "runs")) {
    StudyRun run = read_run(reader.object(&entry, "runs"), reader);
    const bool rises = study.runs.empty() || run.number > study.runs.back().number;
    if (!rises || run.number >= study.plan.runs()) reader.complain("run", "has a wrong number");
    if (!wrong.empty()) return not_ours(wrong);
    study.runs.push_back(std::move(run));
  }
  if (!wrong.empty()) return not_ours(wrong);
  return study;
}

}  // namespace keelson::lab
