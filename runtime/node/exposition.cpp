#include "runtime/node/exposition.hpp"

#include <boost/json.hpp>
#include <set>
#include <span>

#include "core/api/json.hpp"
#include "core/base/exposition.hpp"
#include "runtime/host/own_process.hpp"

namespace keelson::node {

namespace json = boost::json;

namespace {

json::object cpu_json(const Reading& reading, int64_t nanocores) {
  json::object out;
  out["time"] = api::format_time(reading.at);
  if (nanocores >= 0) out["usageNanoCores"] = nanocores;
  out["usageCoreNanoSeconds"] = reading.cpu_ns;
  return out;
}

json::object memory_json(const Reading& reading) {
  json::object out;
  out["time"] = api::format_time(reading.at);
  if (reading.memory_bytes > 0) out["usageBytes"] = reading.memory_bytes;
  out["workingSetBytes"] = reading.working_set_bytes;
  if (reading.rss_bytes > 0) out["rssBytes"] = reading.rss_bytes;
  return out;
}

// One pod's containers, and their sum.
json::object pod_json(std::span<const StatsSampler::Measured> containers) {
  const ContainerReading& first = containers.front().now;
  Reading sum;
  int64_t nanocores = 0;
  WallTime started = first.started_at;
  json::array list;
  for (const StatsSampler::Measured& measured : containers) {
    const ContainerReading& now = measured.now;
    json::object container;
    container["name"] = now.container;
    if (now.started_at != WallTime()) container["startTime"] = api::format_time(now.started_at);
    container["cpu"] = cpu_json(now.reading, measured.cpu_nanocores);
    container["memory"] = memory_json(now.reading);
    container["rootfs"] = {{"time", api::format_time(now.reading.at)},
                           {"usedBytes", now.written_bytes}};
    list.push_back(std::move(container));
    sum.at = std::max(sum.at, now.reading.at);
    sum.cpu_ns += now.reading.cpu_ns;
    sum.memory_bytes += now.reading.memory_bytes;
    sum.working_set_bytes += now.reading.working_set_bytes;
    sum.rss_bytes += now.reading.rss_bytes;
    nanocores =
        measured.cpu_nanocores < 0 || nanocores < 0 ? -1 : nanocores + measured.cpu_nanocores;
    if (started == WallTime() || (now.started_at != WallTime() && now.started_at < started)) {
      started = now.started_at;
    }
  }
  json::object pod;
  pod["podRef"] = {{"name", first.pod_name}, {"namespace", first.pod_ns}, {"uid", first.pod_uid}};
  if (started != WallTime()) pod["startTime"] = api::format_time(started);
  pod["containers"] = std::move(list);
  pod["cpu"] = cpu_json(sum, nanocores);
  pod["memory"] = memory_json(sum);
  return pod;
}

std::string labels_of(const ContainerReading& reading) {
  return label("container", reading.container) + "," + label("namespace", reading.pod_ns) + "," +
         label("pod", reading.pod_name);
}

}  // namespace

std::string summary_json(const std::string& name, const StatsSampler& stats) {
  const MachineReading& machine = stats.machine().now;
  json::object node;
  node["nodeName"] = name;
  node["startTime"] = api::format_time(machine.booted_at);
  node["cpu"] = cpu_json(machine.reading, stats.machine().cpu_nanocores);
  json::object memory = memory_json(machine.reading);
  memory["availableBytes"] = machine.memory_available_bytes;
  node["memory"] = std::move(memory);

  json::array pods;
  const std::vector<StatsSampler::Measured>& all = stats.containers();
  for (auto from = all.begin(); from != all.end();) {
    auto to = from;
    while (to != all.end() && to->now.pod_uid == from->now.pod_uid &&
           to->now.pod_name == from->now.pod_name && to->now.pod_ns == from->now.pod_ns) {
      ++to;
    }
    pods.push_back(pod_json(std::span(from, to)));
    from = to;
  }
  json::object out;
  out["node"] = std::move(node);
  out["pods"] = std::move(pods);
  return json::serialize(out) + "\n";
}

std::string resource_metrics(const StatsSampler& stats) {
  std::string out;
  Family cpu(out, "container_cpu_usage_seconds_total", "counter",
             "Cumulative cpu time consumed by the container in core-seconds");
  for (const auto& it : stats.containers())
    cpu.add(labels_of(it.now), seconds_text(it.now.reading.cpu_ns));
  Family memory(out, "container_memory_working_set_bytes", "gauge",
                "Current working set of the container in bytes");
  for (const auto& it : stats.containers()) {
    memory.add(labels_of(it.now), std::to_string(it.now.reading.working_set_bytes));
  }
  Family started(out, "container_start_time_seconds", "gauge",
                 "Start time of the container since unix epoch in seconds");
  for (const auto& it : stats.containers()) {
    if (it.now.started_at != WallTime())
      started.add(labels_of(it.now), seconds_text(it.now.started_at.unix_ns));
  }
  const Reading& machine = stats.machine().now.reading;
  Family(out, "node_cpu_usage_seconds_total", "counter",
         "Cumulative cpu time consumed by the node in core-seconds")
      .add("", seconds_text(machine.cpu_ns));
  Family(out, "node_memory_working_set_bytes", "gauge", "Current working set of the node in bytes")
      .add("", std::to_string(machine.working_set_bytes));
  Family(out, "resource_scrape_error", "gauge",
         "1 if there was an error while getting container metrics, 0 otherwise")
      .add("", std::string(stats.failing() ? "1" : "0"));
  return out;
}

std::string endpoint_metrics(const std::string& node, const http::ServerStats& server,
                             const RequestCounts& requests) {
  std::string out;
  Family(out, "kubelet_node_name", "gauge", "The node's name. The count is always 1.")
      .add(label("node", node), 1);
  Family counts(out, "kubelet_http_requests_total", "counter",
                "Number of the http requests received since the server started");
  for (const auto& [path, count] : requests) counts.add(label("path", path), count);
  Family(out, "keelson_node_open_streams", "gauge",
         "Streams that API servers have open to this node.")
      .add("", server.streams);
  Family(out, "keelson_node_connections", "gauge", "Open connections to the node's endpoint.")
      .add("", server.connections);
  Family(out, "keelson_node_refused_streams_total", "counter",
         "Streams refused because too many were open.")
      .add("", server.refused_streams);
  return out + host::own_process_metrics();
}

std::string runtime_metrics(const StatsSampler& stats) {
  std::set<std::string> pods;
  for (const auto& it : stats.containers()) pods.insert(it.now.pod_uid);
  std::string out;
  Family(out, "kubelet_running_containers", "gauge", "Number of containers currently running")
      .add("container_state=\"running\"", stats.containers().size());
  Family(out, "kubelet_running_pods", "gauge", "Number of pods that have a running pod sandbox")
      .add("", pods.size());
  Family(out, "keelson_node_stats_failures_total", "counter",
         "Readings of the machine or its containers that failed.")
      .add("", stats.failures());
  return out;
}

}  // namespace keelson::node
