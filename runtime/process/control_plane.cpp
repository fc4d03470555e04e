#include "runtime/process/control_plane.hpp"

#include <cinttypes>

#include "core/apiserver/api_server.hpp"
#include "core/apiserver/local_client.hpp"
#include "core/apiserver/server_leases.hpp"
#include "core/auth/access.hpp"
#include "core/base/duration_text.hpp"
#include "core/client/event_recorder.hpp"
#include "core/rest/front.hpp"
#include "core/store/memory_store.hpp"
#include "runtime/http/server.hpp"
#include "runtime/loop/entropy.hpp"
#include "runtime/node/node_dialer.hpp"
#include "runtime/node/remote_streams.hpp"
#include "runtime/node/remote_usage.hpp"
#include "runtime/pki/files.hpp"
#include "runtime/pki/pki.hpp"
#include "runtime/process/plane_facts.hpp"
#include "runtime/process/roles.hpp"
#include "runtime/process/server_names.hpp"
#include "runtime/process/store_mark.hpp"
#include "runtime/redis/redis_store.hpp"

namespace keelson::runtime {

namespace {

constexpr Duration kLookAtKeys = std::chrono::hours(1);

std::string hex(uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016" PRIx64, number);
  return text;
}

// "10.96.0.0/16"
Status read_service_cidr(const std::string& cidr, apiserver::ApiServerOptions& options) {
  // Its form is that of a network of pods, and so are the mistakes.
  const auto network = controllers::parse_pod_network(cidr, 30);
  if (!network) return {Code::invalid, "serviceCIDR: " + network.error().message};
  options.service_network = cidr.substr(0, cidr.find('/'));
  options.service_prefix = network->prefix;
  return {};
}

}  // namespace

constexpr Duration kReportSoon = 1s;
// The answer of the store to our leaving is waited for this long.
constexpr Duration kLeave = 1s;

struct ControlPlane::Impl {
  Impl(AsioLoop& loop_in, Log& log_in, ControlPlaneConfig config_in)
      : loop(loop_in),
        log(log_in),
        config(std::move(config_in)),
        identity(config.name + "_" + hex(entropy_seed())),
        rng(entropy_seed()) {}

  Status start() {
    const auto scheduling = load_scheduler_config(config.scheduler_config);
    if (!scheduling) return {Code::invalid, "schedulerConfig: " + scheduling.error().message};
    SchedulerSetting scheduling_setting{identity, *scheduling, nullptr};
    if (*scheduling) {
      auto extenders = HttpExtenders::make(loop, (*scheduling)->extenders);
      if (!extenders) return {Code::invalid, "schedulerConfig: " + extenders.error().message};
      scheduling_setting.extenders = std::move(*extenders);
    }
    const auto network = controllers::parse_pod_network(config.pod_cidr, config.node_cidr_prefix);
    if (!network) return {Code::invalid, "podCIDR: " + network.error().message};
    const auto window = parse_duration(config.history_window);
    if (!window) return {Code::invalid, "historyWindow: " + window.error().message};
    apiserver::ApiServerOptions options;
    if (Status status = read_service_cidr(config.service_cidr, options); !status) return status;
    if (Status status = load_keys(); !status) return status;
    if (Status status = open_store(); !status) return status;
    options.identity = config.name;
    options.bootstrap_rbac = true;
    options.history_window = *window;
    options.root_ca = pki->authority.pair().certificate;
    options.advertise_address = config.advertise_address;
    options.advertise_port = config.port;
    const controllers::NodeTiming timing = controllers::node_timing(config.timing);
    options.default_toleration_seconds = timing.default_toleration_seconds;
    server = std::make_unique<apiserver::ApiServer>(loop, *store, rng.fork("api-server"), log,
                                                    options);
    auto keys = auth::JwtKeys::load(pki->service_account_key);
    if (!keys) return keys.error();
    access = std::make_unique<auth::AccessControl>(*server, loop, rng.fork("access"),
                                                   std::move(*keys));
    if (Status status = serve(); !status) return status;
    client = std::make_unique<apiserver::LocalClient>(*server);
    events = std::make_unique<client::EventRecorder>(
        loop, *client, rng.fork("events"),
        client::EventRecorderOptions{.component = "apiserver", .actor = identity});
    const auto setting = std::make_shared<const ControllerSetting>(ControllerSetting{
        identity, timing, *network, pki->authority, access->authorizer()});
    controllers = std::make_unique<Role>(
        loop, *client, rng.fork("controllers"), log, "controller-manager",
        "system:kube-controller-manager", identity, [this, setting](Rng fresh) {
          return controller_work(loop, *client, fresh, log, *setting);
        });
    scheduler = std::make_unique<Role>(
        loop, *client, rng.fork("scheduler"), log, "scheduler", "system:kube-scheduler", identity,
        [this, setting = std::move(scheduling_setting)](Rng fresh) {
          return scheduler_work(loop, *client, fresh, log, setting);
        });
    if (*scheduling) {
      for (const std::string& note : (*scheduling)->notes) {
        log.info("scheduler configuration", {{"note", note}});
      }
    }
    leases = std::make_unique<apiserver::ServerLeases>(
        loop, *client, log,
        apiserver::ServerLeaseOptions{.name = config.name,
                                      .identity = identity,
                                      .address = config.advertise_address,
                                      .port = config.port});
    server->start();
    leases->start();
    controllers->start();
    scheduler->start();
    log.info("serving", {{"url", secure->url()}, {"store", config.store}, {"name", config.name}});
    return {};
  }

  Status load_keys() {
    auto loaded = load_or_create(config.pki_dir, server_names(config));
    if (!loaded) return loaded.error();
    pki = std::make_unique<Pki>(std::move(*loaded));
    return {};
  }

  // Renews what ends soon, and takes what `keelson certs renew` has written. The HTTP server looks at its
  // files by itself; the way to the nodes shows the certificate, too.
  void look_at_keys() {
    keys_timer.arm(kLookAtKeys);
    // Only certificates are made here, which takes a millisecond.
    auto now = load_or_create(config.pki_dir, server_names(config));
    if (!now) return log.error("cannot look after the certificates", {{"why", now.error().message}});
    if (now->server.certificate == pki->server.certificate) return;
    if (Status status = nodes->use_certificate(now->server.certificate, now->server.key); !status) {
      return log.error("cannot use the new certificate", {{"why", status.message()}});
    }
    pki->server = std::move(now->server);
    log.info("the API server's certificate is a new one");
  }

  Status open_store() {
    if (config.store == "memory") {
      log.warning("the store is in memory: nothing is kept");
      store = std::make_unique<store::MemoryStore>(loop);
      return {};
    }
    auto address = redis::parse_address(config.store);
    if (!address) return {Code::invalid, "store: " + address.error().message};
    if (!config.store_user.empty()) address->user = config.store_user;
    if (!config.store_password_file.empty()) {
      auto password = read_file(config.store_password_file);
      if (!password) return {password.code(), "storePasswordFile: " + password.error().message};
      while (!password->empty() && (password->back() == '\n' || password->back() == '\r')) {
        password->pop_back();
      }
      address->password = std::move(*password);
    }
    redis::RedisStoreOptions options;
    const std::string shown = address->shown();
    options.address = std::move(*address);
    options.cluster = config.cluster;
    options.client = identity;
    options.replicas = config.store_replicas;
    // A store that is empty where there was one has lost everything: better none than a new cluster in its
    // place that ends what runs.
    const std::string mark = config.pki_dir + "/store-made";
    options.create = !StoreMark::there(mark);
    auto made = std::make_unique<redis::RedisStore>(loop, log, std::move(options), entropy_seed());
    made->on_history_lost([this](const redis::HistoryLost& lost) { history_lost(lost); });
    store_mark = std::make_unique<StoreMark>(loop, log, mark, config.cluster,
                                             [redis = made.get()] { return redis->serving(); });
    report_timer = Timer(loop, [this] { report_loss(); });
    store_watch = std::make_unique<StoreWatch>(loop, *made, shown, config.store_replicas);
    store = std::move(made);
    return {};
  }

  // What happened in this range was acknowledged, and is gone (the store has logged it): people must see
  // it in the cluster, too, as soon as there is an API again.
  void history_lost(const redis::HistoryLost& lost) {
    store_watch->note_history_lost();
    losses.push_back("Acknowledged writes were lost: the store had revision " +
                     std::to_string(lost.seen.value) + " and came back with " +
                     std::to_string(lost.found.value) + "; it goes on at " +
                     std::to_string(lost.resumed.value));
    report_timer.arm(kReportSoon);
  }

  void report_loss() {
    const api::ObjectPtr about =
        server->ready() ? server->cache().find(api::Kind::namespaces, "", "kube-system") : nullptr;
    if (!about) return report_timer.arm(kReportSoon);
    for (const std::string& loss : std::exchange(losses, {})) {
      events->record(*about, true, "StoreHistoryLost", loss);
    }
  }

  rest::ProcessFacts facts() const {
    return plane_facts(loop, {.name = config.name,
                              .pki_dir = config.pki_dir,
                              .store = config.store,
                              .store_watch = [this] { return store_watch.get(); },
                              .http = [this] { return secure.get(); },
                              .roles = [this] {
                                std::map<std::string, const Role*> roles;
                                if (controllers) roles["controller-manager"] = controllers.get();
                                if (scheduler) roles["scheduler"] = scheduler.get();
                                return roles;
                              }});
  }

  Status serve() {
    auto dialer = node::NodeDialer::make(
        server->cache(), {pki->authority.pair().certificate, pki->server.certificate, pki->server.key});
    if (!dialer) return dialer.error();
    nodes = std::make_unique<node::NodeDialer>(*dialer);
    usage = std::make_unique<node::RemoteUsage>(loop, *dialer);
    streams = std::make_unique<node::RemoteStreams>(loop, std::move(*dialer));
    keys_timer = Timer(loop, [this] { look_at_keys(); });
    keys_timer.arm(kLookAtKeys);
    rest::FrontOptions front_options;
    front_options.usage = usage.get();
    front_options.advertised_address =
        config.advertise_address + ":" + std::to_string(config.port);
    front_options.process = facts();
    front = std::make_unique<rest::Front>(*server, loop, log, access.get(), streams.get(),
                                          front_options);
    http::ServerOptions options;
    options.address = config.bind_address;
    options.port = config.port;
    options.tls = http::ServerTls{config.pki_dir + "/apiserver.crt", config.pki_dir + "/apiserver.key",
                                  config.pki_dir + "/ca.crt"};
    options.access_log = config.access_log;
    const http::PostToCore post = [this](http::Work work) {
      loop.post_from_any_thread(std::move(work));
    };
    auto started = http::HttpServer::start(options, *front, post, log);
    if (!started) return started.error();
    secure = std::move(*started);
    return {};
  }

  AsioLoop& loop;
  Log& log;
  const ControlPlaneConfig config;
  const std::string identity;
  const Rng rng;
  std::unique_ptr<Pki> pki;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<StoreMark> store_mark;
  std::unique_ptr<StoreWatch> store_watch;
  std::unique_ptr<apiserver::ApiServer> server;
  std::unique_ptr<auth::AccessControl> access;
  std::unique_ptr<node::NodeDialer> nodes;
  std::unique_ptr<node::RemoteUsage> usage;
  std::unique_ptr<node::RemoteStreams> streams;
  std::unique_ptr<rest::Front> front;
  std::unique_ptr<http::HttpServer> secure;
  std::unique_ptr<apiserver::LocalClient> client;
  std::unique_ptr<client::EventRecorder> events;
  std::unique_ptr<apiserver::ServerLeases> leases;
  std::unique_ptr<Role> controllers, scheduler;
  Timer leaving;
  bool shutting = false;
  Timer keys_timer, report_timer;
  std::vector<std::string> losses;  // of history, still to be told
};

ControlPlane::ControlPlane(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControlPlane::~ControlPlane() = default;

Result<std::unique_ptr<ControlPlane>> ControlPlane::start(AsioLoop& loop, Log& log,
                                                          const ControlPlaneConfig& config) {
  auto impl = std::make_unique<Impl>(loop, log, config);
  if (Status status = impl->start(); !status) return status.error();
  return std::unique_ptr<ControlPlane>(new ControlPlane(std::move(impl)));
}

void ControlPlane::drain(Duration bound, std::function<void()> done) {
  impl_->controllers->release();
  impl_->scheduler->release();
  // The others are told before the door is shut, unless the store does not answer.
  const auto shut = [impl = impl_.get(), bound, done = std::move(done)] {
    if (std::exchange(impl->shutting, true)) return;
    impl->leaving.disarm();
    impl->secure->drain(bound, done);
  };
  impl_->leaving = Timer(impl_->loop, shut);
  impl_->leaving.arm(kLeave);
  impl_->leases->leave(shut);
}

}  // namespace keelson::runtime
