#include "runtime/process/node.hpp"

#include "core/agent/agent.hpp"
#include "core/controllers/timing.hpp"
#include "core/proxy/proxier.hpp"
#include "runtime/api/http_api_client.hpp"
#include "runtime/cri/cri_runtime.hpp"
#include "runtime/host/facts.hpp"
#include "runtime/host/host_stats.hpp"
#include "runtime/host/manifest_folder.hpp"
#include "runtime/loop/entropy.hpp"
#include "runtime/network/dns_server.hpp"
#include "runtime/network/nft_proxy.hpp"
#include "runtime/network/node_network.hpp"
#include "runtime/network/policies.hpp"
#include "runtime/node/cri_streaming.hpp"
#include "runtime/node/local_streams.hpp"
#include "runtime/node/node_endpoint.hpp"
#include "runtime/pki/files.hpp"
#include "runtime/pki/judge.hpp"
#include "runtime/process/journal.hpp"
#include "runtime/process/last_seen.hpp"
#include "runtime/process/node_certificates.hpp"
#include "runtime/process/node_metrics.hpp"
#include "runtime/process/peer_prober.hpp"
#include "runtime/process/retried.hpp"
#include "runtime/process/server_list.hpp"
#include "runtime/volumes/disk_volumes.hpp"

namespace keelson::runtime {

namespace {

// While the runtime or its network is not ready, and afterwards.
constexpr Duration kCheckSoon = 500ms, kCheckLate = 10s;
// Who may list what a network is made from; under its own name a node sees only itself and its pods.
constexpr const char* kNetworkUser = "system:kube-proxy";
// containerd 1.6's own; `keelson join` writes it into its configuration.
constexpr const char* kSandboxImage = "registry.k8s.io/pause:3.6";

}  // namespace

struct Node::Impl {
  Impl(AsioLoop& loop_in, Log& log_in, NodeConfig config_in)
      : loop(loop_in),
        log(log_in),
        config(std::move(config_in)),
        rng(entropy_seed()),
        user("system:node:" + config.name),
        last_seen(config.state_dir + "/last-seen"),
        journal(loop, config.state_dir + "/containers.jsonl", config.name),
        servers(config.state_dir + "/servers", config.servers, config.name) {}

  Status start() {
    if (Status status = connect(); !status) return status;
    containers = std::make_unique<cri::CriRuntime>(
        loop, log,
        cri::CriOptions{.socket = config.containerd,
                        .node = config.name,
                        .address = config.address,
                        .cgroup_parent = config.cgroup_parent,
                        .log_directory = config.log_dir,
                        .state_directory = config.state_dir,
                        .seccomp_directory = config.state_dir + "/seccomp",
                        .seccomp_default = config.seccomp_default,
                        .cluster_dns = config.cluster_dns,
                        .cluster_domain = config.cluster_domain});
    containers->on_list([this](const agent::RuntimeState& state) { journal.saw(state); });
    volumes = std::make_unique<volumes::DiskVolumes>(
        loop, volumes::DiskOptions{.root = config.state_dir});
    prober = std::make_unique<TcpPeerProber>(loop, *network_client, kNetworkUser);
    host_stats = std::make_unique<host::HostStats>(
        loop, host::HostStatsOptions{.disk = config.state_dir},
        [this](Done<agent::PodUsages> done) { measure_pods(std::move(done)); });
    manifests = std::make_unique<host::ManifestFolder>(loop, log, config.manifest_dir);
    if (Status status = prepare_agent(); !status) return status;
    start_timer = Timer(loop, [this] { ask_runtime(); });
    ask_runtime();
    return {};
  }

  // A Node says what its runtime is; without one it is no node yet.
  void ask_runtime() {
    containers->identity([this, alive = std::weak_ptr<char>(life)](Result<cri::RuntimeIdentity> is) {
      if (alive.expired()) return;
      if (!is) {
        if (!std::exchange(told_waiting, true)) {
          log.warning("waiting for the container runtime", {{"why", is.error().message}});
        }
        return start_timer.arm(kCheckSoon);
      }
      agent_options.node_info.set_container_runtime_version(is->name + "://" + is->version);
      begin();
    });
  }

  void begin() {
    agent = std::make_unique<agent::Agent>(loop, *client, *containers, rng.fork("agent"), log,
                                           std::move(agent_options));
    agent->set_not_ready("the network of pods is being set up");
    agent->start();
    certificates = std::make_unique<NodeCertificates>(
        loop, *client, rng.fork("certificates"), log,
        NodeCertificatesOptions{config.name, config.pki_dir, {serving_name(config.name)}});
    certificates->start([this](NodeCertificates::Which which, const std::string& pem) {
      switch (which) {
        case NodeCertificates::Which::client: return use(*http, pem);
        case NodeCertificates::Which::network:
          use(*network_http, pem);
          if (!pod_network) start_network();
          return;
        case NodeCertificates::Which::server:
          if (!serving) serve();
          return;
      }
    });
    follow_servers();
    check_timer = Timer(loop, [this] { check(); });
    check();
  }

  Status connect() {
    auto ca = read_file(config.pki_dir + "/ca.crt");
    if (!ca) return ca.error();
    auto own = read_file(config.pki_dir + "/client.pem");
    if (!own) return own.error();
    http::AsyncClientOptions options;
    options.servers = servers.servers();
    options.ca_pem = std::move(*ca);
    options.client_cert_pem = *own;
    options.client_key_pem = std::move(*own);
    options.user_agent = "keelson-node";
    auto made = http::AsyncClient::create(loop, options);
    if (!made) return made.error();
    http = std::move(*made);
    client = std::make_unique<HttpApiClient>(loop, *http);
    // Under a name of its own, whose certificate is still to come: see start_network().
    options.client_cert_pem.clear();
    options.client_key_pem.clear();
    options.user_agent = "keelson-node-network";
    made = http::AsyncClient::create(loop, std::move(options));
    if (!made) return made.error();
    network_http = std::move(*made);
    network_client = std::make_unique<HttpApiClient>(loop, *network_http);
    return {};
  }

  void follow_servers() {
    servers.follow(loop, *client, rng.fork("servers"), log, [this](const std::vector<std::string>& urls) {
      for (http::AsyncClient* one : {http.get(), network_http.get()}) {
        if (const Status used = one->use_servers(urls); !used) {
          log.error("the list of API servers cannot be used", {{"why", used.message()}});
        }
      }
    });
  }

  void use(http::AsyncClient& by, const std::string& pem) {
    if (const Status used = by.use_certificate(pem, pem); !used) {
      log.error("a certificate cannot be used", {{"why", used.message()}});
    }
  }

  // What the kernel refuses is logged; tables and routes are tried again by these parts themselves, DNS by
  // check(). Pods in the host's network run all the same.
  void start_network() {
    const auto note = [this](const char* part, const Status& status) {
      if (!status) log.error("cannot set the network up", {{"part", part}, {"why", status.message()}});
    };
    network::NodeNetworkOptions options;
    options.node = config.name;
    options.cluster_cidrs = {config.pod_cidr};
    options.cni_dir = config.cni_conf_dir;
    options.cni.bridge = config.bridge;
    options.cni.ipam_dir = config.state_dir + "/ipam";
    options.user = kNetworkUser;
    pod_network = std::make_unique<network::NodeNetwork>(loop, log, *network_client, rng.fork("network"),
                                                         std::move(options));
    note("pod network", pod_network->start());
    proxier = std::make_unique<proxy::Proxier>(
        loop, *network_client, rng.fork("proxier"),
        proxy::ProxierOptions{.node = config.name, .user = kNetworkUser, .actor = "proxy/" + config.name});
    services = std::make_unique<network::NftProxy>(
        loop, log, proxier->rules(),
        network::NftProxyOptions{.node = config.name,
                                 .pod_cidrs = {config.pod_cidr},
                                 .served_here = {config.cluster_dns}});
    note("services", services->start());
    proxier->start();
    dns = std::make_unique<network::DnsServer>(
        loop, log, proxier->rules(), rng.fork("dns"),
        network::DnsServerOptions{.address = config.cluster_dns,
                                  .own_address = true,
                                  .domain = config.cluster_domain,
                                  .upstreams = config.upstream_dns});
    dns->set_synced([this] { return proxier->synced(); });
    resolving = std::make_unique<Retried>(log, "DNS", [this] { return dns->start(); });
    policies = std::make_unique<network::PolicyEnforcer>(
        loop, log, *network_client, rng.fork("policies"),
        network::PolicyEnforcerOptions{.node = config.name, .user = kNetworkUser});
    note("network policies", policies->start());
    check_timer.arm(Duration::zero());
  }

  Status prepare_agent() {
    const auto facts = host::read_facts(
        {.disk = config.state_dir, .reserved = config.reserved, .max_pods = config.max_pods});
    if (!facts) return facts.error();
    agent::AgentOptions& options = agent_options;
    options.node_name = config.name;
    options.address = config.address;
    options.labels = config.labels;
    options.agent_port = config.port;
    options.max_pods = config.max_pods;
    options.heartbeat_period = controllers::node_timing(config.timing).heartbeat_period;
    options.ready_delay = std::chrono::milliseconds(config.ready_delay_ms);
    options.leave_delay = std::chrono::milliseconds(config.leave_delay_ms);
    host::fill(options, *facts);
    options.hostname = config.name;
    options.volumes = volumes.get();
    options.stats = host_stats.get();
    options.sandbox_image = kSandboxImage;
    options.manifests = manifests.get();
    options.prober = prober.get();
    options.last_seen = last_seen.get();
    options.save_last_seen = [this](api::Revision revision) { last_seen.save(revision); };
    for (const std::string& text : config.taints) {
      auto taint = parse_taint(text);
      if (!taint) return taint.error();
      options.taints.push_back(std::move(*taint));
    }
    return {};
  }

  // What containers use, for evictions.
  void measure_pods(Done<agent::PodUsages> done) {
    containers->usage([done = std::move(done)](Result<cri::NodeUsage> usage) mutable {
      if (!usage) return done(usage.error());
      agent::PodUsages pods;
      for (const cri::ContainerUsage& container : *usage) {
        agent::ContainerUsage& one = pods[container.pod_uid][container.name];
        one.memory_bytes = container.memory_working_set;
        one.disk_bytes = container.writable_layer;
        one.inodes = container.writable_layer_inodes;
      }
      done(std::move(pods));
    });
  }

  static Result<api::Taint> parse_taint(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    const std::size_t equals = text.find('=');
    api::Taint taint;
    if (colon != text.npos) {
      taint.set_effect(text.substr(colon + 1));
      taint.set_key(text.substr(0, std::min(equals, colon)));
      if (equals < colon) taint.set_value(text.substr(equals + 1, colon - equals - 1));
    }
    const bool known = taint.effect() == "NoSchedule" || taint.effect() == "PreferNoSchedule" ||
                       taint.effect() == "NoExecute";
    if (!known || taint.key().empty()) {
      return Error{Code::invalid, "taints: \"" + text + "\": expected KEY[=VALUE]:NoSchedule, "
                                  "PreferNoSchedule or NoExecute"};
    }
    return taint;
  }

  // Whether pods can run here: the runtime has seen the network's configuration, names are answered, and
  // the API server can ask for logs and commands.
  void check() {
    containers->check([this, alive = std::weak_ptr<char>(life)](Result<Unit> ready) {
      if (alive.expired()) return;
      // Each is tried, whatever the others lack.
      const Status parts[] = {ready ? Status() : Status(ready.error()),
                              attempt(serving, "the node's endpoint"), attempt(resolving, "DNS")};
      health = Status();
      for (const Status& part : parts) {
        if (health.ok()) health = part;
      }
      agent->set_not_ready(health.message());
      check_timer.arm(health.ok() ? kCheckLate : kCheckSoon);
    });
  }

  static Status attempt(const std::unique_ptr<Retried>& part, const char* what) {
    if (part) return part->attempt();
    return {Code::unavailable, std::string(what) + ": waits for a certificate"};
  }

  std::string metrics() const {
    NodeMetricsSources sources;
    sources.pods = agent->pods();
    if (services) sources.tables.push_back(&services->table());
    if (policies) sources.tables.push_back(&policies->table());
    sources.dns = dns.get();
    return node_metrics(sources);
  }

  void serve() {
    streaming = std::make_unique<node::CriStreaming>(*containers);
    streams = std::make_unique<node::LocalStreams>(loop, *streaming, config.log_dir);
    stats = std::make_unique<node::StatsSampler>(loop, *streaming);
    serving = std::make_unique<Retried>(log, "the node's endpoint", [this] { return start_endpoint(); });
    check_timer.arm(Duration::zero());
  }

  Status start_endpoint() {
    node::NodeEndpointOptions options;
    options.node_name = config.name;
    options.port = config.port;
    options.cert_file = config.pki_dir + "/server.pem";
    options.key_file = options.cert_file;
    options.client_ca_file = config.pki_dir + "/ca.crt";
    node::NodeFacts facts;
    facts.health = [this] { return health; };
    facts.pods = [this] { return agent->pods(); };
    facts.stats = stats.get();
    facts.metrics = [this] { return metrics(); };
    auto started =
        node::NodeEndpoint::start(loop, log, std::move(options), *streams, std::move(facts));
    if (!started) return started.error();
    endpoint = std::move(*started);
    log.info("serving logs and commands", {{"port", static_cast<int64_t>(endpoint->port())}});
    return {};
  }

  AsioLoop& loop;
  Log& log;
  const NodeConfig config;
  const Rng rng;
  const std::string user;
  LastSeen last_seen;
  Journal journal;
  std::unique_ptr<http::AsyncClient> http, network_http;
  std::unique_ptr<HttpApiClient> client, network_client;
  ServerList servers;
  std::unique_ptr<cri::CriRuntime> containers;
  std::unique_ptr<volumes::DiskVolumes> volumes;
  std::unique_ptr<TcpPeerProber> prober;
  std::unique_ptr<host::HostStats> host_stats;
  std::unique_ptr<host::ManifestFolder> manifests;
  agent::AgentOptions agent_options;  // until the agent begins
  std::unique_ptr<network::NodeNetwork> pod_network;
  std::unique_ptr<proxy::Proxier> proxier;
  std::unique_ptr<network::NftProxy> services;
  std::unique_ptr<network::DnsServer> dns;
  std::unique_ptr<Retried> resolving;  // DNS
  std::unique_ptr<network::PolicyEnforcer> policies;
  std::unique_ptr<agent::Agent> agent;
  std::unique_ptr<node::CriStreaming> streaming;
  std::unique_ptr<node::LocalStreams> streams;
  std::unique_ptr<node::StatsSampler> stats;
  std::unique_ptr<node::NodeEndpoint> endpoint;
  std::unique_ptr<Retried> serving;  // the endpoint
  std::unique_ptr<NodeCertificates> certificates;
  Timer start_timer, check_timer;
  bool told_waiting = false;
  Status health{Code::unavailable, "the container runtime has not been asked yet"};
  std::shared_ptr<char> life = std::make_shared<char>();
};

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Node::~Node() = default;

Result<std::unique_ptr<Node>> Node::start(AsioLoop& loop, Log& log, const NodeConfig& config) {
  auto impl = std::make_unique<Impl>(loop, log, config);
  if (Status status = impl->start(); !status) return status.error();
  return std::unique_ptr<Node>(new Node(std::move(impl)));
}

}  // namespace keelson::runtime
