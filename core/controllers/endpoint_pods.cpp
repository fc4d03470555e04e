#include "core/controllers/endpoint_pods.hpp"

#include <algorithm>
#include <set>

#include "core/controllers/node_health.hpp"

namespace keelson::controllers {

// --- ServiceIndex --------------------------------------------------------------------------------

ServiceIndex::Selector ServiceIndex::selector_of(const api::Object& service) {
  const auto& message = service.as<api::Service>();
  if (!selects_pods(message)) return {};
  Selector selector(message.spec().selector().begin(), message.spec().selector().end());
  std::sort(selector.begin(), selector.end());
  return selector;
}

std::string ServiceIndex::term(const std::string& ns, const std::string& key,
                               const std::string& value) {
  std::string term;
  term.reserve(ns.size() + key.size() + value.size() + 2);
  return term.append(ns).append(1, '\0').append(key).append(1, '\0').append(value);
}

void ServiceIndex::apply(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  if (before) {
    if (const Selector selector = selector_of(*before); !selector.empty()) {
      const auto filed =
          by_pair_.find(term(before->ns(), selector.front().first, selector.front().second));
      if (filed != by_pair_.end()) {
        filed->second.erase(before->name());
        if (filed->second.empty()) by_pair_.erase(filed);
      }
    }
  }
  if (!after) return;
  Selector selector = selector_of(*after);
  if (selector.empty()) return;
  const std::string filed_under =
      term(after->ns(), selector.front().first, selector.front().second);
  by_pair_[filed_under][after->name()] = std::move(selector);
}

void ServiceIndex::visit(const std::string& ns, const api::Labels& labels,
                         const std::function<void(const std::string&)>& visitor) const {
  std::vector<std::pair<std::string, std::string>> sorted(labels.begin(), labels.end());
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [key, value] : sorted) {
    const auto filed = by_pair_.find(term(ns, key, value));
    if (filed == by_pair_.end()) continue;
    for (const auto& [name, selector] : filed->second) {
      const bool matches = std::all_of(selector.begin(), selector.end(), [&](const auto& pair) {
        const auto label = labels.find(pair.first);
        return label != labels.end() && label->second == pair.second;
      });
      if (matches) visitor(name);
    }
  }
}

// --- Changes -------------------------------------------------------------------------------------

namespace {

bool has_ended(const api::Pod& pod) {
  return pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed";
}

bool equally_labelled(const api::Pod& a, const api::Pod& b) {
  const auto& left = a.metadata().labels();
  const auto& right = b.metadata().labels();
  if (left.size() != right.size()) return false;
  return std::all_of(left.begin(), left.end(), [&](const auto& label) {
    const auto it = right.find(label.first);
    return it != right.end() && it->second == label.second;
  });
}

}  // namespace

bool differs_for_endpoints(const api::Pod& before, const api::Pod& after) {
  if (before.metadata().uid() != after.metadata().uid() || has_ended(before) != has_ended(after) ||
      pod_ready(before) != pod_ready(after) ||
      before.metadata().has_deletion_timestamp() != after.metadata().has_deletion_timestamp() ||
      before.spec().node_name() != after.spec().node_name() ||
      before.status().pod_ip() != after.status().pod_ip() ||
      before.status().pod_ips_size() != after.status().pod_ips_size() ||
      !equally_labelled(before, after)) {
    return true;
  }
  for (int i = 0; i < after.status().pod_ips_size(); ++i) {
    if (before.status().pod_ips(i).ip() != after.status().pod_ips(i).ip()) return true;
  }
  return false;
}

void services_concerned(const ServiceIndex& index, const api::ObjectPtr& before,
                        const api::ObjectPtr& after,
                        const std::function<void(const std::string&)>& visitor) {
  // A pod without an address is in no service; it will be seen again when it gets one.
  const auto has_address = [](const api::ObjectPtr& pod) {
    return pod && !pod->as<api::Pod>().status().pod_ip().empty();
  };
  if (!has_address(before) && !has_address(after)) return;
  if (before && after) {
    const auto& old_pod = before->as<api::Pod>();
    const auto& new_pod = after->as<api::Pod>();
    if (!differs_for_endpoints(old_pod, new_pod)) return;
    if (!equally_labelled(old_pod, new_pod)) index.visit(before->ns(), before->meta().labels(), visitor);
  }
  const api::ObjectPtr& pod = after ? after : before;
  index.visit(pod->ns(), pod->meta().labels(), visitor);
}

// --- Services and pods ---------------------------------------------------------------------------

bool selects_pods(const api::Service& service) {
  return service.spec().selector_size() > 0 && service.spec().type() != "ExternalName";
}

bool headless(const api::Service& service) { return service.spec().cluster_ip() == "None"; }

std::vector<std::string> families_of(const api::Service& service) {
  std::vector<std::string> families(service.spec().ip_families().begin(),
                                    service.spec().ip_families().end());
  if (families.empty()) {
    const bool six = service.spec().cluster_ip().find(':') != std::string::npos;
    families.push_back(six ? "IPv6" : "IPv4");
  }
  return families;
}

namespace {

std::string address_of(const api::Pod& pod, std::string_view family) {
  const auto fits = [&](const std::string& ip) {
    return !ip.empty() && (ip.find(':') != std::string::npos) == (family == "IPv6");
  };
  for (const auto& ip : pod.status().pod_ips()) {
    if (fits(ip.ip())) return ip.ip();
  }
  return fits(pod.status().pod_ip()) ? pod.status().pod_ip() : std::string();
}

// An address may be handed on before the pod that had it has left the API. It belongs to the one
// that stays; only pods of the host's network share theirs rightfully.
void drop_superseded(std::vector<EndpointPod>& pods) {
  if (std::none_of(pods.begin(), pods.end(), [](const auto& p) { return p.terminating; })) return;
  std::set<std::string> taken;
  for (const EndpointPod& p : pods) {
    if (!p.terminating && !p.pod->spec().host_network()) taken.insert(p.ip);
  }
  std::erase_if(pods, [&](const EndpointPod& p) {
    return p.terminating && !p.pod->spec().host_network() && taken.contains(p.ip);
  });
}

const api::ContainerPort* find_port(const api::Pod& pod, const std::string& name,
                                    const std::string& protocol) {
  const auto search = [&](const api::Container& container) -> const api::ContainerPort* {
    for (const auto& port : container.ports()) {
      const std::string& spoken = port.protocol().empty() ? "TCP" : port.protocol();
      if (port.name() == name && spoken == protocol) return &port;
    }
    return nullptr;
  };
  for (const auto& container : pod.spec().containers()) {
    if (const auto* port = search(container)) return port;
  }
  // Sidecars: init containers that keep running (KEP-753).
  for (const auto& container : pod.spec().init_containers()) {
    if (container.restart_policy() != "Always") continue;
    if (const auto* port = search(container)) return port;
  }
  return nullptr;
}

EndpointPortNumber described(const api::ServicePort& port) {
  return {port.name(), port.protocol().empty() ? "TCP" : port.protocol(), port.app_protocol(), 0};
}

bool named(const api::ServicePort& port) { return port.target_port().type() == 1; }

int32_t fixed_number(const api::ServicePort& port) {
  return port.target_port().int_val() != 0 ? port.target_port().int_val() : port.port();
}

}  // namespace

std::vector<EndpointPod> endpoint_pods(const View& view, const api::Service& service,
                                       std::string_view family) {
  const std::string& ns = service.metadata().namespace_();
  std::vector<EndpointPod> found;
  for (auto& pod :
       view.select<api::Pod>(ns, api::LabelSelectorMatcher::from_set(service.spec().selector()))) {
    if (has_ended(*pod)) continue;
    EndpointPod entry;
    entry.ip = address_of(*pod, family);
    if (entry.ip.empty()) continue;
    entry.serving = pod_ready(*pod);
    entry.terminating = pod.object().deleting();
    entry.ready = service.spec().publish_not_ready_addresses() ||
                  (entry.serving && !entry.terminating);
    if (!pod->spec().hostname().empty() &&
        pod->spec().subdomain() == service.metadata().name()) {
      entry.hostname = pod->spec().hostname();
    }
    entry.pod = std::move(pod);
    found.push_back(std::move(entry));
  }
  drop_superseded(found);
  return found;
}

std::vector<EndpointPortNumber> ports_of(const api::Service& service, const api::Pod& pod) {
  std::vector<EndpointPortNumber> ports;
  for (const api::ServicePort& port : service.spec().ports()) {
    EndpointPortNumber number = described(port);
    if (named(port)) {
      const api::ContainerPort* target =
          find_port(pod, port.target_port().str_val(), number.protocol);
      if (!target) continue;
      number.port = target->container_port();
    } else {
      number.port = fixed_number(port);
    }
    ports.push_back(std::move(number));
  }
  return ports;
}

}  // namespace keelson::controllers
