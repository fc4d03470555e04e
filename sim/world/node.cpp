#include "sim/world/node.hpp"

#include "core/agent/agent.hpp"
#include "core/proxy/proxier.hpp"
#include "core/proxy/service_rules.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

Node::Node(World& world, std::string name, uint32_t number, HostId host, const NodePool& pool,
           std::string zone, bool with_proxy)
    : world_(world),
      name_(std::move(name)),
      zone_(std::move(zone)),
      number_(number),
      host_(host),
      pool_(pool),
      power_(world.engine_, world.next_process_++, name_ + "/host"),
      process_(world.engine_, world.next_process_++, "agent/" + name_),
      link_(world.fabric_, process_, host, number),
      log_(std::make_unique<ProcessLog>(world, "agent/" + name_)),
      with_proxy_(with_proxy) {
  runtime_ = std::make_unique<SimRuntime>(world.engine_, power_, process_,
                                          world.rng("runtime").fork(number), world.options_.runtime,
                                          name_, number, world.observers_.truth);
}

Node::~Node() {
  if (powered()) power_off();
}

void Node::power_on() {
  power_.start();
  ++boots_;
  if (world_.observers_.world != nullptr) world_.observers_.world->node_powered(name_, true);
  start_agent();
}

void Node::power_off() {
  if (agent_running()) kill_agent();
  runtime_->power_off();
  power_.kill();
  left_behind_.reset();
  if (world_.observers_.world != nullptr) world_.observers_.world->node_powered(name_, false);
  if (world_.observers_.power_losses) world_.observers_.power_losses(name_);
}

void Node::kill_agent() {
  process_.kill();
  if (proxier_ && proxier_->synced()) left_behind_ = std::move(proxier_);
  proxier_.reset();
  agent_.reset();
  runtime_->agent_gone();
  link_.reset();
  if (world_.observers_.world != nullptr) world_.observers_.world->process_killed(process_.name());
}

void Node::start_agent() {
  if (!powered() || agent_running()) return;
  process_.start();
  const Rng rng = world_.rng("agent").fork(number_).fork(process_.incarnation());

  agent::AgentOptions options;
  options.node_name = name_;
  options.user = "system:node:" + name_;
  options.actor = process_.name();
  options.labels = pool_.labels;
  options.labels["kubernetes.io/hostname"] = name_;
  options.labels["kubernetes.io/os"] = "linux";
  api::NodeSystemInfo& info = options.node_info;
  info.set_operating_system("linux");
  info.set_architecture("amd64");
  info.set_os_image("Keelson simulation");
  info.set_kernel_version("simulated");
  info.set_container_runtime_version("simulated://1.0");
  info.set_kubelet_version("v1.33.0+keelson");
  info.set_machine_id(name_);
  options.labels["kubernetes.io/arch"] = "amd64";
  if (!zone_.empty()) {
    options.labels["topology.kubernetes.io/zone"] = zone_;
    options.labels["topology.kubernetes.io/region"] = "simulated";
  }
  options.capacity = pool_.capacity;
  options.taints = pool_.taints;
  options.max_pods = pool_.max_pods;
  options.address = address();
  options.heartbeat_period = world_.node_timing().heartbeat_period;
  // The simulated runtime always gives a hint when something changes; relisting is the safety net.
  options.relist_period = 60s;
  options.record_events = world_.options_.record_normal_events ? agent::RecordEvents::all
                                                              : agent::RecordEvents::warnings;
  options.incarnation = process_.incarnation() + 1;
  options.prober = this;
  options.last_seen = last_seen_;
  options.save_last_seen = [this](api::Revision revision) { last_seen_ = revision; };
  agent_ = std::make_unique<agent::Agent>(process_, link_, *runtime_, rng.fork("agent"), *log_,
                                          std::move(options));
  agent_->start();
  if (with_proxy_) {
    proxy::ProxierOptions proxy;
    proxy.node = name_;
    proxy.user = "system:node:" + name_;
    proxy.actor = process_.name() + "/proxy";
    proxier_ = std::make_unique<proxy::Proxier>(process_, link_, rng.fork("proxy"), proxy,
                                                world_.service_tables_);
    proxier_->start();
  }
}

std::string Node::address() const {
  return "172.16." + std::to_string(number_ / 256) + "." + std::to_string(number_ % 256);
}

proxy::ServiceRules* Node::rules() {
  if (proxier_ && proxier_->synced()) {
    left_behind_.reset();
    return &proxier_->rules();
  }
  return left_behind_ ? &left_behind_->rules() : nullptr;
}

void Node::probe(const std::string& name, Callback<void(bool reachable)> done) {
  // A ping and its answer; without one the asker gives up after a second.
  const Node* target = world_.node(name);
  const auto out = target == nullptr
                       ? std::optional<Duration>()
                       : world_.network_.transit(host_, target->host());
  const auto back = out ? world_.network_.transit(target->host(), host_) : std::nullopt;
  const bool reachable = out && back && target->powered();
  process_.deliver(reachable ? *out + *back : Duration{1s},
                   [reachable, done = std::make_unique<Callback<void(bool)>>(std::move(done))] {
                     (*done)(reachable);
                   });
}

}  // namespace keelson::sim
