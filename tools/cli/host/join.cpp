// `keelson join`: this host becomes a node of a cluster.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cxxopts.hpp>
#include <string_view>
#include <thread>

#include "runtime/pki/files.hpp"
#include "runtime/process/config_check.hpp"
#include "tools/cli/host/cluster_objects.hpp"
#include "tools/cli/host/containerd_service.hpp"
#include "tools/cli/host/daemon.hpp"
#include "tools/cli/host/host.hpp"
#include "tools/cli/host/host_services.hpp"
#include "tools/cli/host/identity.hpp"
#include "tools/cli/host/make_host.hpp"
#include "tools/cli/host/number_option.hpp"
#include "tools/cli/host/join_target.hpp"

namespace keelson::cli {

namespace {

struct JoinOptions {
  Layout layout;
  JoinTarget target;
  runtime::NodeConfig config;
  bool own_containerd = true;
  bool foreground = false;
};

cxxopts::Options join_parser() {
  cxxopts::Options parser("keelson join",
                          "Makes this host a node of the cluster at HOST:PORT. `keelson init` and\n"
                          "`keelson token create --print-join-command` print the whole command. With\n"
                          "--control-plane it becomes a control plane (see keelson join "
                          "--control-plane --help).\n");
  const auto text = [](const char* value = "") {
    return cxxopts::value<std::string>()->default_value(value);
  };
  const auto list = [] { return cxxopts::value<std::vector<std::string>>()->default_value(""); };
  add_target_options(parser);
  auto add = parser.add_options();
  add("node-name", "of the Node (default: the host's name)", text(), "NAME");
  add("address", "where others reach this host (default: that of the default route)", text(),
      "ADDRESS");
  add("port", "of the agent", text("10250"), "PORT");
  add("containerd", "the socket of a containerd that is there already (default: one of its own)", text(),
      "SOCKET");
  add("labels", "of the Node: zone=a,disk=ssd", list(), "KEY=VALUE,...");
  add("taints", "of the Node: gpu=yes:NoSchedule", list(), "KEY=VALUE:EFFECT,...");
  add("max-pods", "at most so many pods", text("110"), "N");
  add("foreground", "stay, and end everything with Ctrl-C");
  add("root", "below which everything is kept (default: /)", text(), "DIR");
  add("h,help", "show this");
  return parser;
}

Result<JoinOptions> join_options(const cxxopts::ParseResult& flags) {
  const auto bad = [](std::string why) { return Error{Code::invalid, std::move(why)}; };
  const auto text = [&](const char* name) { return flags[name].as<std::string>(); };
  JoinOptions options;
  options.layout.root = text("root");
  while (options.layout.root.ends_with('/')) options.layout.root.pop_back();
  auto target = read_target(flags);
  if (!target) return target.error();
  options.target = std::move(*target);
  runtime::NodeConfig& config = options.config;
  config.name = text("node-name").empty() ? host_name() : text("node-name");
  config.address = text("address").empty() ? default_address() : text("address");
  if (!valid_address(config.address)) {
    return bad(config.address.empty()
                   ? "this host has no default route: --address says where others reach it"
                   : "--address " + config.address + ": is no IPv4 address");
  }
  const auto port = number_option(flags, "port", 1, 65535);
  if (!port) return port.error();
  config.port = static_cast<uint16_t>(*port);
  const auto max_pods = number_option(flags, "max-pods", 1, 10'000);
  if (!max_pods) return max_pods.error();
  config.max_pods = static_cast<int>(*max_pods);
  for (const std::string& label : flags["labels"].as<std::vector<std::string>>()) {
    if (label.empty()) continue;
    const std::size_t equals = label.find('=');
    if (equals == label.npos) return bad("--labels " + label + ": expected KEY=VALUE");
    config.labels[label.substr(0, equals)] = label.substr(equals + 1);
  }
  for (const std::string& taint : flags["taints"].as<std::vector<std::string>>()) {
    if (!taint.empty()) config.taints.push_back(taint);
  }
  const Layout& layout = options.layout;
  config.pki_dir = layout.node_pki();
  config.state_dir = layout.lib() + "/node";
  config.log_dir = layout.pod_logs();
  config.manifest_dir = layout.etc() + "/manifests";
  config.cni_conf_dir = layout.cni();
  options.own_containerd = text("containerd").empty();
  config.containerd = options.own_containerd ? layout.containerd_socket() : text("containerd");
  if (const Status fit = runtime::check(config); !fit) {
    return bad(fit.message());
  }
  if (!layout.root.empty()) {
    // Several agents of one machine share its tree of cgroups: each has a branch of its own.
    config.cgroup_parent = "/keelson" + layout.root;
    std::replace(config.cgroup_parent.begin() + 1, config.cgroup_parent.end(), '/', '-');
  }
  options.foreground = flags.count("foreground") > 0;
  return options;
}

class Join {
 public:
  explicit Join(JoinOptions options)
      : options_(std::move(options)),
        layout_(options_.layout),
        services_(layout_, Services::kind_for(layout_)) {}

  Status run() {
    if (Status status = get_identity(); !status) return status;
    if (Status status = configure(); !status) return status;
    if (Status status = start(); !status) return status;
    return wait_until_ready();
  }

  bool made() const { return runtime::read_file(layout_.node_pki() + "/ca.crt").ok(); }
  void end() {
    for (const char* name : {kNodeService, kContainerdService}) {
      static_cast<void>(services_.halt(name));
    }
  }

 private:
  Status get_identity() {
    auto authority = authority_of(options_.target.server, options_.target.key_hash);
    if (!authority) return authority.error();
    ca_ = std::move(*authority);
    std::printf("[join] the cluster's authority has the expected key\n");
    AdminApi api({.server = options_.target.server, .ca_pem = ca_, .bearer_token = options_.target.token.text()});
    auto pair = node_certificate(api, options_.config.name);
    if (!pair) {
      return {pair.code(), pair.code() == Code::denied
                               ? pair.error().message +
                                     "\nThe token may have expired: `keelson token create` makes another"
                               : pair.error().message};
    }
    pair_ = std::move(*pair);
    std::printf("[join] got a certificate as system:node:%s\n", options_.config.name.c_str());
    for (const std::string& directory :
         {layout_.node_pki(), layout_.lib(), layout_.run(), layout_.log()}) {
      if (Status made = runtime::make_private_directory(directory); !made) return made;
    }
    if (Status status = runtime::write_private_file(layout_.node_pki() + "/ca.crt", ca_); !status) {
      return status;
    }
    return runtime::write_private_file(layout_.node_pki() + "/client.pem",
                                       pair_.certificate + pair_.key);
  }

  AdminApi as_node() const {
    return AdminApi({.server = options_.target.server,
                     .ca_pem = ca_,
                     .client_cert_pem = pair_.certificate,
                     .client_key_pem = pair_.key});
  }

  Status configure() {
    AdminApi api = as_node();
    auto facts = read_facts(api);
    if (!facts) return facts.error();
    runtime::NodeConfig& config = options_.config;
    config.pod_cidr = facts->pod_cidr;
    config.service_cidr = facts->service_cidr;
    config.cluster_dns = facts->cluster_dns;
    config.cluster_domain = facts->cluster_domain;
    config.timing = facts->timing;
    config.servers = facts->servers;
    if (config.servers.empty()) config.servers = {options_.target.server};
    return runtime::write_private_file(layout_.node_config(), to_text(config));
  }

  Status start() {
    if (options_.own_containerd) {
      if (Status status = prepare_containerd(layout_); !status) return status;
    }
    for (const ServiceSpec& service : node_services(layout_)) {
      if (Status status = services_.start(service); !status) return status;
      std::printf("[join] started %s\n", service.name.c_str());
    }
    std::fflush(stdout);
    return {};
  }

  Status wait_until_ready() {
    AdminApi api = as_node();
    std::string last = "it has not registered";
    for (int i = 0; i < 600; ++i) {
      const auto node = api.get("/api/v1/nodes/" + options_.config.name);
      if (node) {
        const boost::json::value* conditions = node->as_object().if_contains("status");
        conditions = conditions ? conditions->as_object().if_contains("conditions") : nullptr;
        for (const auto& condition : conditions ? conditions->as_array() : boost::json::array()) {
          if (text_at(condition, {"type"}) != "Ready") continue;
          if (text_at(condition, {"status"}) == "True") {
            std::printf("\nThis host is the node %s of the cluster. On the control plane,\n\n"
                        "  kubectl get nodes\n\nshows it.\n",
                        options_.config.name.c_str());
            std::fflush(stdout);
            return {};
          }
          last = text_at(condition, {"message"});
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return {Code::unavailable, "the node is not Ready after a minute: " + last + "\n" +
                                   services_.last_words(kNodeService) +
                                   "The agent's log: " + services_.log_of(kNodeService)};
  }

  JoinOptions options_;
  const Layout& layout_;
  Services services_;
  std::string ca_;
  runtime::KeyPair pair_;
};

int join_fails(const std::string& why) {
  std::fprintf(stderr, "keelson join: %s\n", why.c_str());
  return 1;
}

}  // namespace

int join(int argc, char** argv) {
  if (std::find(argv, argv + argc, std::string_view("--control-plane")) != argv + argc) {
    return join_control_plane(argc, argv);
  }
  cxxopts::Options parser = join_parser();
  try {
    const auto flags = parser.parse(argc, argv);
    if (flags.count("help")) {
      std::fputs(parser.help().c_str(), stdout);
      return 0;
    }
    auto options = join_options(flags);
    if (!options) return join_fails(options.error().message);
    const Layout layout = options->layout;
    const bool foreground = options->foreground;
    if (runtime::read_file(layout.node_config())) {
      return join_fails("this host is a node already (" + layout.node_config() +
                  "); `keelson reset` removes it");
    }
    if (!fit("join", missing_for_node(options->own_containerd, options->config.port))) return 1;
    Join join(std::move(*options));
    return make_host("join", join, foreground);
  } catch (const std::exception& e) {
    return join_fails(e.what());
  }
}

}  // namespace keelson::cli
