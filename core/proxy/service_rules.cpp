#include "core/proxy/service_rules.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace keelson::proxy {
namespace {

// Clients remembered for session affinity. Beyond this, those that have expired are forgotten, and
// if that is not enough, new ones are not remembered.
constexpr std::size_t kSessionsMax = 65536;

const std::string* service_of(const api::Object& slice) {
  const auto& labels = slice.meta().labels();
  const auto it = labels.find("kubernetes.io/service-name");
  return it == labels.end() ? nullptr : &it->second;
}

// Calls visit(ip, port index, external) for each front; an empty ip stands for the node's own.
template <class Visit>
void visit_fronts(const ServiceTable& table, const Visit& visit) {
  static const std::string own;
  for (std::size_t i = 0; i < table.ports.size(); ++i) {
    for (const std::string& ip : table.cluster_ips) visit(ip, i, false);
    if (table.cluster_ips.empty()) continue;  // headless and aliases are for DNS alone
    for (const std::string& ip : table.external_ips) visit(ip, i, true);
    if (table.ports[i].node_port != 0) visit(own, i, true);
  }
}

bool same_fronts(const ServiceTable& a, const ServiceTable& b) {
  return a.cluster_ips == b.cluster_ips && a.external_ips == b.external_ips &&
         std::equal(a.ports.begin(), a.ports.end(), b.ports.begin(), b.ports.end(),
                    [](const PortTable& x, const PortTable& y) {
                      return x.port == y.port && x.node_port == y.node_port &&
                             x.protocol == y.protocol;
                    });
}

std::string joined(const std::string& ip, int32_t port) {
  return (is_ipv6(ip) ? "[" + ip + "]" : ip) + ":" + std::to_string(port);
}

uint64_t backend_id(const ServiceTable& table, const Target& target) {
  const Endpoint& endpoint = table.endpoints[target.endpoint];
  const uint64_t id = hash_combine(hash_bytes(endpoint.uid, hash_bytes(endpoint.ip)),
                                   static_cast<uint64_t>(target.port));
  return id == 0 ? 1 : id;  // zero means none
}

}  // namespace

// --- Rules as text -------------------------------------------------------------------------------

std::vector<Rule> rules_of(const ServiceTable& table) {
  std::vector<Rule> rules;
  visit_fronts(table, [&](const std::string& ip, std::size_t index, bool) {
    const PortTable& port = table.ports[index];
    const std::string front =
        joined(ip, ip.empty() ? port.node_port : port.port) + "/" + port.protocol;
    for (const Target& target : port.ready.empty() ? port.terminating : port.ready) {
      const std::string& backend = table.endpoints[target.endpoint].ip;
      if (table.dual_stack && !ip.empty() && is_ipv6(ip) != is_ipv6(backend)) continue;
      rules.push_back({front, joined(backend, target.port)});
    }
  });
  std::sort(rules.begin(), rules.end());
  return rules;
}

namespace {

std::vector<Rule> minus(const TablePtr& from, const TablePtr& what) {
  const std::vector<Rule> a = from ? rules_of(*from) : std::vector<Rule>();
  const std::vector<Rule> b = what ? rules_of(*what) : std::vector<Rule>();
  std::vector<Rule> difference;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(difference));
  return difference;
}

}  // namespace

std::vector<Rule> RuleChange::added() const { return minus(after, before); }
std::vector<Rule> RuleChange::removed() const { return minus(before, after); }

// --- Feeding -------------------------------------------------------------------------------------

ServiceRules::ServiceRules(std::string node, std::shared_ptr<TableCache> cache)
    : node_(std::move(node)), cache_(cache ? std::move(cache) : std::make_shared<TableCache>()) {}

void ServiceRules::on_change(std::function<void(const RuleChange&)> listener) {
  listener_ = std::move(listener);
}

void ServiceRules::on_service(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  const api::Object& any = after ? *after : *before;
  Key key{any.ns(), any.name()};
  entries_[key].service = after;
  dirty_.insert(std::move(key));
}

void ServiceRules::on_slice(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  const auto by_name = [](const api::ObjectPtr& slice, const std::string& name) {
    return slice->name() < name;
  };
  const std::string* old_service = before ? service_of(*before) : nullptr;
  const std::string* new_service = after ? service_of(*after) : nullptr;
  if (old_service && (!new_service || *new_service != *old_service)) {
    Key key{before->ns(), *old_service};
    std::vector<api::ObjectPtr>& slices = entries_[key].slices;
    const auto at = std::lower_bound(slices.begin(), slices.end(), before->name(), by_name);
    if (at != slices.end() && (*at)->name() == before->name()) slices.erase(at);
    dirty_.insert(std::move(key));
  }
  if (!new_service) return;
  Key key{after->ns(), *new_service};
  std::vector<api::ObjectPtr>& slices = entries_[key].slices;
  const auto at = std::lower_bound(slices.begin(), slices.end(), after->name(), by_name);
  if (at != slices.end() && (*at)->name() == after->name()) {
    *at = after;
  } else {
    slices.insert(at, after);
  }
  dirty_.insert(std::move(key));
}

void ServiceRules::sync() {
  if (dirty_.empty()) return;
  struct Swap {
    Key key;
    TablePtr before;
    bool fronts_changed;
  };
  std::vector<Swap> swaps;
  bool given_up = false;
  // First all addresses that are given up, then all that are taken: one may change hands.
  for (const Key& key : std::exchange(dirty_, {})) {
    const auto it = entries_.find(key);
    if (it == entries_.end()) continue;
    Entry& entry = it->second;
    const TablePtr before = entry.table;
    TablePtr after = entry.service ? cache_->get(entry.service, entry.slices) : nullptr;
    if (before == after && entry.service) continue;
    const bool fronts_changed = !before || !after || !same_fronts(*before, *after);
    if (fronts_changed) remove_fronts(entry);
    given_up = given_up || (fronts_changed && before);
    entry.table = std::move(after);
    swaps.push_back({key, before, fronts_changed});
  }
  for (const Swap& swap : swaps) {
    const auto it = entries_.find(swap.key);
    if (swap.fronts_changed) add_fronts(swap.key, it->second);
    const TablePtr after = it->second.table;
    if (!it->second.service && it->second.slices.empty()) entries_.erase(it);
    if (listener_ && swap.before != after) listener_({swap.before, after});
  }
  if (!given_up) return;
  for (const Key& key : std::exchange(shadowed_, {})) {
    const auto it = entries_.find(key);
    if (it != entries_.end()) add_fronts(key, it->second);
  }
}

uint64_t ServiceRules::front_key(const std::string& ip, int32_t port,
                                 const std::string& protocol) {
  return hash_combine(hash_bytes(protocol, hash_bytes(ip)), static_cast<uint64_t>(port));
}

void ServiceRules::add_fronts(const Key& key, Entry& entry) {
  if (!entry.table) return;
  visit_fronts(*entry.table, [&](const std::string& ip, std::size_t index, bool external) {
    const PortTable& port = entry.table->ports[index];
    const uint64_t at = front_key(ip, ip.empty() ? port.node_port : port.port, port.protocol);
    // An address that two services claim stays with the first until that one gives it up.
    const auto [front, added] =
        fronts_.try_emplace(at, Front{&entry, static_cast<uint16_t>(index), external});
    if (!added && front->second.entry != &entry) shadowed_.insert(key);
  });
}

void ServiceRules::remove_fronts(const Entry& entry) {
  if (!entry.table) return;
  visit_fronts(*entry.table, [&](const std::string& ip, std::size_t index, bool) {
    const PortTable& port = entry.table->ports[index];
    const auto it =
        fronts_.find(front_key(ip, ip.empty() ? port.node_port : port.port, port.protocol));
    if (it != fronts_.end() && it->second.entry == &entry) fronts_.erase(it);
  });
}

// --- Routing -------------------------------------------------------------------------------------

const Target* ServiceRules::pick(const ServiceTable& table, const std::vector<Target>& targets,
                                 Limits limits, uint64_t sticky, Rng& rng) const {
  const bool choosy = limits.local_only || table.dual_stack;
  const auto usable = [&](const Target& target) {
    const Endpoint& endpoint = table.endpoints[target.endpoint];
    return (!limits.local_only || endpoint.node == node_) &&
           (!table.dual_stack || is_ipv6(endpoint.ip) == limits.ipv6);
  };
  if (sticky != 0) {
    for (const Target& target : targets) {
      if (usable(target) && backend_id(table, target) == sticky) return &target;
    }
  }
  const auto count =
      choosy ? static_cast<std::size_t>(std::count_if(targets.begin(), targets.end(), usable))
             : targets.size();
  if (count == 0) return nullptr;
  uint64_t chosen = rng.below(count);
  if (!choosy) return &targets[chosen];
  for (const Target& target : targets) {
    if (usable(target) && chosen-- == 0) return &target;
  }
  return nullptr;
}

Route ServiceRules::route(const Flow& flow, Instant now, Rng& rng) {
  sync();
  Route route;
  const auto it = fronts_.find(front_key(flow.ip, flow.port, flow.protocol));
  if (it == fronts_.end()) return route;
  const Front& front = it->second;
  const TablePtr& table = front.entry->table;
  const PortTable& port = table->ports[front.port];
  const auto is = [&](const std::string& ip) { return ip == flow.ip; };
  const bool same_ip =
      flow.ip.empty() ||
      std::any_of(table->cluster_ips.begin(), table->cluster_ips.end(), is) ||
      std::any_of(table->external_ips.begin(), table->external_ips.end(), is);
  if (!same_ip || port.protocol != flow.protocol ||
      (flow.ip.empty() ? port.node_port : port.port) != flow.port) {
    return route;
  }
  route.table = table;
  Limits limits;
  limits.local_only =
      front.external ? table->local_only_outside && flow.from_outside : table->local_only_inside;
  limits.ipv6 = table->dual_stack && is_ipv6(flow.ip.empty() ? flow.client_ip : flow.ip);
  uint64_t session = 0, sticky = 0;
  if (table->affinity > Duration::zero()) {
    session = hash_bytes(flow.client_ip,
                         hash_combine(hash_bytes(table->uid), front.port));
    sticky = session_backend(session, table->affinity, now);
  }
  const Target* target = pick(*table, port.ready, limits, sticky, rng);
  if (!target) target = pick(*table, port.terminating, limits, sticky, rng);
  if (!target) {
    const bool elsewhere = limits.local_only && (!port.ready.empty() || !port.terminating.empty());
    route.outcome = elsewhere ? Route::Outcome::no_local : Route::Outcome::no_endpoints;
    return route;
  }
  route.outcome = Route::Outcome::routed;
  route.endpoint = &table->endpoints[target->endpoint];
  route.port = target->port;
  route.hairpin = route.endpoint->ip == flow.client_ip;
  if (session != 0) {
    const uint64_t backend = backend_id(*table, *target);
    route.sticky = backend == sticky;
    remember(session, backend, table->affinity, now);
  }
  return route;
}

uint64_t ServiceRules::session_backend(uint64_t key, Duration timeout, Instant now) const {
  const auto it = sessions_.find(key);
  return it != sessions_.end() && now - it->second.last < timeout ? it->second.backend : 0;
}

void ServiceRules::remember(uint64_t key, uint64_t backend, Duration timeout, Instant now) {
  const auto it = sessions_.find(key);
  if (it != sessions_.end()) {
    it->second = {backend, now};
    return;
  }
  if (sessions_.size() >= kSessionsMax) {
    boost::unordered::erase_if(sessions_, [&](const auto& session) {
      return now - session.second.last >= timeout;
    });
    if (sessions_.size() >= kSessionsMax) return;
  }
  sessions_.emplace(key, Session{backend, now});
}

TablePtr ServiceRules::find(const std::string& ns, const std::string& name) {
  sync();
  const auto it = entries_.find({ns, name});
  return it == entries_.end() ? nullptr : it->second.table;
}

TablePtr ServiceRules::find_address(const std::string& ip) {
  sync();
  for (const auto& [key, entry] : entries_) {
    if (!entry.table) continue;
    const auto& ips = entry.table->cluster_ips;
    if (std::find(ips.begin(), ips.end(), ip) != ips.end()) return entry.table;
  }
  return nullptr;
}

TablePtr ServiceRules::find_endpoint(const std::string& ip) {
  sync();
  for (const auto& [key, entry] : entries_) {
    if (!entry.table || !entry.table->headless) continue;
    for (const Endpoint& endpoint : entry.table->endpoints) {
      if (endpoint.ready && endpoint.ip == ip) return entry.table;
    }
  }
  return nullptr;
}

}  // namespace keelson::proxy
