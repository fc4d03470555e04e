// `format: generated`: nodes, arrivals and classes of pods, by their distributions; and `fitted`: more
// of another workload.
#include <algorithm>

#include "core/api/validation.hpp"
#include "sim/lab/generators/fit.hpp"
#include "sim/lab/load_parts.hpp"

namespace keelson::lab {

namespace {

constexpr int64_t kAmountMax = 1'000'000'000'000;
constexpr double kMicro = 1e-6;

enum class Unit : uint8_t { number, time };

// In milliseconds if it is a time.
double read_number(sim::MapReader& map, const std::string& field, Unit unit, double fallback) {
  if (!map.has(field)) {
    map.raw(field);
    return fallback;
  }
  if (unit == Unit::time) {
    return static_cast<double>(map.duration(field, Duration::zero()) / 1ms);
  }
  return static_cast<double>(read_decimal(map, field, 6, 0, 0, kAmountMax / 1'000'000)) * kMicro;
}

double read_above_zero(sim::MapReader& map, const std::string& field, Unit unit, double fallback) {
  const double value = read_number(map, field, unit, fallback);
  if (value <= 0) map.fail(field, "must be given and above 0");
  return value <= 0 ? 1 : value;
}

// Values with weights: {"1": 3, "2": 1}.
void read_choice(sim::MapReader& map, Unit unit, Amount& amount) {
  auto values = map.map("values");
  if (!values) {
    map.fail("values", "a choice needs values with weights: {\"500\": 3, \"1000\": 1}");
    amount = Amount::of(0);
    return;
  }
  for (const auto& pair : map.pairs("values")) {
    const int64_t weight = values->integer(pair.first, 1, 1, 1'000'000'000);
    double value = 0;
    if (unit == Unit::time) {
      const auto time = sim::parse_duration(pair.first);
      if (!time) values->fail(pair.first, time.error().message);
      if (time) value = static_cast<double>(*time / 1ms);
    } else {
      const auto number = sim::parse_duration(pair.first + "s");  // a decimal number, as it were
      if (!number) values->fail(pair.first, "\"" + pair.first + "\" is no number");
      if (number) value = static_cast<double>(number->count()) * 1e-9;
    }
    amount.values.push_back(value);
    amount.weights.push_back(weight);
  }
  if (amount.values.empty()) map.fail("values", "are empty");
  if (amount.values.empty()) amount = Amount::of(0);
}

// One value, or {kind: lognormal, median: 500, sigma: 1.2, low: 10, high: 64000}.
Amount read_distribution(sim::MapReader& outer, const std::string& field, Unit unit,
                         const Amount& fallback) {
  const YAML::Node node = outer.raw(field);
  if (!node.IsDefined() || node.IsNull()) return fallback;
  if (node.IsScalar()) return Amount::of(read_number(outer, field, unit, 0));
  auto map = outer.map(field);
  Amount amount;
  amount.low = read_number(*map, "low", unit, 0);
  amount.high = read_number(*map, "high", unit, 0);
  const std::string kind = map->text("kind");
  if (kind == "uniform") {
    amount.kind = Amount::Kind::uniform;
  } else if (kind == "exponential") {
    amount.kind = Amount::Kind::exponential;
    amount.a = read_above_zero(*map, "mean", unit, 0);
  } else if (kind == "lognormal") {
    amount.kind = Amount::Kind::lognormal;
    amount.a = read_above_zero(*map, "median", unit, 0);
    amount.b = read_above_zero(*map, "sigma", Unit::number, 1);
  } else if (kind == "pareto") {
    amount.kind = Amount::Kind::pareto;
    amount.a = read_above_zero(*map, "alpha", Unit::number, 0);
    amount.low = read_above_zero(*map, "low", unit, 0);
  } else if (kind == "weibull") {
    amount.kind = Amount::Kind::weibull;
    amount.a = read_above_zero(*map, "scale", unit, 0);
    amount.b = read_above_zero(*map, "shape", Unit::number, 1);
  } else if (kind == "choice") {
    amount.kind = Amount::Kind::choice;
    read_choice(*map, unit, amount);
  } else {
    map->fail("kind", "\"" + kind +
                          "\" is none of uniform, exponential, lognormal, pareto, weibull, choice");
  }
  const bool bounded = amount.kind == Amount::Kind::uniform || amount.kind == Amount::Kind::pareto;
  if (bounded && amount.high <= amount.low) map->fail("high", "must be given and above `low`");
  if (!bounded && amount.high != 0 && amount.high < amount.low) map->fail("high", "is below `low`");
  map->done();
  return amount;
}

Duration read_interval(sim::MapReader& map, const std::string& field, Duration fallback) {
  const Duration every = map.duration(field, fallback);
  if (every > Duration::zero() && every <= kMeanMax) return every;
  map.fail(field, "must be above 0 and at most " + sim::format_duration(kMeanMax));
  return 1s;
}

ArrivalProcess read_arrivals(sim::MapReader map) {
  ArrivalProcess process;
  const std::string kind = map.text("kind", "poisson");
  if (kind == "at-once") {
    process.kind = ArrivalProcess::Kind::all_at_once;
  } else if (kind == "poisson") {
    process.every = read_interval(map, "every", 1s);
  } else if (kind == "bursty") {
    process.kind = ArrivalProcess::Kind::bursty;
    process.every = read_interval(map, "every", 1s);
    process.burst_every = read_interval(map, "burstEvery", process.every / 10);
    process.calm_for = read_interval(map, "calmFor", process.calm_for);
    process.burst_for = read_interval(map, "burstFor", process.burst_for);
  } else if (kind == "diurnal") {
    process.kind = ArrivalProcess::Kind::diurnal;
    process.every = read_interval(map, "every", 1s);
    process.hours = ArrivalProcess::day(read_decimal(map, "peakToTrough", 3, 3000, 1, 1000));
  } else {
    map.fail("kind", "\"" + kind + "\" is none of at-once, poisson, bursty, diurnal");
  }
  map.done();
  return process;
}

PodClass read_class(sim::MapReader map, std::size_t number) {
  PodClass one;
  one.name = map.text("name", "class" + std::to_string(number + 1));
  for (const std::string& why : api::check_dns1123_label(one.name)) map.fail("name", why);
  if (one.name.size() > 40) map.fail("name", "is longer than 40 characters");
  one.weight = map.integer("weight", 1, 0, 1'000'000'000);
  one.cpu_milli = read_distribution(map, "cpuMilli", Unit::number, Amount::of(0));
  one.memory_mib = read_distribution(map, "memoryMi", Unit::number, Amount::of(0));
  one.replicas = read_distribution(map, "replicas", Unit::number, Amount::of(1));
  if (map.has("runsFor")) one.runs_for_ms = read_distribution(map, "runsFor", Unit::time, {});
  map.raw("runsFor");
  if (map.has("priority")) {
    one.priority = static_cast<int32_t>(map.integer("priority", 0, -1'000'000'000, 1'000'000'000));
  }
  map.raw("priority");
  if (auto further = map.map("resources")) {
    for (const auto& entry : further->node()) {
      if (!entry.first.IsScalar()) continue;
      const std::string& name = entry.first.Scalar();
      one.resources[name] = read_distribution(*further, name, Unit::number, Amount::of(0));
    }
    further->done();
  }
  if (map.has("gpuMilli")) {
    one.gpus = Amount::of(1);
    one.gpu_milli = read_distribution(map, "gpuMilli", Unit::number, Amount::of(1000));
  }
  map.raw("gpuMilli");
  one.gpus = read_distribution(map, "gpus", Unit::number, one.gpus);
  map.done();
  return one;
}

// The common fields that bound what is made.
void limit(sim::MapReader& map, const Common& common, int64_t& pods) {
  if (common.window.limit > 0) {
    const auto limit = static_cast<int64_t>(common.window.limit);
    pods = pods == 0 ? limit : std::min(pods, limit);
  }
  if (common.window.from != Duration::zero() || common.window.length) {
    map.fail("window", "a workload that is made has none; see `for`");
  }
}

}  // namespace

Loader read_generated(sim::MapReader& map, const Common& common) {
  GeneratorSpec spec;
  if (auto arrivals = map.map("arrivals")) spec.arrivals = read_arrivals(*arrivals);
  map.each("classes", [&](sim::MapReader one) {
    spec.classes.push_back(read_class(std::move(one), spec.classes.size()));
    for (std::size_t i = 0; i + 1 < spec.classes.size(); ++i) {
      if (spec.classes[i].name != spec.classes.back().name) continue;
      map.fail("classes", "there are two of the name " + spec.classes[i].name);
    }
  });
  int64_t weights = 0;
  for (const PodClass& one : spec.classes) weights += one.weight;
  if (weights == 0) map.fail("classes", "which kinds of pods come? (one needs a weight)");
  spec.pods = map.integer("pods", 0, 0, kGeneratedPodsMax);
  if (map.has("for")) spec.length = map.duration("for", Duration::zero());
  map.raw("for");
  if (spec.pods == 0 && !spec.length) map.fail("pods", "how many? Or `for` how long?");
  if (spec.pods == 0 && spec.arrivals.kind == ArrivalProcess::Kind::all_at_once) {
    map.fail("pods", "how many? They come all at once");
  }
  if (common.nodes.empty()) map.fail("nodes", "on which nodes?");
  limit(map, common, spec.pods);
  for (Duration* every : {&spec.arrivals.every, &spec.arrivals.burst_every}) {
    *every = at_rate(*every, std::max<int64_t>(common.rate_milli, 1));
  }
  return [spec, nodes = common.nodes](uint64_t seed) -> Result<Loaded> {
    Loaded loaded;
    loaded.workload.name = "generated";
    loaded.workload.nodes = make_nodes(nodes);
    loaded.workload.arrivals = generate(spec, Rng(seed).fork("workload"));
    return loaded;
  };
}

Loader read_fitted(sim::MapReader& map, const Common& common) {
  WorkloadSpec from;
  if (auto section = map.map("from")) {
    from = read_workload(*section, common.folder, common.lenient);
  } else {
    map.fail("from", "which workload is it fitted to? A section like this one");
  }
  FitMore more;
  more.rate_milli = common.rate_milli;
  more.pods = map.integer("pods", 0, 0, kGeneratedPodsMax);
  if (map.has("for")) more.length = map.duration("for", Duration::zero());
  map.raw("for");
  limit(map, common, more.pods);
  if (more.pods == 0 && !more.length) map.fail("pods", "how many? Or `for` how long?");
  // It is fitted once: what is random about it is the seed's.
  auto fitted = std::make_shared<std::optional<std::pair<Fit, Loaded>>>();
  return [from, more, nodes = common.nodes, fitted](uint64_t seed) -> Result<Loaded> {
    if (!*fitted) {
      auto original = from.load(0);
      if (!original) return original.error();
      auto made = fit(original->workload);
      if (!made) return made.error();
      if (made->arrivals.kind == ArrivalProcess::Kind::all_at_once && more.pods == 0) {
        return Error{Code::invalid, "workload " + original->workload.name +
                                        " comes all at once: say how many pods are to come"};
      }
      original->workload.arrivals.clear();
      *fitted = {std::move(*made), std::move(*original)};
    }
    Loaded loaded = (*fitted)->second;
    loaded.workload.name = "fitted to " + loaded.workload.name;
    if (!nodes.empty()) loaded.workload.nodes = make_nodes(nodes);
    loaded.workload.arrivals = generate((*fitted)->first, more, Rng(seed).fork("workload"));
    return loaded;
  };
}

}  // namespace keelson::lab
