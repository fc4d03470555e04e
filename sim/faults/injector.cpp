#include <algorithm>

#include "sim/faults/fault.hpp"

namespace keelson::sim {

const FaultKind* find_fault(std::string_view name) {
  for (const FaultKind& kind : all_faults()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

bool FaultKind::takes(std::string_view parameter) const {
  for (std::string_view rest = parameters; !rest.empty();) {
    const std::size_t end = std::min(rest.find(", "), rest.size());
    if (rest.substr(0, end) == parameter) return true;
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return false;
}

Status check_fault(const FaultSpec& spec, const WorldOptions& options, bool more_nodes) {
  if (find_fault(spec.kind) == nullptr) {
    return {Code::invalid, "there is no fault \"" + spec.kind + "\" (see `keelson sim list`)"};
  }
  bool node_known = more_nodes || spec.node == "random", zone_known = spec.zone.empty();
  for (const NodePool& pool : options.pools) {
    zone_known = zone_known ||
                 std::find(pool.zones.begin(), pool.zones.end(), spec.zone) != pool.zones.end();
    if (pool.exact_name && spec.node == pool.prefix) node_known = true;
    if (!spec.node.starts_with(pool.prefix)) continue;
    const std::string number = spec.node.substr(pool.prefix.size());
    if (number.empty() || number.size() > 9 ||
        number.find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    const int value = std::stoi(number);
    node_known = node_known || (value >= 1 && value <= static_cast<int>(pool.count));
  }
  if (!node_known) return {Code::invalid, "there is no node \"" + spec.node + "\""};
  if (!zone_known) return {Code::invalid, "there is no zone \"" + spec.zone + "\""};
  if (spec.kind == "zone-loss" && spec.zone.empty()) {
    return {Code::invalid, "zone-loss needs a zone"};
  }
  if (!spec.role.empty() && spec.role != "controller-manager" && spec.role != "scheduler") {
    return {Code::invalid, "role \"" + spec.role + "\" is neither controller-manager nor scheduler"};
  }
  if (!spec.process.empty()) {
    const auto dash = spec.process.rfind('-');
    const std::string kind = spec.process.substr(0, dash);
    const std::string number = dash == std::string::npos ? "" : spec.process.substr(dash + 1);
    const uint32_t count = kind == "api"                  ? options.api_servers
                           : kind == "controller-manager" ? options.controller_managers
                           : kind == "scheduler"          ? options.schedulers
                                                          : 0;
    if (number.size() != 1 || number[0] < '0' || static_cast<uint32_t>(number[0] - '0') >= count) {
      return {Code::invalid, "there is no process \"" + spec.process + "\""};
    }
    const bool on_servers = spec.kind == "api-server-restart" || spec.kind == "watch-stall" ||
                            spec.kind == "stale-api-server";
    if (on_servers != (kind == "api")) {
      return {Code::invalid, spec.kind + " happens to " +
                                 (on_servers ? "API servers" : "their clients") + ", not to \"" +
                                 spec.process + "\""};
    }
  }
  if (!spec.process.empty() && !spec.role.empty()) {
    return {Code::invalid, "either process or role"};
  }
  // Only a clock can go back.
  constexpr Duration kLateMax = std::chrono::hours(24), kStepMax = std::chrono::hours(24 * 365);
  if (spec.kind == "clock-step") {
    if (spec.by == Duration::zero() || spec.by < -kStepMax || spec.by > kStepMax) {
      return {Code::invalid, "clock-step needs `by`: how far? (at most a year)"};
    }
  } else if (spec.by < Duration::zero() || spec.by > kLateMax) {
    return {Code::invalid, "`by` must be from 0s to a day"};
  } else if (spec.by == Duration::zero() && (spec.kind == "slow-watch" || spec.kind == "network-delay" ||
                                             spec.kind == "stale-api-server")) {
    return {Code::invalid, spec.kind + " needs `by`: how late?"};
  }
  if (spec.forever && spec.kind == "reboot") {
    return {Code::invalid, "a reboot ends; a node that does not return is a node-crash"};
  }
  return {};
}

Rng& Injector::rng(const std::string& kind) {
  const auto it = rngs_.find(kind);
  if (it != rngs_.end()) return it->second;
  return rngs_.emplace(kind, rng_.fork(kind)).first->second;
}

bool Injector::inject(const FaultSpec& spec) {
  if (stopped_) return false;
  const FaultKind* kind = find_fault(spec.kind);
  KEELSON_ASSERT(kind != nullptr);
  FaultContext context{world_, rng(spec.kind), spec, *this};
  ++injections_;
  const bool fired = kind->inject(context);
  Count& count = counts_[spec.kind];
  ++(fired ? count.fired : count.skipped);
  return fired;
}

void Injector::at_rate(FaultSpec spec, Duration mean, Instant from, Instant until) {
  counts_[spec.kind];  // listed even if it never fires
  world_.engine().schedule(from - world_.now(), world_.engine().world(),
                           [this, spec = std::move(spec), mean, until] {
                             schedule_next(spec, mean, until);
                           });
}

void Injector::schedule_next(FaultSpec spec, Duration mean, Instant until) {
  const Duration wait = rng(spec.kind).exponential(mean);
  if (stopped_ || world_.now() + wait > until) return;
  world_.engine().schedule(wait, world_.engine().world(),
                           [this, spec = std::move(spec), mean, until] {
                             if (stopped_) return;
                             inject(spec);
                             schedule_next(spec, mean, until);
                           });
}

void Injector::heal_later(const FaultSpec& spec, std::string what, std::function<void()> heal) {
  if (spec.forever && !keep_forever_) return;
  const uint64_t id = next_++;
  active_.emplace(id, Active{injections_, std::move(what), std::move(heal)});
  if (spec.forever) return;
  world_.engine().schedule(spec.lasts, world_.engine().world(), [this, id] {
    auto node = active_.extract(id);
    if (node.empty()) return;
    node.mapped().heal();
    if (!node.mapped().what.empty()) world_.note(Level::info, "fault", node.mapped().what);
  });
}

void Injector::hold(const FaultSpec& spec, const std::string& target, std::string what,
                    int64_t value, SetValue set) {
  const uint64_t number = next_++;
  held_[target].emplace(number, value);
  set(value);
  heal_later(spec, std::move(what), [this, target, number, set = std::move(set)] {
    auto& values = held_.at(target);
    values.erase(number);
    set(values.empty() ? std::nullopt : std::optional(values.rbegin()->second));
  });
}

bool Injector::lasts(uint64_t injection) const {
  return std::any_of(active_.begin(), active_.end(),
                     [&](const auto& item) { return item.second.injection == injection; });
}

bool Injector::heal(uint64_t injection) {
  bool any = false;
  for (auto it = active_.begin(); it != active_.end();) {
    if (it->second.injection != injection) {
      ++it;
      continue;
    }
    Active fault = std::move(it->second);
    it = active_.erase(it);
    any = true;
    fault.heal();
    if (!fault.what.empty()) world_.note(Level::info, "fault", fault.what);
  }
  return any;
}

void Injector::stop() {
  stopped_ = true;
  auto active = std::move(active_);
  active_.clear();
  for (auto& [id, fault] : active) {
    fault.heal();
    if (!fault.what.empty()) world_.note(Level::info, "fault", fault.what);
  }
}

std::size_t Injector::nodes_down() const {
  return static_cast<std::size_t>(
      std::count_if(world_.nodes().begin(), world_.nodes().end(),
                    [](const auto& node) { return !node->powered(); }));
}

std::vector<Node*> Injector::pick_nodes(FaultContext& context) {
  const FaultSpec& spec = context.spec;
  std::vector<Node*> picked;
  if (spec.node != "random") {
    Node* node = world_.node(spec.node);
    if (node != nullptr && node->powered()) picked.push_back(node);
    return picked;
  }
  std::vector<Node*> candidates;
  for (auto& node : world_.nodes()) {
    if (node->powered() && (spec.zone.empty() || node->zone() == spec.zone)) {
      candidates.push_back(node.get());
    }
  }
  for (int64_t i = 0; i < spec.count && !candidates.empty(); ++i) {
    const std::size_t at = context.rng.below(candidates.size());
    picked.push_back(candidates[at]);
    candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return picked;
}

}  // namespace keelson::sim
