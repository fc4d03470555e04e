#include "runtime/node/remote_usage.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "core/api/json_text.hpp"
#include "runtime/node/fetch.hpp"
#include "runtime/node/stats.hpp"

namespace keelson::node {

namespace json = boost::json;

namespace {

// A node of a thousand containers says about half a MiB.
constexpr std::size_t kSummaryMax = 16 * 1024 * 1024;
// A node that does not answer is asked less often: down to an eighth.
constexpr uint32_t kBackoffMax = 3;

const json::value* at(const json::value* value, const char* name) {
  const json::object* object = value != nullptr ? value->if_object() : nullptr;
  return object != nullptr ? object->if_contains(name) : nullptr;
}

std::string text(const json::value* value) {
  const json::string* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string(text->data(), text->size()) : std::string();
}

std::optional<int64_t> number(const json::value* value) {
  const int64_t* number = value != nullptr ? value->if_int64() : nullptr;
  return number != nullptr ? std::optional(*number) : std::nullopt;
}

// Of a container or the node. Nothing: its rate is not known yet.
std::optional<rest::Usage> usage_of(const json::value* value) {
  const auto cpu = number(at(at(value, "cpu"), "usageNanoCores"));
  const auto memory = number(at(at(value, "memory"), "workingSetBytes"));
  if (!cpu || !memory) return std::nullopt;
  return rest::Usage{*cpu, *memory};
}

}  // namespace

RemoteUsage::RemoteUsage(runtime::AsioLoop& loop, NodeDialer dialer, Options options)
    : loop_(loop), dialer_(std::move(dialer)), options_(options), timer_(loop, [this] { tick(); }) {
  timer_.arm(Duration::zero());
}

RemoteUsage::~RemoteUsage() = default;

Duration RemoteUsage::window() const {
  return StatsSampler::kEvery;
}

void RemoteUsage::tick() {
  timer_.arm(kTick);
  const auto& objects = dialer_.nodes().objects(api::Kind::nodes);
  for (auto it = nodes_.begin(); it != nodes_.end();) {
    const bool gone = dialer_.nodes().find(api::Kind::nodes, "", it->first) == nullptr;
    if (gone) forget(it->second);
    it = gone ? nodes_.erase(it) : std::next(it);
  }
  for (const auto& [key, object] : objects) {
    if (asking_ >= options_.at_once) return;
    Node& node = nodes_[object->name()];
    if (node.fetch || node.due > loop_.now()) continue;
    if (node.failures > 0 && asking_failed_ >= options_.at_once / 2) continue;
    ask(object->name(), node);
  }
}

void RemoteUsage::ask(const std::string& name, Node& node) {
  node.due = loop_.now() + options_.every * (1 << std::min(node.failures, kBackoffMax));
  Result<Dial> dial = dialer_.dial(name);
  if (!dial) return;
  ++asking_;
  if (node.failures > 0) ++asking_failed_;
  node.fetch = std::make_unique<Fetch>(
      loop_, std::move(*dial), "/stats/summary", kSummaryMax, options_.patience,
      [this, name](Result<std::string> body) { answered(nodes_.find(name)->second, body); });
}

void RemoteUsage::answered(Node& node, const Result<std::string>& summary) {
  const std::unique_ptr<Fetch> over = std::move(node.fetch);
  --asking_;
  if (node.failures > 0) --asking_failed_;
  Result<Figures> figures = summary ? read(*summary) : Result<Figures>(summary.error());
  if (!figures) {
    ++node.failures;
    return;
  }
  node.failures = 0;
  figures->read_at = loop_.now();
  node.figures = std::move(*figures);
}

void RemoteUsage::forget(Node& node) {
  if (!node.fetch) return;
  --asking_;
  if (node.failures > 0) --asking_failed_;
  node.fetch.reset();
}

Result<RemoteUsage::Figures> RemoteUsage::read(std::string_view summary) {
  const api::ParsedJson parsed = api::parse_json(summary, nullptr);
  if (!parsed.error.empty()) return Error{Code::invalid, parsed.error};
  Figures figures;
  figures.machine = usage_of(at(&parsed.value, "node"));
  const json::value* pods = at(&parsed.value, "pods");
  if (pods == nullptr || !pods->is_array()) return figures;
  for (const json::value& pod : pods->get_array()) {
    const std::string uid = text(at(at(&pod, "podRef"), "uid"));
    const json::value* containers = at(&pod, "containers");
    if (containers == nullptr || !containers->is_array()) continue;
    for (const json::value& container : containers->get_array()) {
      if (const auto usage = usage_of(&container)) {
        figures.containers[uid + "/" + text(at(&container, "name"))] = *usage;
      }
    }
  }
  return figures;
}

const RemoteUsage::Figures* RemoteUsage::fresh(std::string_view name) const {
  const auto found = nodes_.find(name);
  if (found == nodes_.end() || !found->second.figures) return nullptr;
  const Figures& figures = *found->second.figures;
  return loop_.now() - figures.read_at <= options_.stale_after ? &figures : nullptr;
}

std::optional<rest::Usage> RemoteUsage::of_container(const api::Pod& pod,
                                                     const std::string& container) {
  const Figures* figures = fresh(pod.spec().node_name());
  if (figures == nullptr) return std::nullopt;
  const auto found = figures->containers.find(pod.metadata().uid() + "/" + container);
  if (found == figures->containers.end()) return std::nullopt;
  return found->second;
}

std::optional<rest::Usage> RemoteUsage::of_node(const api::Node& node) {
  const Figures* figures = fresh(node.metadata().name());
  return figures != nullptr ? figures->machine : std::nullopt;
}

}  // namespace keelson::node
