#include "sim/lab/readers/swf.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "sim/lab/readers/rows.hpp"

namespace keelson::lab {

namespace {

enum Column : std::size_t {
  kJob, kSubmit, kWait, kRun, kUsedProcessors, kCpuTime, kUsedMemory, kProcessors, kAskedTime,
  kMemory, kStatus, kUser, kGroup, kExecutable, kQueue, kPartition, kAfter, kThink,
};
constexpr std::array<const char*, 18> kColumns{
    "job number", "submit time", "wait time", "run time", "allocated processors",
    "average CPU time", "used memory", "requested processors", "requested time",
    "requested memory", "status", "user", "group", "executable", "queue", "partition",
    "preceding job", "think time"};

constexpr int64_t kSecondsMax = 1'000'000'000;
constexpr int64_t kProcessorsMax = 10'000'000;
constexpr int64_t kKibMax = int64_t{1} << 34;  // 16 TiB per processor
constexpr int64_t kNodesMax = 100'000;
constexpr int64_t kCancelled = 5;

struct Header {
  int64_t nodes = 0, processors = 0;
  int64_t per_node() const { return nodes == 0 ? 1 : std::max<int64_t>(processors / nodes, 1); }
};

// " MaxNodes: 128" -> 128 if it is this field.
bool header_field(std::string_view comment, std::string_view name, int64_t& value) {
  const std::size_t begin = comment.find_first_not_of(" \t;");
  if (begin == std::string_view::npos) return false;
  comment.remove_prefix(begin);
  if (!comment.starts_with(name) || comment.substr(name.size(), 1) != ":") return false;
  comment.remove_prefix(name.size() + 1);
  const std::size_t digits = comment.find_first_not_of(" \t");
  if (digits == std::string_view::npos) return false;
  comment.remove_prefix(digits);
  int64_t number = 0;
  const auto end = std::from_chars(comment.data(), comment.data() + comment.size(), number);
  if (end.ec != std::errc{} || number < 1 || number > kProcessorsMax) return false;
  value = number;
  return true;
}

// The first of the fields that is known, else 0.
int64_t first_known(Rows& rows, std::size_t a, std::size_t b, int64_t high) {
  const int64_t first = rows.integer(a, -1, high), second = rows.integer(b, -1, high);
  return first > 0 ? first : std::max<int64_t>(second, 0);
}

// The format allows fractions in times.
int64_t milliseconds(Rows& rows, std::size_t column) {
  return rows.decimal(column, 3, -1000, kSecondsMax * 1000);
}

}  // namespace

Result<Loaded> read_swf(const SwfOptions& options) {
  auto files = files_of(options.file);
  if (!files) return files.error();
  Rows rows(std::move(*files), {.columns = kColumns,
                                .separator = ' ',
                                .comment = ';',
                                .lenient = options.lenient});
  Loaded loaded;
  loaded.workload.name = "swf";
  Collector collector(options.window);
  Header header;
  const auto read_header = [&] {
    for (const std::string& comment : rows.take_comments()) {
      if (!header_field(comment, "MaxNodes", header.nodes)) {
        header_field(comment, "MaxProcs", header.processors);
      }
    }
    if (header.processors == 0) header.processors = header.nodes;
    if (header.nodes == 0) header.nodes = header.processors;
  };
  while (rows.next()) {
    if (header.nodes == 0) read_header();
    const int64_t job = rows.integer(kJob, 0, INT64_MAX);
    const int64_t submit = milliseconds(rows, kSubmit), run = milliseconds(rows, kRun);
    const int64_t processors = first_known(rows, kProcessors, kUsedProcessors, kProcessorsMax);
    const int64_t kib = first_known(rows, kMemory, kUsedMemory, kKibMax);
    const int64_t status = rows.integer(kStatus, -1, 5);
    if (submit < 0) rows.fail(kSubmit, "must be known");
    if (rows.bad() || run < 0 || processors == 0) continue;
    if ((status >= 2 && status <= 4) || (status == kCancelled && run == 0)) continue;
    const Duration at = std::chrono::milliseconds(submit);
    if (!collector.wants(at)) continue;
    const int64_t per_node = options.processors_per_node > 0 ? options.processors_per_node
                                                             : header.per_node();
    const int64_t pods = (processors + per_node - 1) / per_node;
    const int64_t each = (processors + pods - 1) / pods;
    if (pods > kNodesMax) {
      rows.fail(kProcessors, "no cluster has the nodes for so many");
      continue;
    }
    PodShape pod;
    const std::string name = "job-" + std::to_string(job);
    pod.labels = {{kJobLabel, name}};
    pod.cpu_milli = each * 1000;
    pod.memory_bytes = std::min(kib * 1024 * each, options.node_memory_bytes);
    for (int64_t i = 0; i < pods && collector.wants(at); ++i) {
      // The line makes it unique: models have job numbers that stand twice.
      pod.name = name + "-" + std::to_string(rows.line()) + "-" + std::to_string(i);
      collector.add(at, std::chrono::milliseconds(run), pod);
    }
  }
  if (!rows.status().ok()) return rows.status().error();
  read_header();
  loaded.skipped = rows.skipped();
  if (options.nodes) {
    if (header.nodes == 0) {
      return Error{Code::invalid, options.file +
                                      ": the header has neither MaxNodes nor MaxProcs: on which "
                                      "nodes is it to be played?"};
    }
    NodeShape node;
    const int64_t per_node =
        options.processors_per_node > 0 ? options.processors_per_node : header.per_node();
    node.cpu_milli = per_node * 1000;
    node.memory_bytes = options.node_memory_bytes;
    node.pods_max = std::max<int64_t>(per_node, 110);
    const int64_t count = std::min((header.processors + per_node - 1) / per_node, kNodesMax);
    for (int64_t i = 0; i < count; ++i) {
      node.name = "node-" + std::to_string(i + 1);
      loaded.workload.nodes.push_back(node_object(node));
    }
  }
  loaded.workload.arrivals = collector.finish();
  return loaded;
}

}  // namespace keelson::lab
