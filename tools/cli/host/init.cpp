// `keelson init`: this host becomes the first control plane of a cluster.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cxxopts.hpp>
#include <thread>

#include "runtime/pki/files.hpp"
#include "runtime/pki/kubeconfig.hpp"
#include "runtime/pki/pki.hpp"
#include "runtime/process/config.hpp"
#include "runtime/process/scheduler_config.hpp"
#include "runtime/redis/address.hpp"
#include "tools/cli/cluster/human.hpp"
#include "tools/cli/host/cluster_objects.hpp"
#include "tools/cli/host/daemon.hpp"
#include "tools/cli/host/host.hpp"
#include "tools/cli/host/host_services.hpp"
#include "tools/cli/host/join_command.hpp"
#include "tools/cli/host/make_host.hpp"
#include "tools/cli/host/number_option.hpp"
#include "tools/cli/host/redis_service.hpp"
#include "tools/cli/host/shared_secrets.hpp"

namespace keelson::cli {

namespace {

struct InitOptions {
  Layout layout;
  runtime::ControlPlaneConfig config;
  std::string cluster_domain, cluster_dns;
  bool own_redis = true;
  SharedStore shared_store;
  bool upload_certs = false;
  std::string scheduler_config;  // a file to be copied; empty: none
  bool foreground = false;
  Duration token_ttl{};
};

cxxopts::Options make_parser() {
  cxxopts::Options parser("keelson init",
                          "Makes this host the control plane of a new cluster: keys, store, API server,\n"
                          "scheduler and controllers. It ends with the command by which nodes join.\n");
  const auto text = [](const char* value = "") {
    return cxxopts::value<std::string>()->default_value(value);
  };
  auto add = parser.add_options();
  add("advertise-address", "where nodes reach this host (default: that of the default route)", text(),
      "ADDRESS");
  add("bind-address", "to serve at", text("0.0.0.0"), "ADDRESS");
  add("port", "of the API", text("6443"), "PORT");
  add("name", "of this control plane (default: the host's name)", text(), "NAME");
  add("pod-network-cidr", "where pods get their addresses from", text("10.244.0.0/16"), "NETWORK");
  add("service-cidr", "where Services get theirs from", text("10.96.0.0/16"), "NETWORK");
  add("service-dns-domain", "of the cluster's names", text("cluster.local"), "DOMAIN");
  add("store",
      "a Redis that is there already: unix:/path, redis://host:port, sentinel://a:26379,b:26379/name "
      "(default: one of its own)",
      text(), "ADDRESS");
  add("store-bind",
      "its own Redis is also reached here by further control planes: by a password, but not encrypted, "
      "so in a network of their own",
      text(), "ADDRESS:PORT");
  add("upload-certs", "also print the command by which hosts become further control planes");
  add("store-user", "its ACL user", text(), "NAME");
  add("store-password-file", "the file with that user's password", text(), "FILE");
  add("store-replicas", "so many replicas must have a write before it counts",
      text("0"), "N");
  add("timing", "how fast nodes are given up: keelson or kubernetes", text("keelson"), "NAME");
  add("history-window", "how long the store keeps every change, for watches that resume and keelson real check",
      text("5m"), "TIME");
  add("scheduler-config",
      "the scheduler's profiles, plugins and extenders: a KubeSchedulerConfiguration, which is copied",
      text(), "FILE");
  add("token-ttl", "how long the join command is good; 0: for ever", text("24h"), "TIME");
  add("foreground", "stay, and end everything with Ctrl-C");
  add("root", "below which everything is kept (default: /)", text(), "DIR");
  add("h,help", "show this");
  return parser;
}

// "10.96.0.0/16" → "10.96.0.10": the tenth address, as kubeadm.
std::string dns_address(const std::string& cidr) {
  const std::string network = cidr.substr(0, cidr.find('/'));
  const std::size_t dot = network.rfind('.');
  if (dot == network.npos) return {};
  return network.substr(0, dot + 1) + std::to_string(std::atoi(network.c_str() + dot + 1) + 10);
}

Status share_store(const std::string& where, InitOptions& options) {
  if (!options.own_redis) return {Code::invalid, "--store-bind is for a Redis of its own, without --store"};
  const auto parsed = redis::parse_address(where);
  const std::string address = parsed && parsed->socket.empty() ? parsed->tcp.host : std::string();
  if (!valid_address(address)) {
    return {Code::invalid, "--store-bind " + where + ": expected an IPv4 address and a port, such as " +
                               options.config.advertise_address + ":6379"};
  }
  options.shared_store = {address, parsed->tcp.port};
  // As the others do, so that one configuration serves all.
  const std::string& reached = address == "0.0.0.0" ? options.config.advertise_address : address;
  options.config.store = "redis://" + reached + ":" + std::to_string(parsed->tcp.port);
  options.config.store_user = kStoreUser;
  options.config.store_password_file = options.layout.store_password();
  return {};
}

Result<InitOptions> read(const cxxopts::ParseResult& flags) {
  const auto text = [&](const char* name) { return flags[name].as<std::string>(); };
  InitOptions options;
  options.layout.root = text("root");
  while (options.layout.root.ends_with('/')) options.layout.root.pop_back();
  runtime::ControlPlaneConfig& config = options.config;
  config.advertise_address = text("advertise-address");
  if (config.advertise_address.empty()) config.advertise_address = default_address();
  if (!valid_address(config.advertise_address)) {
    return Error{Code::invalid, config.advertise_address.empty()
                                    ? "this host has no default route: --advertise-address says where "
                                      "nodes reach it"
                                    : "--advertise-address " + config.advertise_address +
                                          ": is no IPv4 address"};
  }
  config.bind_address = text("bind-address");
  const auto port = number_option(flags, "port", 1, 65535);
  if (!port) return port.error();
  config.port = static_cast<uint16_t>(*port);
  config.name = text("name").empty() ? host_name() : text("name");
  config.pki_dir = options.layout.pki();
  config.pod_cidr = text("pod-network-cidr");
  config.service_cidr = text("service-cidr");
  config.store = text("store");
  config.store_user = text("store-user");
  config.store_password_file = text("store-password-file");
  const auto replicas = number_option(flags, "store-replicas", 0, 8);
  if (!replicas) return replicas.error();
  config.store_replicas = static_cast<int>(*replicas);
  config.timing = text("timing");
  config.history_window = text("history-window");
  options.scheduler_config = text("scheduler-config");
  if (const auto read = runtime::load_scheduler_config(options.scheduler_config); !read) {
    return Error{Code::invalid, "--scheduler-config: " + read.error().message};
  }
  options.own_redis = config.store.empty();
  if (options.own_redis) config.store = "unix:" + options.layout.redis_socket();
  if (!text("store-bind").empty()) {
    if (Status status = share_store(text("store-bind"), options); !status) return status.error();
  }
  options.upload_certs = flags.count("upload-certs") > 0;
  if (options.upload_certs) {
    if (Status status = can_share(config); !status) return status.error();
  }
  options.cluster_domain = text("service-dns-domain");
  options.cluster_dns = dns_address(config.service_cidr);
  options.foreground = flags.count("foreground") > 0;
  const auto ttl = parse_lifetime(text("token-ttl"));
  if (!ttl) {
    return Error{Code::invalid, "--token-ttl " + text("token-ttl") +
                                    ": expected a time such as 24h, at most 100 years, or 0 for ever"};
  }
  options.token_ttl = *ttl;
  // What is wrong with the rest is said by whoever reads the file.
  const auto checked =
      runtime::parse_control_plane_config(to_text(config), "the control plane's configuration");
  if (!checked) return checked.error();
  return options;
}

class Init {
 public:
  explicit Init(InitOptions options)
      : options_(std::move(options)),
        layout_(options_.layout),
        services_(layout_, Services::kind_for(layout_)) {}

  Status run() {
    if (Status status = write_files(); !status) return status;
    if (Status status = start(); !status) return status;
    auto api = AdminApi::of_host(layout_);
    if (!api) return api.error();
    if (Status ready = api->wait_ready(std::chrono::seconds(60)); !ready) {
      return {ready.code(), "the API server does not become ready: " + ready.message() + "\n" +
                                services_.last_words(kControlPlaneService) + "Its log: " +
                                services_.log_of(kControlPlaneService)};
    }
    if (Status status = publish(*api); !status) return status;
    const auto command = join_command(layout_, token_);
    if (!command) return command.error();
    std::printf("\nThe control plane runs. Use it with\n\n  export KUBECONFIG=%s\n\n"
                "and make nodes of other hosts with\n\n  %s\n\n",
                layout_.admin_kubeconfig().c_str(), command->c_str());
    if (options_.upload_certs) {
      const auto key = share_secrets(*api, layout_);
      if (!key) return key.error();
      const auto further = join_command(layout_, token_, *key);
      if (!further) return further.error();
      std::printf("and, within two hours, further control planes with\n\n  %s\n\n"
                  "Whoever has this last command can become the whole cluster: keep it as a password.\n\n",
                  further->c_str());
    }
    std::fflush(stdout);
    return {};
  }

  bool made() const { return runtime::read_file(options_.config.pki_dir + "/ca.crt").ok(); }
  void end() {
    for (const char* name : {kControlPlaneService, kRedisService}) {
      static_cast<void>(services_.halt(name));
    }
  }

 private:
  Status write_files() {
    for (const std::string& directory : {layout_.etc(), layout_.lib(), layout_.run(), layout_.log()}) {
      if (Status made = runtime::make_private_directory(directory); !made) return made;
    }
    runtime::ControlPlaneConfig& config = options_.config;
    if (!options_.scheduler_config.empty()) {
      config.scheduler_config = layout_.scheduler_config();
      const auto text = runtime::read_file(options_.scheduler_config);
      if (!text) return {text.error().code, text.error().message};
      if (Status status = runtime::write_private_file(config.scheduler_config, *text); !status) {
        return status;
      }
    }
    // A new authority for a new cluster; what it is called is what tells its store from others'.
    auto pki = runtime::load_or_create(config.pki_dir, {});
    if (!pki) return pki.error();
    config.cluster = pki->authority.key_hash().substr(7, 16);
    const std::string url =
        "https://" + config.advertise_address + ":" + std::to_string(config.port);
    if (Status status = runtime::write_private_file(
            layout_.admin_kubeconfig(),
            runtime::kubeconfig(url, pki->authority.pair().certificate, pki->admin.certificate,
                                pki->admin.key));
        !status) {
      return status;
    }
    std::printf("[init] keys and certificates in %s\n", config.pki_dir.c_str());
    return runtime::write_private_file(layout_.control_plane_config(), to_text(config));
  }

  Status start() {
    if (options_.own_redis) {
      if (Status status = prepare_redis(layout_, options_.shared_store); !status) return status;
    }
    for (const ServiceSpec& service : control_plane_services(layout_)) {
      if (Status status = services_.start(service); !status) return status;
      std::printf("[init] started %s\n", service.name.c_str());
    }
    std::fflush(stdout);
    return {};
  }

  Status publish(AdminApi& api) {
    const runtime::ControlPlaneConfig& config = options_.config;
    const std::string url =
        "https://" + config.advertise_address + ":" + std::to_string(config.port);
    if (Status status = publish_facts(api, {config.pod_cidr, config.service_cidr,
                                            options_.cluster_dns, options_.cluster_domain, config.timing, {url}});
        !status) {
      return status;
    }
    if (Status status = publish_dns(api, options_.cluster_dns); !status) return status;
    token_ = make_token();
    return publish_token(api, token_, options_.token_ttl, "made by keelson init");
  }

  InitOptions options_;
  const Layout& layout_;
  Services services_;
  BootstrapToken token_;
};

int init_fails(const std::string& why) {
  std::fprintf(stderr, "keelson init: %s\n", why.c_str());
  return 1;
}

}  // namespace

int init(int argc, char** argv) {
  cxxopts::Options parser = make_parser();
  try {
    const auto flags = parser.parse(argc, argv);
    if (flags.count("help")) {
      std::fputs(parser.help().c_str(), stdout);
      return 0;
    }
    if (!flags.unmatched().empty()) return init_fails("unexpected argument " + flags.unmatched().front());
    auto options = read(flags);
    if (!options) return init_fails(options.error().message);
    const bool foreground = options->foreground;
    const Layout layout = options->layout;
    if (runtime::read_file(layout.control_plane_config())) {
      return init_fails("this host has a control plane already (" + layout.control_plane_config() +
                  "); `keelson reset` removes it");
    }
    if (!fit("init", missing_for_control_plane(options->own_redis, options->config.bind_address,
                                               options->config.port))) {
      return 1;
    }
    const SharedStore& shared = options->shared_store;
    if (shared.port != 0 && !port_free(shared.address, shared.port)) {
      return init_fails("--store-bind: " + shared.address + ":" + std::to_string(shared.port) +
                  " is taken, or no address of this host");
    }
    Init init(std::move(*options));
    return make_host("init", init, foreground);
  } catch (const std::exception& e) {
    return init_fails(e.what());
  }
}

}  // namespace keelson::cli
