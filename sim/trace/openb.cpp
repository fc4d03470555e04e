#include "sim/trace/openb.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <set>

#include "core/api/validation.hpp"

namespace keelson::sim {

namespace {

// A CSV file with a header line; fields are found by name. No quoting: the trace has none.
class Csv {
 public:
  explicit Csv(std::string file) : file_(std::move(file)), in_(file_) {
    if (!in_) {
      error_ = {Code::invalid, file_ + ": cannot be read"};
      return;
    }
    std::string header;
    if (next_line(header)) columns_ = split(header);
    if (columns_.empty()) error_ = {Code::invalid, file_ + ":1: the header line is missing"};
  }

  bool next() {
    if (error_.code != Code::ok) return false;
    std::string text;
    do {
      if (!next_line(text)) return false;
    } while (text.empty());
    row_ = split(text);
    if (row_.size() == columns_.size()) return true;
    fail("has " + std::to_string(row_.size()) + " fields, the header " +
         std::to_string(columns_.size()));
    return false;
  }
  std::string text(const std::string& column) {
    const auto it = std::find(columns_.begin(), columns_.end(), column);
    if (it == columns_.end()) {
      fail("has no column " + column);
      return {};
    }
    return row_[static_cast<std::size_t>(it - columns_.begin())];
  }
  // Empty counts as `fallback` where one is given.
  int64_t number(const std::string& column, int64_t high, std::optional<int64_t> fallback = {}) {
    const std::string value = text(column);
    if (value.empty() && fallback) return *fallback;
    int64_t out = 0;
    const auto end = std::from_chars(value.data(), value.data() + value.size(), out);
    if (value.empty() || end.ec != std::errc{} || end.ptr != value.data() + value.size() ||
        out < 0 || out > high) {
      fail(column + ": \"" + value + "\" is not a number from 0 to " + std::to_string(high));
    }
    return out;
  }
  void fail(const std::string& what) {
    if (error_.code != Code::ok) return;
    error_ = {Code::invalid, file_ + ":" + std::to_string(line_) + ": " + what};
  }
  const Error& error() const { return error_; }

 private:
  bool next_line(std::string& text) {
    if (!std::getline(in_, text)) return false;
    ++line_;
    if (!text.empty() && text.back() == '\r') text.pop_back();
    return true;
  }
  static std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> fields;
    std::size_t begin = 0;
    for (;;) {
      const std::size_t comma = text.find(',', begin);
      fields.push_back(text.substr(begin, comma - begin));
      if (comma == std::string::npos) return fields;
      begin = comma + 1;
    }
  }
  std::string file_;
  std::ifstream in_;
  int line_ = 0;
  std::vector<std::string> columns_, row_;
  Error error_;
};

constexpr int64_t kMany = 1'000'000'000;
constexpr std::size_t kNodesMax = 60'000;

}  // namespace

NodePool TraceNode::pool() const {
  NodePool pool;
  pool.prefix = name;
  pool.exact_name = true;
  pool.count = 1;
  pool.capacity = {{"cpu", std::to_string(cpu_milli) + "m"},
                   {"memory", std::to_string(memory_mib) + "Mi"}};
  if (gpus > 0) {
    pool.capacity[kGpuResource] = std::to_string(gpus);
    pool.labels[kGpuModelLabel] = model;
  }
  pool.max_pods = 1001;  // as in the published experiments
  return pool;
}

Result<Trace> read_openb(const TraceSpec& spec) {
  Trace trace;
  Csv nodes(spec.directory + "/openb_node_list_" + spec.nodes + ".csv");
  std::set<std::string> names;
  while (nodes.next()) {
    if (trace.nodes.size() == kNodesMax) nodes.fail("there are too many nodes");
    TraceNode& node = trace.nodes.emplace_back();
    node.name = nodes.text("sn");
    node.cpu_milli = nodes.number("cpu_milli", kMany);
    node.memory_mib = nodes.number("memory_mib", kMany);
    node.gpus = nodes.number("gpu", 64);
    node.model = nodes.text("model");
    if (node.name.empty()) nodes.fail("sn: a node needs a name");
    for (const std::string& why : api::check_dns1123_subdomain(node.name)) nodes.fail("sn: " + why);
    for (const std::string& why : api::check_label_value(node.model)) nodes.fail("model: " + why);
    if (!names.insert(node.name).second) nodes.fail("sn: there is a " + node.name + " above");
  }
  if (nodes.error().code != Code::ok) return nodes.error();

  Csv pods(spec.directory + "/openb_pod_list_" + spec.pods + ".csv");
  names.clear();
  while (pods.next()) {
    TracePod& pod = trace.pods.emplace_back();
    pod.name = pods.text("name");
    pod.cpu_milli = pods.number("cpu_milli", kMany);
    pod.memory_mib = pods.number("memory_mib", kMany);
    pod.gpus = pods.number("num_gpu", 64);
    pod.gpu_milli = pods.number("gpu_milli", 1000);
    std::string models = pods.text("gpu_spec");
    while (!models.empty()) {
      const std::size_t bar = std::min(models.find('|'), models.size());
      pod.gpu_models.push_back(models.substr(0, bar));
      models.erase(0, bar + 1);
    }
    pod.created = std::chrono::seconds(pods.number("creation_time", kMany));
    pod.deleted = std::chrono::seconds(pods.number("deletion_time", kMany));
    if (pod.name.empty()) pods.fail("name: a pod needs a name");
    for (const std::string& why : api::check_dns1123_subdomain(pod.name)) pods.fail("name: " + why);
    for (const std::string& model : pod.gpu_models) {
      for (const std::string& why : api::check_label_value(model)) pods.fail("gpu_spec: " + why);
    }
    if (!names.insert(pod.name).second) pods.fail("name: there is a " + pod.name + " above");
    if (pod.deleted < pod.created) pods.fail("deletion_time: is before creation_time");
  }
  if (pods.error().code != Code::ok) return pods.error();
  std::stable_sort(trace.pods.begin(), trace.pods.end(),
                   [](const TracePod& a, const TracePod& b) { return a.created < b.created; });
  if (spec.limit > 0 && trace.pods.size() > static_cast<std::size_t>(spec.limit)) {
    trace.pods.resize(static_cast<std::size_t>(spec.limit));
  }
  return trace;
}

}  // namespace keelson::sim
