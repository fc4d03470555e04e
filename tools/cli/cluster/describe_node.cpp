// Nodes, as describe prints them: what they are, what runs there and how much of them is asked for.
#include <algorithm>
#include <map>

#include "core/api/quantity.hpp"
#include "tools/cli/cluster/describe.hpp"
#include "tools/cli/cluster/human.hpp"

namespace keelson::cli {

namespace {

using api::QuantityValue;
using Amounts = std::map<std::string, QuantityValue>;

QuantityValue quantity(const Json& value) {
  const auto parsed = QuantityValue::parse(scalar_text(value));
  return parsed ? *parsed : QuantityValue();
}

void add(Amounts& to, const JsonObject& amounts) {
  for (const auto& one : amounts) {
    const auto [at, fresh] = to.emplace(std::string(view(one.key())), quantity(one.value()));
    if (!fresh) at->second = at->second + quantity(one.value());
  }
}

// What a pod asks for: its containers together, or the largest of its init containers.
Amounts asked_for(const Json& pod, const std::string& kind) {
  Amounts out;
  for (const Json& container : list_at(pod, "spec.containers"))
    add(out, map_at(container, "resources." + kind));
  for (const Json& container : list_at(pod, "spec.initContainers")) {
    for (const auto& one : map_at(container, "resources." + kind)) {
      QuantityValue& now = out[std::string(view(one.key()))];
      now = std::max(now, quantity(one.value()));
    }
  }
  add(out, map_at(pod, "spec.overhead"));
  return out;
}

QuantityValue amount(const Amounts& amounts, const std::string& name) {
  const auto at = amounts.find(name);
  return at == amounts.end() ? QuantityValue() : at->second;
}

// "250m (6%)" of what the node has.
std::string share(const QuantityValue& part, const QuantityValue& whole, bool milli) {
  const int64_t of = milli ? whole.milli_value() : whole.value();
  const int64_t is = milli ? part.milli_value() : part.value();
  return fmt::format("{} ({}%)", part.to_string(),
                     of > 0 ? static_cast<int64_t>(double(is) / double(of) * 100) : 0);
}

std::string roles(const Json& node) {
  constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
  std::vector<std::string> names;
  for (const auto& [key, value] : sorted_members(map_at(node, "metadata.labels"))) {
    if (key.starts_with(kPrefix) && key.size() > kPrefix.size())
      names.push_back(key.substr(kPrefix.size()));
    if (key == "kubernetes.io/role" && !scalar_text(*value).empty())
      names.push_back(scalar_text(*value));
  }
  std::sort(names.begin(), names.end());
  return or_none(fmt::format("{}", fmt::join(names, ",")));
}

void taints(Page& page, const JsonArray& list) {
  page.raw("Taints:\t");
  if (list.empty()) page.raw("<none>\n");
  const char* before = "";
  for (const Json& taint : list) {
    const std::string value = text_at(taint, "value");
    page.raw(fmt::format("{}{}{}:{}\n", before, text_at(taint, "key"),
                         value.empty() ? "" : "=" + value, text_at(taint, "effect")));
    before = "\t";
  }
}

void lease(Session& session, Page& page, const std::string& name) {
  const Resource leases{
      .group = "coordination.k8s.io", .version = "v1", .plural = "leases", .namespaced = true};
  auto reply = session.api.call({.path = leases.path("kube-node-lease", name)});
  if (!reply || reply->status >= 400) {
    page.line(0, "Lease:\tFailed to get lease: leases.coordination.k8s.io \"{}\" not found", name);
    return;
  }
  const Json found = parse_tree(reply->body);
  page.line(0, "Lease:");
  page.line(1, "HolderIdentity:\t{}", text_at(found, "spec.holderIdentity", "<unset>"));
  for (const auto& [title, path] :
       {std::pair{"AcquireTime", "spec.acquireTime"}, std::pair{"RenewTime", "spec.renewTime"}}) {
    const std::string time = long_time(text_at(found, path));
    page.line(1, "{}:\t{}", title, time.empty() ? "<unset>" : time);
  }
}

void system_info(Page& page, const Json& node) {
  page.line(0, "System Info:");
  for (const auto& [title, name] :
       {std::pair{"Machine ID", "machineID"}, std::pair{"System UUID", "systemUUID"},
        std::pair{"Boot ID", "bootID"}, std::pair{"Kernel Version", "kernelVersion"},
        std::pair{"OS Image", "osImage"}, std::pair{"Operating System", "operatingSystem"},
        std::pair{"Architecture", "architecture"},
        std::pair{"Container Runtime Version", "containerRuntimeVersion"},
        std::pair{"Kubelet Version", "kubeletVersion"},
        std::pair{"Kube-Proxy Version", "kubeProxyVersion"}}) {
    page.line(1, "{}:\t{}", title, text_at(node, std::string("status.nodeInfo.") + name));
  }
}

void pods_and_sums(Page& page, const Json& node, const JsonArray& pods) {
  Amounts has;
  add(has,
      map_at(node, find(node, "status.allocatable") ? "status.allocatable" : "status.capacity"));
  const QuantityValue cpu = amount(has, "cpu"), memory = amount(has, "memory");
  Amounts requests, limits;
  const auto sum = [](Amounts& to, const Amounts& more) {
    for (const auto& [name, value] : more) {
      const auto [at, fresh] = to.emplace(name, value);
      if (!fresh) at->second = at->second + value;
    }
  };
  page.line(0, "Non-terminated Pods:\t({} in total)", pods.size());
  page.line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge");
  page.line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---");
  for (const Json& pod : pods) {
    const Amounts asked = asked_for(pod, "requests"), limit = asked_for(pod, "limits");
    page.line(1, "{}\t{}\t\t{}\t{}\t{}\t{}\t{}", text_at(pod, "metadata.namespace"),
              text_at(pod, "metadata.name"), share(amount(asked, "cpu"), cpu, true),
              share(amount(limit, "cpu"), cpu, true), share(amount(asked, "memory"), memory, false),
              share(amount(limit, "memory"), memory, false),
              age(text_at(pod, "metadata.creationTimestamp"), page.now()));
    sum(requests, asked);
    sum(limits, limit);
  }
  page.line(0,
            "Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)");
  page.line(1, "Resource\tRequests\tLimits");
  page.line(1, "--------\t--------\t------");
  const auto shares = [&](const std::string& name) {
    const QuantityValue whole = amount(has, name);
    const bool milli = name == "cpu";
    page.line(1, "{}\t{}\t{}", name, share(amount(requests, name), whole, milli),
              share(amount(limits, name), whole, milli));
  };
  for (const char* name : {"cpu", "memory", "ephemeral-storage"}) shares(name);
  for (const auto& [name, whole] : has) {
    if (name.starts_with("hugepages-")) shares(name);
    if (name.find('/') == std::string::npos) continue;
    page.line(1, "{}\t{}\t{}", name, amount(requests, name).to_string(),
              amount(limits, name).to_string());
  }
}

}  // namespace

Status describe_node(Session& session, Page& page, const Json& node) {
  const std::string name = text_at(node, "metadata.name");
  page.line(0, "Name:\t{}", name);
  page.line(0, "Roles:\t{}", roles(node));
  page.labels("Labels", map_at(node, "metadata.labels"));
  page.annotations("Annotations", map_at(node, "metadata.annotations"));
  page.line(0, "CreationTimestamp:\t{}", long_time(text_at(node, "metadata.creationTimestamp")));
  taints(page, list_at(node, "spec.taints"));
  page.line(0, "Unschedulable:\t{}", true_at(node, "spec.unschedulable"));
  lease(session, page, name);
  const JsonArray& conditions = list_at(node, "status.conditions");
  if (!conditions.empty()) {
    page.line(
        0, "Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage");
    page.line(1, "----\t------\t-----------------\t------------------\t------\t-------");
  }
  for (const Json& one : conditions) {
    page.line(1, "{} \t{} \t{} \t{} \t{} \t{}", text_at(one, "type"), text_at(one, "status"),
              long_time(text_at(one, "lastHeartbeatTime")),
              long_time(text_at(one, "lastTransitionTime")), text_at(one, "reason"),
              text_at(one, "message"));
  }
  page.line(0, "Addresses:");
  for (const Json& one : list_at(node, "status.addresses"))
    page.line(1, "{}:\t{}", text_at(one, "type"), text_at(one, "address"));
  for (const auto& [title, path] :
       {std::pair{"Capacity", "status.capacity"}, std::pair{"Allocatable", "status.allocatable"}}) {
    const JsonObject& amounts = map_at(node, path);
    if (!amounts.empty()) page.line(0, "{}:", title);
    for (const auto& [resource, value] : sorted_members(amounts))
      page.line(1, "{}:\t{}", resource, scalar_text(*value));
  }
  system_info(page, node);
  if (const auto cidr = text_at(node, "spec.podCIDR"); !cidr.empty())
    page.line(0, "PodCIDR:\t{}", cidr);
  std::string cidrs;
  for (const Json& one : list_at(node, "spec.podCIDRs"))
    cidrs += (cidrs.empty() ? "" : ",") + scalar_text(one);
  if (!cidrs.empty()) page.line(0, "PodCIDRs:\t{}", cidrs);
  if (const auto id = text_at(node, "spec.providerID"); !id.empty())
    page.line(0, "ProviderID:\t{}", id);
  const Resource pods{.group = "", .version = "v1", .plural = "pods", .namespaced = true};
  auto list = session.list(
      pods.path(""),
      "fieldSelector=" +
          encode_query("spec.nodeName=" + name + ",status.phase!=Succeeded,status.phase!=Failed"));
  if (!list) return list.error();
  pods_and_sums(page, node, list_at(*list, "items"));
  return {};
}

}  // namespace keelson::cli
