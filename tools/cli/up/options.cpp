#include "tools/cli/up/options.hpp"

#include <boost/json.hpp>
#include <charconv>
#include <cstdlib>
#include <cxxopts.hpp>
#include <vector>

#include "core/api/yaml.hpp"
#include "core/scheduler/config/configuration.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "sim/live/pacer.hpp"
#include "sim/scenario/reader.hpp"
#include "sim/scenario/scenario.hpp"

namespace keelson::cli {

namespace json = boost::json;

namespace {

Error bad(std::string message) {
  return {Code::invalid, std::move(message)};
}

cxxopts::Options make_parser() {
  cxxopts::Options parser(
      "keelson up",
      "Runs a cluster in this process: control plane, in-memory store and simulated nodes, live,\n"
      "with the Kubernetes API for kubectl and every other client. It ends with Ctrl-C.\n");
  const auto text = [] { return cxxopts::value<std::string>(); };
  auto add = parser.add_options("Cluster");
  add("nodes", "how many nodes (default: 3)", text(), "N");
  add("cpus", "of each node (default: 4)", text(), "QUANTITY");
  add("memory", "of each node (default: 16Gi)", text(), "QUANTITY");
  add("zones", "zones that the nodes are in, in turn: a number, or names", text(), "N|A,B");
  add("pool",
      "nodes of one shape instead (repeatable): name=gpu,count=2,cpu=8,memory=64Gi,zone=a,"
      "nvidia.com/gpu=4",
      text(), "KEY=VALUE,...");
  add("cluster", "take the cluster of a scenario instead of all of these", text(), "FILE");
  add("start-time",
      "from the start of a container until it runs (default: 300ms); 0s: all that "
      "nodes do takes no time",
      text(), "TIME");
  add("pull-time", "to pull an image (default: 1s, with --start-time 0s: 0s)", text(), "TIME");
  add("profile", "kubernetes: its default timers; keelson: ours (default)", text(), "NAME");
  add("schedulers", "how many (default: 1); 0: pods stay Pending unless you bind them", text(),
      "N");
  add("scheduler-config", "the schedulers' profiles and plugins: a KubeSchedulerConfiguration",
      text(), "FILE");
  add("service-cidr", "where Services get their addresses from (default: 10.96.0.0/16)", text(),
      "NETWORK");
  add("seed", "another seed gives another course of events (default: 1)", text(), "N");
  add("store", "memory (default)", text(), "memory");
  auto time = parser.add_options("Time");
  time("speed", "virtual seconds per second, 0.1 to 1000 (default: 1)", text(), "X");
  time("paused", "begin with the clock paused (keelson clock resume)");
  time("record", "write what `keelson sim replay` needs to run this session again", text(), "FILE");
  time("check", "check every guarantee while it runs");
  auto serve = parser.add_options("Server");
  serve("bind", "address to serve at (default: 127.0.0.1)", text(), "ADDRESS");
  serve("port", "0: any free one (default: 6443)", text(), "PORT");
  serve("insecure-port",
        "also serve plain HTTP, without access control, on 127.0.0.1; 0: any free "
        "one",
        text(), "PORT");
  serve("dir", "for keys and certificates (default: $XDG_STATE_HOME/keelson/up)", text(), "DIR");
  serve("kubeconfig", "write it here (default: DIR/kubeconfig)", text(), "FILE");
  serve("access-log", "one line per request; -: to standard error", text(), "FILE");
  serve("audit-log", "Kubernetes' audit events; -: to standard error", text(), "FILE");
  parser.add_options()("h,help", "show this");
  return parser;
}

Result<uint64_t> number(const std::string& flag, const std::string& text, uint64_t most) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > most) {
    return bad("--" + flag + " " + text + ": expected a number from 0 to " + std::to_string(most));
  }
  return value;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

Result<json::array> zones_of(const std::string& text) {
  json::array zones;
  if (text.find_first_not_of("0123456789") != std::string::npos) {
    for (std::string& zone : split(text)) zones.push_back(json::value(std::move(zone)));
    return zones;
  }
  const auto count = number("zones", text, 26);
  if (!count) return count.error();
  for (uint64_t i = 0; i < *count; ++i) {
    zones.push_back(json::value(std::string("zone-") + static_cast<char>('a' + i)));
  }
  return zones;
}

// "name=gpu,count=2,cpu=8,zone=a": what is neither name, count nor zone is a quantity of a
// resource.
Result<json::object> pool_of(const std::string& text) {
  json::object pool, capacity;
  capacity["cpu"] = "4";
  capacity["memory"] = "16Gi";
  for (const std::string& part : split(text)) {
    const auto equals = part.find('=');
    if (equals == std::string::npos || equals == 0) {
      return bad("--pool " + text + ": expected key=value, not \"" + part + "\"");
    }
    const std::string key = part.substr(0, equals), value = part.substr(equals + 1);
    if (key == "name") {
      pool["prefix"] = value + "-";
    } else if (key == "count") {
      const auto count = number("pool " + text + ": count", value, 60'000);
      if (!count) return count.error();
      pool["count"] = *count;
    } else if (key == "zone") {
      if (!pool.contains("zones")) pool["zones"].emplace_array();
      pool["zones"].as_array().push_back(json::value(value));
    } else {
      capacity[key] = value;
    }
  }
  pool["capacity"] = std::move(capacity);
  return pool;
}

class Reader {
 public:
  explicit Reader(const cxxopts::ParseResult& args) : args_(args) {}

  Result<UpOptions> read() {
    const Status status = read_all();
    if (!status) return status.error();
    return std::move(options_);
  }

 private:
  bool has(const char* flag) const { return args_.count(flag) > 0; }
  std::string text(const char* flag, const char* absent = "") const {
    return has(flag) ? args_[flag].as<std::string>() : absent;
  }
  // Each value of a flag that may be repeated, whole: a vector would be split at commas.
  std::vector<std::string> texts(const char* flag) const {
    std::vector<std::string> values;
    for (const auto& argument : args_.arguments()) {
      if (argument.key() == flag) values.push_back(argument.value());
    }
    return values;
  }

  Status read_all() {
    if (!args_.unmatched().empty())
      return bad("unexpected argument \"" + args_.unmatched()[0] + "\"");
    for (Status (Reader::*part)() : {&Reader::cluster, &Reader::time, &Reader::server}) {
      if (const Status status = (this->*part)(); !status) return status;
    }
    return {};
  }

  Status cluster() {
    const std::string store = text("store", "memory");
    if (store.starts_with("redis:")) {
      return bad("--store " + store + ": the Redis store is not there yet; the store is in memory");
    }
    if (store != "memory") return bad("--store " + store + ": expected memory");
    if (has("seed")) {
      const auto seed = number("seed", text("seed"), UINT64_MAX);
      if (!seed) return seed.error();
      options_.seed = *seed;
    }
    if (has("cluster")) {
      for (const char* flag : {"nodes", "cpus", "memory", "zones", "pool", "start-time",
                               "pull-time", "profile", "schedulers", "scheduler-config", "service-cidr"}) {
        if (has(flag)) return bad(std::string("either --cluster or --") + flag);
      }
      const auto file = sim::read_text(text("cluster"));
      if (!file) return file.error();
      options_.cluster = *file;
      options_.cluster_source = text("cluster");
      return {};
    }
    return described_cluster();
  }

  // As a scenario would have it, so that one reader checks both.
  Status described_cluster() {
    json::object root;
    root["name"] = "up";
    if (has("profile")) root["profile"] = text("profile");
    json::object& cluster = root["cluster"].emplace_object();
    cluster["controllerManagers"] = 1;
    const auto schedulers = number("schedulers", text("schedulers", "1"), 9);
    if (!schedulers) return schedulers.error();
    cluster["schedulers"] = *schedulers;
    if (const Status status = configured(cluster); !status) return status;
    if (has("service-cidr")) cluster["serviceNetwork"] = text("service-cidr");
    // A machine's inside rather than a data centre's network: people wait for these calls.
    json::object network, store;
    network["delayMin"] = "20us";
    network["delayMax"] = "60us";
    cluster["network"] = std::move(network);
    store["commitMin"] = "20us";
    store["commitMax"] = "60us";
    cluster["store"] = std::move(store);
    json::array& pools = cluster["pools"].emplace_array();
    if (has("pool")) {
      for (const char* flag : {"nodes", "cpus", "memory", "zones"}) {
        if (has(flag)) return bad(std::string("either --pool or --") + flag);
      }
      for (const std::string& item : texts("pool")) {
        auto pool = pool_of(item);
        if (!pool) return pool.error();
        pools.push_back(std::move(*pool));
      }
    } else {
      json::object pool, capacity;
      const auto count = number("nodes", text("nodes", "3"), 60'000);
      if (!count) return count.error();
      pool["count"] = *count;
      capacity["cpu"] = text("cpus", "4");
      capacity["memory"] = text("memory", "16Gi");
      pool["capacity"] = std::move(capacity);
      if (has("zones")) {
        auto zones = zones_of(text("zones"));
        if (!zones) return zones.error();
        pool["zones"] = std::move(*zones);
      }
      pools.push_back(std::move(pool));
    }
    if (const Status status = containers(root, cluster); !status) return status;
    options_.cluster = json::serialize(root);
    options_.cluster_source = "keelson up";
    return {};
  }

  // It stands in the description of the cluster, so that a recording has it.
  Status configured(json::object& cluster) {
    if (!has("scheduler-config")) return {};
    const std::string file = text("scheduler-config");
    const auto content = sim::read_text(file);
    if (!content) return bad("--scheduler-config: " + content.error().message);
    const auto& registry = scheduler::default_plugins();
    const auto read = scheduler::parse_configuration(*content, file, registry);
    if (!read) return bad("--scheduler-config: " + read.error().message);
    const Status without = scheduler::refuse_extenders(
        *read, *content, file,
        "nobody answers HTTP in a simulated cluster: write a plugin for what the extender does");
    if (!without) return bad("--scheduler-config: " + without.error().message);
    const auto documents = api::yaml_documents(*content, file);
    if (!documents) return documents.error();
    cluster["scheduler"] = documents->front();
    return {};
  }

  Status containers(json::object& root, json::object& cluster) {
    json::object image;
    for (const auto& [flag, field] : {std::pair{"start-time", "start"}, {"pull-time", "pull"}}) {
      if (!has(flag)) continue;
      const auto time = sim::parse_duration(text(flag));
      if (!time) return bad("--" + std::string(flag) + ": " + time.error().message);
      image[field] = text(flag);
      if (field != std::string_view("start") || *time != Duration::zero()) continue;
      if (!has("pull-time")) image["pull"] = "0s";
      json::object runtime;
      for (const char* call : {"sandboxMin", "sandboxMax", "callMin", "callMax"})
        runtime[call] = "0s";
      cluster["runtime"] = std::move(runtime);
    }
    root["images"].emplace_object()["default"] = std::move(image);
    return {};
  }

  Status time() {
    if (has("speed")) {
      const auto speed = sim::parse_speed(text("speed"));
      if (!speed) return bad("--speed: " + speed.error().message);
      options_.speed = *speed;
    }
    options_.paused = has("paused");
    options_.check = has("check");
    options_.record = text("record");
    if (has("record") && options_.record.empty()) return bad("--record: which file?");
    return {};
  }

  Status server() {
    options_.bind = text("bind", "127.0.0.1");
    const auto port = number("port", text("port", "6443"), 65'535);
    if (!port) return port.error();
    options_.port = static_cast<uint16_t>(*port);
    if (has("insecure-port")) {
      const auto insecure = number("insecure-port", text("insecure-port"), 65'535);
      if (!insecure) return insecure.error();
      options_.insecure_port = static_cast<uint16_t>(*insecure);
    }
    const auto env = [](const char* name) {
      const char* value = std::getenv(name);
      return std::string(value == nullptr ? "" : value);
    };
    options_.dir = text("dir");
    if (options_.dir.empty()) {
      const std::string state = env("XDG_STATE_HOME"), home = env("HOME");
      if (state.empty() && home.empty())
        return bad("--dir: neither XDG_STATE_HOME nor HOME is set");
      options_.dir = (state.empty() ? home + "/.local/state" : state) + "/keelson/up";
    }
    options_.kubeconfig = text("kubeconfig");
    if (options_.kubeconfig.empty()) options_.kubeconfig = options_.dir + "/kubeconfig";
    options_.access_log = text("access-log");
    options_.audit_log = text("audit-log");
    return {};
  }

  const cxxopts::ParseResult& args_;
  UpOptions options_;
};

}  // namespace

Result<UpCommand> parse_up(int argc, char** argv) {
  cxxopts::Options parser = make_parser();
  try {
    const cxxopts::ParseResult args = parser.parse(argc, argv);
    if (args.count("help"))
      return UpCommand{std::nullopt, parser.help({"", "Cluster", "Time", "Server"})};
    auto options = Reader(args).read();
    if (!options) return options.error();
    return UpCommand{std::move(*options), {}};
  } catch (const cxxopts::exceptions::exception& e) {
    return bad(e.what());
  }
}

}  // namespace keelson::cli
