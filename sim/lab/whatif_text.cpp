// Changes as the command line says them, and what comes of them as JSON.
#include <algorithm>
#include <charconv>

#include "sim/lab/json_writer.hpp"
#include "sim/lab/whatif.hpp"
#include "sim/lab/whatif_target.hpp"

namespace keelson::lab {

namespace {

constexpr int64_t kCountMax = 100'000;

Error no_change(std::string why) { return {Code::invalid, std::move(why)}; }

void write(JsonWriter& json, const char* key, const std::vector<Moved>& all) {
  json.key(key).begin('[');
  for (const Moved& one : all) {
    json.line().begin('{').key("namespace").text(one.ns).key("pod").text(one.pod);
    json.key("from").text(one.from).key("to").text(one.to).key("why").text(one.why);
    if (!one.message.empty()) json.key("message").text(one.message);
    json.end('}');
  }
  json.end(']');
}

void write(JsonWriter& json, const char* key, const Usage& usage) {
  json.line().key(key).begin('{').key("nodes").integer(usage.nodes).key("pods").integer(usage.pods);
  json.key("cpuPercent").number(usage.cpu).key("memoryPercent").number(usage.memory);
  if (usage.gpu >= 0) json.key("gpuPercent").number(usage.gpu);
  json.key("fill").begin('[');
  for (const NodeFill& node : usage.fill) {
    json.line().begin('{').key("node").text(node.node).key("cpu").number(node.cpu);
    json.key("memory").number(node.memory);
    if (node.gpu >= 0) json.key("gpu").number(node.gpu);
    json.end('}');
  }
  json.end(']').end('}');
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t slash = std::min(text.find('/', begin), text.size());
    parts.emplace_back(text.substr(begin, slash - begin));
    begin = slash + 1;
  }
  Target target;
  if (parts.size() == 3) {
    target.ns = parts[0];
    parts.erase(parts.begin());
  }
  if (parts.size() != 2 || parts[1].empty()) {
    return no_change("\"" + std::string(text) + "\" is no [NAMESPACE/]deployment/NAME");
  }
  for (const char* kind : {"Deployment", "StatefulSet", "ReplicaSet", "Job"}) {
    std::string lower = kind;
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    if (parts[0] == lower) target.kind = kind;
  }
  if (target.kind.empty()) {
    return no_change("\"" + parts[0] + "\" is none of deployment, statefulset, replicaset, job");
  }
  target.name = parts[1];
  return target;
}

Result<Change> parse_scale(std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string_view number = equals == std::string_view::npos ? "" : text.substr(equals + 1);
  Change change{.kind = Change::Kind::scale, .target = std::string(text.substr(0, equals))};
  const auto end = std::from_chars(number.data(), number.data() + number.size(), change.count);
  if (number.empty() || end.ec != std::errc{} || end.ptr != number.data() + number.size() ||
      change.count < 0 || change.count > kCountMax) {
    return no_change("\"" + std::string(text) + "\": write it like deployment/web=20");
  }
  if (const auto target = parse_target(change.target); !target) return target.error();
  return change;
}

Result<Change> parse_image(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals + 1 == text.size()) {
    return no_change("\"" + std::string(text) + "\": write it like deployment/web=web:v2");
  }
  Change change{.kind = Change::Kind::image,
                .target = std::string(text.substr(0, equals)),
                .image = std::string(text.substr(equals + 1))};
  // "deployment/web/CONTAINER": the kind comes first, or second behind a namespace.
  const auto slashes = std::count(change.target.begin(), change.target.end(), '/');
  const bool kind_first = parse_target(change.target.substr(0, change.target.rfind('/'))).ok();
  if (slashes >= 2 && kind_first) {
    change.container = change.target.substr(change.target.rfind('/') + 1);
    change.target.resize(change.target.rfind('/'));
  }
  if (const auto target = parse_target(change.target); !target) return target.error();
  return change;
}

std::string to_json(const WhatIf& result) {
  JsonWriter json;
  json.begin('{').key("fits").boolean(result.fits());
  write(json, "moved", result.moved);
  write(json, "pending", result.pending);
  write(json, "gone", result.gone);
  json.line().key("budgets").begin('[');
  for (const BudgetUse& budget : result.budgets) {
    json.line().begin('{').key("namespace").text(budget.ns).key("name").text(budget.name);
    json.key("allowed").integer(static_cast<uint64_t>(budget.allowed));
    json.key("evicted").integer(static_cast<uint64_t>(budget.evicted));
    json.key("waited").integer(static_cast<uint64_t>(budget.waited)).key("blocks").begin('[');
    for (const std::string& pod : budget.blocks) json.text(pod);
    json.end(']').end('}');
  }
  json.end(']').key("broken").begin('[');
  for (const BudgetBreach& breach : result.broken) {
    json.line().begin('{').key("namespace").text(breach.ns).key("name").text(breach.name);
    json.key("lost").integer(static_cast<uint64_t>(breach.lost));
    json.key("healthy").integer(static_cast<uint64_t>(std::max<int64_t>(breach.healthy, 0)));
    json.key("desired").integer(static_cast<uint64_t>(breach.desired)).end('}');
  }
  json.end(']').key("undrained").begin('[');
  for (const std::string& node : result.undrained) json.text(node);
  json.end(']').key("refused").begin('[');
  for (const Refusal& refusal : result.refused) {
    json.line().begin('{').key("node").text(refusal.node).key("namespace").text(refusal.ns);
    json.key("pod").text(refusal.pod).key("why").text(refusal.why).end('}');
  }
  json.end(']');
  write(json, "before", result.before);
  write(json, "after", result.after);
  return json.end('}').take();
}

}  // namespace keelson::lab
