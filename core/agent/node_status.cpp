#include "core/agent/node_status.hpp"

#include <algorithm>

#include "core/agent/backoff.hpp"
#include "core/agent/images.hpp"
#include "core/api/canonical.hpp"
#include "core/api/json.hpp"
#include "core/api/quantity.hpp"
#include "core/client/lost_history.hpp"

namespace keelson::agent {

namespace {

// Kubelet lists at most so many images. Source: nodeStatusMaxImages.
constexpr int kMaxImages = 50;
// News about images is for the scheduler's preferences only: it is gathered.
constexpr Duration kImagesDelay = 10s;
constexpr Duration kRetryFirst = 200ms;
constexpr Duration kRetryMost = 7s;
constexpr std::size_t kMaxReports = 64;
// A Node that could not be read, or is not registered yet, is read again after this long.
constexpr Duration kRereadAfter = 1s;
// Writes about the Node keep this distance: should the server or somebody else keep changing what
// the agent wants, they must not chase each other.
constexpr Duration kPace = 1s;

void set_condition(api::NodeStatus& status, std::string_view type, bool holds,
                   std::string_view reason, std::string_view message, WallTime wall) {
  api::NodeCondition* condition = nullptr;
  for (api::NodeCondition& c : *status.mutable_conditions()) {
    if (c.type() == type) condition = &c;
  }
  if (!condition) {
    condition = status.add_conditions();
    condition->set_type(std::string(type));
    *condition->mutable_last_heartbeat_time() = api::to_time(wall);
  }
  const std::string_view value = holds ? "True" : "False";
  if (condition->status() != value) {
    condition->set_status(std::string(value));
    *condition->mutable_last_transition_time() = api::to_time(wall);
  }
  condition->set_reason(std::string(reason));
  condition->set_message(std::string(message));
}

bool ours(const std::string& condition) {
  return condition == "Ready" || condition == "MemoryPressure" || condition == "DiskPressure" ||
         condition == "PIDPressure";
}

void set_address(api::NodeStatus& status, const std::string& type, const std::string& address) {
  if (address.empty()) return;
  for (api::NodeAddress& known : *status.mutable_addresses()) {
    if (known.type() == type) {
      known.set_address(address);
      return;
    }
  }
  api::NodeAddress& added = *status.add_addresses();
  added.set_type(type);
  added.set_address(address);
}

bool extended(std::string_view resource) {
  return resource.find('/') != std::string_view::npos && !resource.starts_with("kubernetes.io/");
}

void set_quantities(google::protobuf::Map<std::string, api::Quantity>& to,
                    const std::map<std::string, std::string>& from) {
  to.clear();
  for (const auto& [name, text] : from) {
    // Canonical, as the server stores it: "8192Mi" would differ from its "8Gi" for ever.
    const auto value = api::QuantityValue::parse(text);
    to[name].set_string(value.ok() ? value->to_string() : text);
  }
}

}  // namespace

NodeStatus::NodeStatus(Context& context)
    : context_(context),
      rng_(context.rng.fork("node")),
      nodes_(context.loop, context.api, context.rng.fork("node-informer"),
             client::InformerOptions{.kind = api::Kind::nodes,
                                     .field_selector = "metadata.name=" + context.options.node_name,
                                     .user = context.options.user,
                                     .actor = context.options.actor}),
      own_labels_(context.options.labels),
      timer_(context.loop, lifetime_.guard([this] { reconcile(); })),
      beat_timer_(context.loop, lifetime_.guard([this] { beat(); })),
      read_timer_(context.loop, lifetime_.guard([this] { context_.on_freed(); })) {
  const AgentOptions& o = context_.options;
  const auto or_else = [](const std::string& value, std::string_view otherwise) {
    return value.empty() ? std::string(otherwise) : value;
  };
  own_labels_.try_emplace("kubernetes.io/hostname", or_else(o.hostname, o.node_name));
  own_labels_.try_emplace("kubernetes.io/os", or_else(o.node_info.operating_system(), "linux"));
  own_labels_.try_emplace("kubernetes.io/arch", or_else(o.node_info.architecture(), "amd64"));
  nodes_.on_change([this](const api::ObjectPtr& before, const api::ObjectPtr& after) {
    on_node(before, after);
  });
}

void NodeStatus::start() {
  const uint64_t incarnation =
      context_.options.incarnation != 0
          ? context_.options.incarnation
          : static_cast<uint64_t>(context_.loop.wall_now().unix_ns / 1'000'000'000);
  sequence_ = incarnation << 24;
  nodes_.start();
}

std::map<std::string, std::string> NodeStatus::labels() const {
  if (!latest_) return own_labels_;
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : latest_->metadata().labels()) out[key] = value;
  return out;
}

std::vector<api::Taint> NodeStatus::taints() const {
  if (!latest_) return context_.options.taints;
  return {latest_->spec().taints().begin(), latest_->spec().taints().end()};
}

void NodeStatus::read_again() {
  if (std::exchange(reading_, true)) return;
  const Instant asked = context_.loop.now();
  context_.api.call(context_.sign(api::get(api::Kind::nodes, "", context_.options.node_name)),
                    lifetime_.guard([this, asked](api::Response response) {
                      reading_ = false;
                      if (!response.ok() || !response.object) {
                        read_timer_.arm(kRereadAfter);
                        return;
                      }
                      adopt(response.object);
                      read_at_ = asked;
                      context_.on_freed();
                    }));
}

void NodeStatus::set_runtime_health(bool healthy) {
  healthy_ = healthy;
  reconcile();
}

void NodeStatus::set_not_ready(std::string why) {
  if (why == not_ready_) return;
  not_ready_ = std::move(why);
  reconcile();
}

void NodeStatus::set_pressure(NodePressure pressure) {
  pressure_ = pressure;
  reconcile();
}

void NodeStatus::set_agrees(uint64_t revision) {
  agrees_ = revision;
  reconcile();
}

void NodeStatus::set_ends(uint64_t revision) {
  ends_ = revision;
  reconcile();
}

uint64_t NodeStatus::agrees() const {
  return std::max(agrees_, latest_ ? client::agrees_as_of(*latest_.ptr()) : 0);
}

uint64_t NodeStatus::ends() const {
  return std::max(ends_, latest_ ? client::ends_as_of(*latest_.ptr()) : 0);
}

void NodeStatus::images_changed() {
  if (latest_) reconcile();
}

void NodeStatus::report(api::PeerReport report) {
  if (reports_.size() >= kMaxReports) reports_.erase(reports_.begin());
  reports_.push_back(std::move(report));
  if (beating_) beat();
}

void NodeStatus::on_node(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  if (after) {
    adopt(after);
    reconcile();
  } else if (latest_ && before && before->uid() == latest_.uid()) {
    // Deleted by somebody, or lost by the store. A node that lives belongs into the cluster:
    // who wants it out stops its agent.
    context_.log.info("node object gone, registering again",
                      {{"node", context_.options.node_name}});
    latest_ = nullptr;
    if (!busy_) arm(1s);
  }
}

void NodeStatus::adopt(const api::ObjectPtr& node) {
  if (latest_ && latest_.uid() == node->uid() && node->revision() <= latest_.revision()) return;
  latest_ = api::Ref<api::Node>(node);
  if (beating_) return;
  beating_ = true;
  beat();
}

void NodeStatus::arm(Duration after) {
  timer_.arm(after);
}

void NodeStatus::reconcile() {
  if (!healthy_ || busy_) return;
  if (!latest_) {
    create();
    return;
  }
  const Instant now = context_.loop.now();
  if (now < not_before_) {
    arm(not_before_ - now);
    return;
  }
  if (!described()) {
    update_meta();
    return;
  }
  api::NodeStatus status = wanted();
  const api::NodeStatus& current = latest_->status();
  if (now >= next_status_) {
    update_status(std::move(status));
    return;
  }
  if (!api::same(status, current)) {
    api::NodeStatus but_images = status;
    *but_images.mutable_images() = current.images();
    if (!api::same(but_images, current)) {
      update_status(std::move(status));
      return;
    }
    next_status_ = std::min(next_status_, now + kImagesDelay);
  }
  arm(next_status_ - now);
}

api::NodeStatus NodeStatus::wanted() const {
  const AgentOptions& o = context_.options;
  const WallTime wall = context_.loop.wall_now();
  api::NodeStatus status;
  if (latest_) status = latest_->status();
  std::map<std::string, std::string> capacity = o.capacity;
  capacity.try_emplace("pods", std::to_string(o.max_pods));
  std::map<std::string, std::string> allocatable = o.allocatable.empty() ? capacity : o.allocatable;
  allocatable.try_emplace("pods", capacity["pods"]);
  // What somebody has advertised for the node stays, and all of it can be had.
  // Source: kubelet's setters of node status; "Advertise Extended Resources for a Node".
  for (const auto& [name, amount] : status.capacity()) {
    if (!extended(name) || capacity.contains(name)) continue;
    capacity[name] = amount.string();
    allocatable[name] = amount.string();
  }
  set_quantities(*status.mutable_capacity(), capacity);
  set_quantities(*status.mutable_allocatable(), allocatable);
  const auto pressure = [&](std::string_view type, bool holds, std::string_view bad,
                            std::string_view good, std::string_view what) {
    set_condition(status, type, holds, holds ? bad : good, "kubelet has " + std::string(what), wall);
  };
  const bool memory = pressure_.memory, disk = pressure_.disk, pids = pressure_.pids;
  pressure("MemoryPressure", memory, "KubeletHasInsufficientMemory", "KubeletHasSufficientMemory",
           memory ? "insufficient memory available" : "sufficient memory available");
  pressure("DiskPressure", disk, "KubeletHasDiskPressure", "KubeletHasNoDiskPressure",
           disk ? "disk pressure" : "no disk pressure");
  pressure("PIDPressure", pids, "KubeletHasInsufficientPID", "KubeletHasSufficientPID",
           pids ? "insufficient PID available" : "sufficient PID available");
  if (*healthy_ && !not_ready_.empty()) {
    set_condition(status, "Ready", false, "KubeletNotReady", not_ready_, wall);
  } else if (*healthy_) {
    set_condition(status, "Ready", true, "KubeletReady", "kubelet is posting ready status", wall);
  } else {
    set_condition(status, "Ready", false, "KubeletNotReady", "container runtime is down", wall);
  }
  set_address(status, "InternalIP", o.address);
  set_address(status, "Hostname", o.hostname.empty() ? o.node_name : o.hostname);
  status.mutable_daemon_endpoints()->mutable_kubelet_endpoint()->set_port(o.agent_port);
  *status.mutable_node_info() = o.node_info;
  status.clear_images();
  std::vector<const api::ContainerImage*> images;
  for (const api::ContainerImage& image : context_.images->images()) images.push_back(&image);
  std::stable_sort(images.begin(), images.end(),
                   [](const auto* a, const auto* b) { return a->size_bytes() > b->size_bytes(); });
  for (const api::ContainerImage* image : images) {
    if (status.images_size() == kMaxImages) break;
    *status.add_images() = *image;
  }
  return status;
}

void NodeStatus::create() {
  const AgentOptions& o = context_.options;
  api::Node node;
  node.mutable_metadata()->set_name(o.node_name);
  describe(*node.mutable_metadata());
  if (!o.pod_cidr.empty()) {
    node.mutable_spec()->set_pod_cidr(o.pod_cidr);
    node.mutable_spec()->add_pod_cidrs(o.pod_cidr);
  }
  node.mutable_spec()->set_provider_id(o.provider_id);
  for (const api::Taint& taint : o.taints) *node.mutable_spec()->add_taints() = taint;
  *node.mutable_status() = wanted();
  busy_ = true;
  context_.api.call(context_.sign(api::create(api::make_object(std::move(node)))),
                    lifetime_.guard([this](api::Response r) { on_write(std::move(r)); }));
}

void NodeStatus::describe(api::ObjectMeta& meta) const {
  for (const auto& [key, value] : own_labels_) (*meta.mutable_labels())[key] = value;
  // An earlier incarnation may have said more.
  auto& annotations = *meta.mutable_annotations();
  annotations[std::string(client::agrees_annotation)] = std::to_string(agrees());
  if (ends() != 0) annotations[std::string(client::ends_annotation)] = std::to_string(ends());
}

bool NodeStatus::described() const {
  const auto& labels = latest_->metadata().labels();
  for (const auto& [key, value] : own_labels_) {
    const auto found = labels.find(key);
    if (found == labels.end() || found->second != value) return false;
  }
  const api::Object& node = *latest_.ptr();
  return client::agent_reports(node) && client::agrees_as_of(node) == agrees() && client::ends_as_of(node) == ends();
}

void NodeStatus::update_meta() {
  api::Node node = *latest_;
  describe(*node.mutable_metadata());
  busy_ = true;
  context_.api.call(
      context_.sign(api::update(api::make_object(std::move(node), latest_.revision()))),
      lifetime_.guard([this](api::Response r) { on_write(std::move(r)); }));
}

void NodeStatus::update_status(api::NodeStatus status) {
  const WallTime wall = context_.loop.wall_now();
  for (api::NodeCondition& condition : *status.mutable_conditions()) {
    if (ours(condition.type())) *condition.mutable_last_heartbeat_time() = api::to_time(wall);
  }
  api::Node node = *latest_;
  *node.mutable_status() = std::move(status);
  busy_ = true;
  context_.api.call(
      context_.sign(api::update_status(api::make_object(std::move(node), latest_.revision()))),
      lifetime_.guard([this](api::Response r) {
        if (r.ok()) next_status_ = context_.loop.now() + context_.options.status_period;
        on_write(std::move(r));
      }));
}

void NodeStatus::on_write(api::Response response) {
  busy_ = false;
  switch (response.error.reason) {
    case api::Reason::none:
      failures_ = 0;
      not_before_ = context_.loop.now() + kPace;
      if (response.object) adopt(response.object);
      reconcile();
      return;
    case api::Reason::already_exists:
    case api::Reason::conflict:
    case api::Reason::not_found:
    case api::Reason::unknown_outcome: read_back(); return;
    case api::Reason::invalid:
      context_.log.warning("node refused",
                           {{"node", context_.options.node_name}, {"why", response.error.message}});
      [[fallthrough]];
    default: failed(); return;
  }
}

void NodeStatus::failed() {
  arm(backoff_after(++failures_, kRetryFirst, kRetryMost));
}

// Learns what is true before trying again.
void NodeStatus::read_back() {
  busy_ = true;
  context_.api.call(context_.sign(api::get(api::Kind::nodes, "", context_.options.node_name)),
                    lifetime_.guard([this](api::Response response) {
                      busy_ = false;
                      if (response.ok() && response.object) {
                        // Also if it is older than what was seen: the store may have lost that.
                        latest_ = nullptr;
                        adopt(response.object);
                      } else if (response.error.reason == api::Reason::not_found) {
                        latest_ = nullptr;
                      }
                      failed();
                    }));
}

}  // namespace keelson::agent
