// top: what nodes and pods use, as the metrics API tells it.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/api/quantity.hpp"
#include "tools/cli/cluster/tabs.hpp"
#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

constexpr int64_t kMiB = 1024 * 1024;

struct Usage {
  int64_t cpu_milli = 0, memory_bytes = 0;
};

Usage usage_of(const JsonObject& amounts) {
  Usage out;
  const auto value = [&](const char* name) {
    const Json* text = amounts.if_contains(name);
    const auto parsed = api::QuantityValue::parse(text ? scalar_text(*text) : "0");
    return parsed ? *parsed : api::QuantityValue();
  };
  out.cpu_milli = value("cpu").milli_value();
  out.memory_bytes = value("memory").value();
  return out;
}

struct Row {
  std::string ns, name, container;
  Usage usage;
};

Status sort_rows(const Flags& flags, std::vector<Row>& rows) {
  const std::string by = flags.get("sort-by");
  if (!by.empty() && by != "cpu" && by != "memory")
    return usage_error("--sort-by accepts only cpu or memory");
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    if (by == "cpu" && a.usage.cpu_milli != b.usage.cpu_milli)
      return a.usage.cpu_milli > b.usage.cpu_milli;
    if (by == "memory" && a.usage.memory_bytes != b.usage.memory_bytes)
      return a.usage.memory_bytes > b.usage.memory_bytes;
    return std::tie(a.ns, a.name, a.container) < std::tie(b.ns, b.name, b.container);
  });
  return {};
}

Result<JsonArray> metrics(Session& session, const char* plural, const std::string& ns) {
  const auto known = session.discovery();
  if (!known) return known.error();
  const Resource* type = (*known)->find("metrics.k8s.io", plural);
  if (!type) return usage_error("Metrics API not available");
  const auto& args = session.flags.args();
  if (args.size() == 1) {
    auto one = session.get(type->path(ns, args[0]));
    if (!one) return one.error();
    return JsonArray{*one};
  }
  auto list = session.list(type->path(ns), selector_query(session.flags));
  if (!list) return list.error();
  return list_at(*list, "items");
}

Status top_nodes(Session& session) {
  auto items = metrics(session, "nodes", "");
  if (!items) return items.error();
  auto type = session.resource("nodes");
  if (!type) return type.error();
  auto nodes = session.list(type->path(""), "");
  if (!nodes) return nodes.error();
  std::map<std::string, Usage> all;
  for (const Json& node : list_at(*nodes, "items")) {
    all[text_at(node, "metadata.name")] = usage_of(map_at(node, "status.allocatable"));
  }
  std::vector<Row> rows;
  for (const Json& item : *items)
    rows.push_back({"", text_at(item, "metadata.name"), "", usage_of(map_at(item, "usage"))});
  if (auto ok = sort_rows(session.flags, rows); !ok) return ok;
  std::string text =
      session.flags.on("no-headers") ? "" : "NAME\tCPU(cores)\tCPU%\tMEMORY(bytes)\tMEMORY%\t\n";
  for (const Row& row : rows) {
    const Usage& of = all[row.name];
    const auto share = [](int64_t part, int64_t whole) {
      return whole > 0 ? fmt::format("{}%", part * 100 / whole) : std::string("<unknown>");
    };
    text += fmt::format("{}\t{}m\t{}\t{}Mi\t{}\t\n", row.name, row.usage.cpu_milli,
                        share(row.usage.cpu_milli, of.cpu_milli), row.usage.memory_bytes / kMiB,
                        share(row.usage.memory_bytes, of.memory_bytes));
    all.erase(row.name);
  }
  // Nodes that no figures are known of are shown, too.
  if (session.flags.args().empty() && !session.flags.has("selector")) {
    for (const auto& [name, ignored] : all)
      text += name + "\t<unknown>\t<unknown>\t<unknown>\t<unknown>\t\n";
  }
  session.io.out(align_tabs(text, {6, 3}));
  return {};
}

Status top_pods(Session& session) {
  const std::string ns = session.all_namespaces() ? "" : session.ns;
  auto items = metrics(session, "pods", ns);
  if (!items) return items.error();
  const bool by_container = session.flags.on("containers");
  std::vector<Row> rows;
  for (const Json& item : *items) {
    Row pod{text_at(item, "metadata.namespace"), text_at(item, "metadata.name"), "", {}};
    for (const Json& container : list_at(item, "containers")) {
      const Usage usage = usage_of(map_at(container, "usage"));
      if (by_container) rows.push_back({pod.ns, pod.name, text_at(container, "name"), usage});
      pod.usage.cpu_milli += usage.cpu_milli;
      pod.usage.memory_bytes += usage.memory_bytes;
    }
    if (!by_container) rows.push_back(std::move(pod));
  }
  if (rows.empty()) {
    session.io.err(ns.empty() ? "No resources found\n"
                              : fmt::format("No resources found in {} namespace.\n", ns));
    return {};
  }
  if (auto ok = sort_rows(session.flags, rows); !ok) return ok;
  std::string text;
  const bool with_namespace = ns.empty();
  if (!session.flags.on("no-headers")) {
    text = std::string(with_namespace ? "NAMESPACE\t" : "") +
           (by_container ? "POD\tNAME\t" : "NAME\t") + "CPU(cores)\tMEMORY(bytes)\t\n";
  }
  for (const Row& row : rows) {
    if (with_namespace) text += row.ns + "\t";
    text += row.name + "\t";
    if (by_container) text += row.container + "\t";
    text += fmt::format("{}m\t{}Mi\t\n", row.usage.cpu_milli, row.usage.memory_bytes / kMiB);
  }
  session.io.out(align_tabs(text, {6, 3}));
  return {};
}

}  // namespace

std::vector<Verb> top_verbs() {
  const std::vector<FlagSpec> flags = {{"l,selector", "LABELS", "only those with these labels"},
                                       {"sort-by", "WHAT", "cpu or memory"},
                                       {"no-headers", "", "without the line of titles"}};
  auto pods = flags;
  pods.push_back({"A,all-namespaces", "", "in all namespaces"});
  pods.push_back({"containers", "", "one line for each container"});
  return {{"top nodes", "[NAME]", "what nodes use", flags, top_nodes},
          {"top node", "[NAME]", "what nodes use", flags, top_nodes},
          {"top pods", "[NAME]", "what pods use", pods, top_pods},
          {"top pod", "[NAME]", "what pods use", pods, top_pods}};
}

}  // namespace keelson::cli
