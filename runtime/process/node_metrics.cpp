#include "runtime/process/node_metrics.hpp"

#include <map>

#include "core/base/exposition.hpp"

namespace keelson::runtime {

std::string node_metrics(const NodeMetricsSources& sources) {
  std::string out;
  {
    // All phases, so that a sample does not vanish with its last pod.
    std::map<std::string, uint64_t> phases = {
        {"Pending", 0}, {"Running", 0}, {"Succeeded", 0}, {"Failed", 0}};
    uint64_t ready = 0;
    for (const api::Ref<api::Pod>& pod : sources.pods) {
      ++phases[pod->status().phase().empty() ? "Pending" : pod->status().phase()];
      for (const auto& condition : pod->status().conditions()) {
        ready += condition.type() == "Ready" && condition.status() == "True";
      }
    }
    Family pods(out, "keelson_node_pods", "gauge", "Pods that are bound to this node, by phase.");
    for (const auto& [phase, count] : phases) pods.add(label("phase", phase), count);
    Family(out, "keelson_node_pods_ready", "gauge", "Pods of this node that are Ready.").add(ready);
  }
  Family commits(out, "keelson_nftables_commits_total", "counter",
                 "Changes of a table of rules that the kernel has taken.");
  for (const network::NftTable* table : sources.tables) {
    commits.add(label("table", table->name()), table->commits());
  }
  Family rebuilds(
      out, "keelson_nftables_rebuilds_total", "counter",
      "How often a table of rules was made anew, since it was not as it had been left.");
  for (const network::NftTable* table : sources.tables) {
    rebuilds.add(label("table", table->name()), table->rebuilds());
  }
  if (sources.dns) {
    const network::DnsCounters& dns = sources.dns->counters();
    Family(out, "keelson_dns_queries_total", "counter", "Questions that pods have asked.")
        .add(dns.queries);
    Family(out, "keelson_dns_answers_total", "counter", "Questions by what became of them.")
        .add(label("by", "cluster"), dns.answered)
        .add(label("by", "upstream"), dns.forwarded)
        .add(label("by", "failure"), dns.failed)
        .add(label("by", "dropped"), dns.dropped);
  }
  return out;
}

}  // namespace keelson::runtime
