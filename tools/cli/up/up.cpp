// `keelson up`: a live cluster in this process.
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>

#include "core/rest/http.hpp"
#include "runtime/http/server.hpp"
#include "runtime/log/stream_log.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/pki/files.hpp"
#include "runtime/pki/kubeconfig.hpp"
#include "runtime/pki/pki.hpp"
#include "runtime/pki/signer.hpp"
#include "sim/live/api_front.hpp"
#include "sim/live/control.hpp"
#include "sim/report/report.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/prepare.hpp"
#include "tools/cli/up/audit.hpp"
#include "tools/cli/up/options.hpp"
#include "tools/cli/up/pump.hpp"
#include "tools/cli/up/recorder.hpp"

namespace keelson::cli {

namespace {

// How long requests may go on when the process was asked to end.
constexpr Duration kDrain = 3s;
constexpr Duration kFlushEvery = 200ms;
constexpr Duration kComplainEvery = 10s;

bool is_loopback(std::string_view authority) {
  const std::size_t scheme = authority.find("://");
  if (scheme != authority.npos) authority.remove_prefix(scheme + 3);
  for (const std::string_view name : {"localhost", "127.0.0.1", "[::1]"}) {
    if (authority == name || (authority.starts_with(name) && authority[name.size()] == ':')) return true;
  }
  return false;
}

// A web page in the user's browser reaches the loopback, too, under a name that it has chosen or with its
// own origin: where nobody is asked who he is, such requests are refused.
bool from_here(const rest::HttpRequest& request) {
  const std::string_view host = request.header("Host"), origin = request.header("Origin");
  return (host.empty() || is_loopback(host)) && (origin.empty() || is_loopback(origin));
}

// Where requests come in. Servers are started before the world, whose API knows their port; nothing
// comes in before the loop runs.
class Door final : public rest::Handler {
 public:
  // `trusting`: whoever comes without a certificate is an administrator.
  explicit Door(bool trusting) : trusting_(trusting) {}
  void open(sim::LiveWorld& world, sim::Control& control, LivePump& pump, AuditLog& audit) {
    world_ = &world;
    control_ = &control;
    pump_ = &pump;
    audit_ = &audit;
  }
  void handle(rest::HttpRequest request, rest::ExchangePtr exchange) override {
    if (trusting_ && !from_here(request)) {
      return exchange->respond({403,
                                {{"Content-Type", "text/plain; charset=utf-8"}},
                                std::string("this port is for programs on this machine\n")});
    }
    if (trusting_ && !request.peer.user) {
      request.peer.user =
          auth::UserInfo{"system:unsecured", "", {auth::kMasters, auth::kAuthenticated}, {}};
    }
    pump_->catch_up();
    if (audit_->active()) {
      world_->identify(request);
      exchange = audit_->follow(request, std::move(exchange));
    }
    rest::Handler& next =
        sim::Control::is_for(request) ? static_cast<rest::Handler&>(*control_) : *world_;
    next.handle(std::move(request), std::move(exchange));
  }

 private:
  bool trusting_;
  sim::LiveWorld* world_ = nullptr;
  sim::Control* control_ = nullptr;
  LivePump* pump_ = nullptr;
  AuditLog* audit_ = nullptr;
};

class UpSession {
 public:
  explicit UpSession(UpOptions options) : options_(std::move(options)), signals_(loop_.context()) {}

  int run() {
    if (const Status status = prepare(); !status) {
      std::fprintf(stderr, "keelson up: %s\n", status.message().c_str());
      return kBadUsage;
    }
    listen_to_signals();
    world_->start();
    pump_->wake();
    loop_.run();
    return finish();
  }

 private:
  Status prepare() {
    setup_.version = KEELSON_VERSION;
    setup_.cluster = options_.cluster;
    setup_.seed = options_.seed;
    setup_.epoch.unix_ns =
        std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    // What is wrong with the cluster is said before anything is written or bound.
    if (const auto world = sim::world_options(setup_, options_.cluster_source); !world) {
      return world.error();
    }
    if (!options_.record.empty()) {
      if (const Status status = recorder_.open(options_.record); !status) return status;
    }
    if (!options_.audit_log.empty()) {
      if (const Status status = audit_.open(options_.audit_log); !status) return status;
    }
    if (const Status status = serve(); !status) return status;
    if (const Status status = make_world(); !status) return status;
    recorder_.write(to_line(setup_));
    return write_kubeconfig();
  }

  Status serve() {
    const std::string pki_dir = options_.dir + "/pki";
    auto pki = runtime::load_or_create(pki_dir, server_names());
    if (!pki) return pki.error();
    pki_ = std::make_unique<runtime::Pki>(std::move(*pki));
    const http::PostToCore post = [this](http::Work work) {
      loop_.post_from_any_thread(std::move(work));
    };
    http::ServerOptions server;
    server.address = options_.bind;
    server.port = options_.port;
    server.tls = http::ServerTls{pki_dir + "/apiserver.crt", pki_dir + "/apiserver.key",
                                 pki_dir + "/ca.crt"};
    server.access_log = options_.access_log;
    auto secure = http::HttpServer::start(server, secure_door_, post, log_);
    if (!secure) return {secure.code(), secure.error().message + " (--port 0 takes any free port)"};
    secure_ = std::move(*secure);
    setup_.ca_pem = pki_->authority.pair().certificate;
    setup_.address = secure_->url().substr(std::string_view("https://").size());
    if (!options_.insecure_port) return {};
    server.address = "127.0.0.1";
    server.port = *options_.insecure_port;
    server.tls.reset();
    auto insecure = http::HttpServer::start(server, insecure_door_, post, log_);
    if (!insecure) return insecure.error();
    insecure_ = std::move(*insecure);
    return {};
  }

  // By which clients may call the server.
  std::vector<std::string> server_names() const {
    std::vector<std::string> names = {"localhost",
                                      "127.0.0.1",
                                      "::1",
                                      "kubernetes",
                                      "kubernetes.default",
                                      "kubernetes.default.svc",
                                      "kubernetes.default.svc.cluster.local",
                                      "10.96.0.1"};
    const bool all = options_.bind == "0.0.0.0" || options_.bind == "::";
    if (!all && options_.bind != "127.0.0.1" && options_.bind != "::1" &&
        options_.bind != "localhost") {
      names.push_back(options_.bind);
    }
    char host[256] = "";
    if (all && gethostname(host, sizeof host - 1) == 0 && host[0] != '\0') names.emplace_back(host);
    return names;
  }

  Status make_world() {
    auto keys = auth::JwtKeys::load(pki_->service_account_key);
    if (!keys) return keys.error();
    auto live = sim::live_options(setup_, options_.cluster_source, std::move(*keys));
    if (!live) return live.error();
    live->signer = std::make_shared<runtime::ClusterSigner>(pki_->authority);
    live->check = options_.check;
    live->on_note = [](const sim::Note& note) {
      if (note.level < Level::warning && note.source != "fault") return;
      std::fprintf(stderr, "%10s  %s: %s\n", sim::clock_text(note.at.time_since_epoch()).c_str(),
                   note.source.c_str(), note.text.c_str());
    };
    world_ = std::make_unique<sim::LiveWorld>(std::move(*live));
    pacer_ = std::make_unique<sim::Pacer>(options_.speed, options_.paused, LivePump::real(),
                                          world_->now());
    pump_ = std::make_unique<LivePump>(*world_, *pacer_, loop_, [this] { after_turn(); });
    control_ =
        std::make_unique<sim::Control>(*world_, *pacer_, LivePump::real, [this] { pump_->wake(); });
    world_->before_input([this] { pump_->catch_up(); });
    world_->record_to([this](const sim::Entry& entry) {
      if (recorder_.active()) recorder_.write(to_line(entry));
      pump_->wake();
    });
    secure_door_.open(*world_, *control_, *pump_, audit_);
    insecure_door_.open(*world_, *control_, *pump_, audit_);
    return {};
  }

  Status write_kubeconfig() {
    return runtime::write_private_file(
        options_.kubeconfig, runtime::kubeconfig(secure_->url(), setup_.ca_pem,
                                                 pki_->admin.certificate, pki_->admin.key));
  }

  void after_turn() {
    control_->advanced();
    const Duration real = LivePump::real();
    if (!announced_) announce(real);
    if (real - flushed_ >= kFlushEvery) {
      flushed_ = real;
      recorder_.flush();
    }
    tell_of_lag(real);
    tell_of_violations();
  }

  void announce(Duration real) {
    if (!world_->ready()) return;
    const std::size_t nodes = world_->world().nodes().size(), ready = world_->ready_nodes();
    if (ready < nodes && real - begun_ < 30s && !options_.paused) return;
    announced_ = true;
    std::printf("%zu of %zu nodes are Ready after %.1f s. The API is at %s\n", ready, nodes,
                std::chrono::duration<double>(real - begun_).count(), secure_->url().c_str());
    if (insecure_) std::printf("Without TLS and access control: %s\n", insecure_->url().c_str());
    std::printf(
        "\nNext, in another terminal:\n"
        "  export KUBECONFIG=%s\n"
        "  kubectl get nodes\n"
        "  keelson run kel --image=nginx:1.7.9 --port=80\n"
        "  keelson scale deployments/kel --replicas=4\n"
        "  keelson get pods -o wide -w\n",
        options_.kubeconfig.c_str());
    if (nodes > 0) {
      const auto& first = world_->world().nodes().front()->name();
      std::printf("  keelson fault crash %s --for 1m\n", first.c_str());
    }
    std::puts("  keelson clock speed 10\n\nCtrl-C ends it.");
    if (options_.paused) std::puts("The clock is paused: keelson clock resume");
    std::fflush(stdout);
  }

  void tell_of_lag(Duration real) {
    const Duration slipped = pacer_->slipped();
    if (slipped == told_slipped_ || real - complained_ < kComplainEvery) return;
    complained_ = real;
    // Making the cluster takes what it takes.
    if (announced_ && told_slipped_ != Duration{}) {
      std::fprintf(
          stderr,
          "This machine cannot keep up with speed %s: %s of virtual time were given up so far\n",
          sim::format_speed(pacer_->speed()).c_str(), sim::clock_text(slipped).c_str());
    }
    told_slipped_ = slipped;
  }

  void tell_of_violations() {
    if (world_->checks() == nullptr) return;
    const auto& violations = world_->checks()->violations();
    constexpr std::size_t kMost = 100;  // one that is broken for good is broken again and again
    for (; told_ < violations.size() && told_ < kMost; ++told_) {
      const sim::Violation& v = violations[told_];
      std::fprintf(stderr, "%10s  VIOLATED %s: %s\n",
                   sim::clock_text(v.at.time_since_epoch()).c_str(), v.invariant.c_str(),
                   v.what.c_str());
    }
  }

  void listen_to_signals() {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    wait_for_signal();
  }
  void wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      if (std::exchange(ending_, true)) return loop_.stop();
      std::fputs("\nEnding: what is under way has 3 s. Ctrl-C again ends at once.\n", stderr);
      servers_open_ = insecure_ ? 2 : 1;
      const auto closed = [this] {
        if (--servers_open_ == 0) loop_.stop();
      };
      secure_->drain(kDrain, closed);
      if (insecure_) insecure_->drain(kDrain, closed);
      wait_for_signal();
    });
  }

  int finish() {
    world_->before_input(nullptr);
    world_->end();
    const bool recorded = recorder_.active();
    recorder_.flush();
    tell_of_violations();
    const bool violated = world_->checks() != nullptr && !world_->checks()->violations().empty();
    if (options_.check) {
      std::printf("%s\n", violated ? "VIOLATED: see above" : "Every guarantee held.");
    }
    if (recorded) {
      std::printf("Run it again: keelson sim replay %s   (hash %016llx)\n", options_.record.c_str(),
                  static_cast<unsigned long long>(world_->hash()));
    }
    insecure_.reset();
    secure_.reset();
    // The process is about to end and takes the cluster's memory with it: to free a big one object
    // by object takes long. Still reachable, for those who look for leaks.
    [[maybe_unused]] static const sim::LiveWorld* volatile left;
    left = world_.release();
    return violated ? static_cast<int>(sim::Verdict::violated) : 0;
  }

  UpOptions options_;
  sim::Setup setup_;
  runtime::AsioLoop loop_;
  runtime::StreamLog log_;
  boost::asio::signal_set signals_;
  std::unique_ptr<runtime::Pki> pki_;
  Door secure_door_{false}, insecure_door_{true};
  SessionRecorder recorder_;
  AuditLog audit_{[this] { return world_ ? world_->date() : setup_.epoch; }};
  std::unique_ptr<sim::LiveWorld> world_;
  std::unique_ptr<sim::Pacer> pacer_;
  std::unique_ptr<LivePump> pump_;
  std::unique_ptr<sim::Control> control_;
  std::unique_ptr<http::HttpServer> secure_, insecure_;
  int servers_open_ = 0;
  bool ending_ = false, announced_ = false;
  const Duration begun_ = LivePump::real();
  Duration flushed_{}, complained_{}, told_slipped_{};
  std::size_t told_ = 0;
};

}  // namespace

int up(int argc, char** argv) {
  auto command = parse_up(argc, argv);
  if (!command) {
    std::fprintf(stderr, "keelson up: %s\n", command.error().message.c_str());
    return kBadUsage;
  }
  if (!command->run) {
    std::fputs(command->help.c_str(), stdout);
    return 0;
  }
  // A client that closes its connection is no reason to end.
  std::signal(SIGPIPE, SIG_IGN);
  return UpSession(std::move(*command->run)).run();
}

}  // namespace keelson::cli
