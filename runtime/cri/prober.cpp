#include "runtime/cri/prober.hpp"

#include <fmt/format.h>

#include "runtime/cri/container_config.hpp"
#include "runtime/cri/proto/health.pb.h"
#include "runtime/cri/utf8.hpp"
#include "runtime/loop/asio_loop.hpp"

namespace keelson::cri {

namespace {

// Each is a process that the runtime starts: a node full of exec probes must not start all at once.
constexpr int kExecsMax = 32;
// A hook may take as long as its pod's grace, which its caller watches.
constexpr Duration kHookMax = std::chrono::hours(24);
// A connection that says nothing for so long is broken.
constexpr Duration kNetworkHookMax = std::chrono::minutes(5);
// For the runtime to kill a command that has run out of time. A child that keeps its output open
// makes it wait for longer, which nobody else should.
constexpr Duration kExecMargin = 10s;

agent::ProbeAnswer failure(std::string why) {
  why = to_utf8(std::move(why));
  if (why.size() > agent::probe_output_max) {
    why.resize(agent::probe_output_max);
    why = to_utf8(std::move(why));
    // The last character may have been cut in two, and what stands for it is longer.
    if (why.size() > agent::probe_output_max) why.resize(why.size() - 3);
  }
  return {agent::ProbeResult::failure, std::move(why)};
}

Duration timeout_of(const api::Probe& probe) {
  return std::chrono::seconds(std::max(1, probe.timeout_seconds()));
}

}  // namespace

template <class T>
void Prober::answer(Done<T> done, Result<T> result) {
  loop_.post([done = guarded(std::move(done)), result = std::move(result)]() mutable {
    done(std::move(result));
  });
}

template <class T>
Done<T> Prober::guarded(Done<T> done) {
  return [alive = std::weak_ptr<char>(alive_), done = std::move(done)](Result<T> result) mutable {
    if (!alive.expired()) done(std::move(result));
  };
}

std::optional<Prober::Target> Prober::target(const std::string& container) {
  const KnownContainer* known = inventory_.container(container);
  if (!known) return std::nullopt;
  const KnownSandbox* sandbox = inventory_.sandbox(known->info.sandbox);
  if (!sandbox || sandbox->info.ip.empty()) return std::nullopt;
  return Target{sandbox->info.ip, known->ports};
}

void Prober::probe(const std::string& container, const api::Probe& probe,
                   Done<agent::ProbeAnswer> done) {
  const api::ProbeHandler& handler = probe.handler();
  const Duration timeout = timeout_of(probe);
  if (handler.has_exec()) return exec(container, handler.exec(), timeout, std::move(done));
  if (handler.has_http_get()) return http(container, handler.http_get(), timeout, std::move(done));
  if (handler.has_tcp_socket())
    return tcp(container, handler.tcp_socket(), timeout, std::move(done));
  if (handler.has_grpc()) return grpc(container, handler.grpc(), timeout, std::move(done));
  answer<agent::ProbeAnswer>(std::move(done), {Code::invalid, "missing probe handler"});
}

void Prober::hook(const std::string& container, const api::LifecycleHandler& hook,
                  Done<Unit> done) {
  if (hook.has_sleep()) {
    const int id = next_nap_++;
    auto nap = [this, id, done = std::move(done)]() mutable {
      Done<Unit> awake = std::move(done);
      naps_.erase(id);
      awake(Unit{});
    };
    naps_.emplace(id, Timer(loop_, std::move(nap)));
    naps_.at(id).arm(std::chrono::seconds(std::clamp<int64_t>(hook.sleep().seconds(), 0, 86'400)));
    return;
  }
  auto judged = [done = std::move(done)](Result<agent::ProbeAnswer> said) mutable {
    if (!said.ok()) return done(said.error());
    if (said->result == agent::ProbeResult::success) return done(Unit{});
    done(Error{Code::invalid, said->output.empty() ? "the hook failed" : said->output});
  };
  if (hook.has_exec()) return exec(container, hook.exec(), kHookMax, std::move(judged));
  if (hook.has_http_get())
    return http(container, hook.http_get(), kNetworkHookMax, std::move(judged));
  if (hook.has_tcp_socket())
    return tcp(container, hook.tcp_socket(), kNetworkHookMax, std::move(judged));
  answer<agent::ProbeAnswer>(std::move(judged), {Code::invalid, "missing hook handler"});
}

void Prober::exec(const std::string& container, const api::ExecAction& action, Duration timeout,
                  Done<agent::ProbeAnswer> done) {
  if (execs_ >= kExecsMax) {
    return answer<agent::ProbeAnswer>(
        std::move(done), {Code::unavailable, "too many commands run in this node's containers"});
  }
  wire::ExecSyncRequest request;
  request.set_container_id(container);
  for (const std::string& word : action.command()) request.add_cmd(word);
  request.set_timeout(timeout / std::chrono::seconds(1));
  ++execs_;
  client_.change_within<wire::ExecSyncResponse>(
      "ExecSync", request, timeout + kExecMargin,
      [this, timeout, done = std::move(done)](Result<wire::ExecSyncResponse> said) mutable {
        --execs_;
        if (!said.ok()) {
          // The runtime has killed it: it took too long. Anything else, as the end of the
          // connection, says nothing about the container.
          if (said.error().message.find("xceeded") != std::string::npos) {
            return done(failure(
                fmt::format("command timed out after {}s", timeout / std::chrono::seconds(1))));
          }
          return done(Error{Code::unavailable, said.error().message});
        }
        std::string output = said->stdout() + said->stderr();
        if (said->exit_code() != 0) return done(failure(std::move(output)));
        done(agent::ProbeAnswer{});
      });
}

void Prober::http(const std::string& container, const api::HTTPGetAction& action, Duration timeout,
                  Done<agent::ProbeAnswer> done) {
  const std::optional<Target> to = target(container);
  if (!to) {
    return answer<agent::ProbeAnswer>(std::move(done),
                                      {Code::not_found, "the container's address is not known"});
  }
  const std::optional<uint16_t> port = find_port(to->ports, action.port());
  if (!port) {
    return answer<agent::ProbeAnswer>(
        std::move(done), {Code::invalid, "couldn't find port: " + action.port().str_val()});
  }
  HttpCheck check{.tls = action.scheme() == "HTTPS",
                  .host = action.host().empty() ? to->ip : action.host(),
                  .port = *port,
                  .timeout = timeout};
  check.path = action.path().starts_with('/') ? action.path() : "/" + action.path();
  for (const api::HTTPHeader& header : action.http_headers()) {
    check.headers.emplace_back(header.name(), header.value());
  }
  check_http(loop_, std::move(check), guarded(std::move(done)));
}

void Prober::tcp(const std::string& container, const api::TCPSocketAction& action, Duration timeout,
                 Done<agent::ProbeAnswer> done) {
  const std::optional<Target> to = target(container);
  const std::optional<uint16_t> port = to ? find_port(to->ports, action.port()) : std::nullopt;
  if (!port) {
    return answer<agent::ProbeAnswer>(
        std::move(done), {Code::invalid, "couldn't find port: " + action.port().str_val()});
  }
  check_tcp(loop_, action.host().empty() ? to->ip : action.host(), *port, timeout,
            guarded(std::move(done)));
}

void Prober::grpc(const std::string& container, const api::GRPCAction& action, Duration timeout,
                  Done<agent::ProbeAnswer> done) {
  const std::optional<Target> to = target(container);
  if (!to) {
    return answer<agent::ProbeAnswer>(std::move(done),
                                      {Code::not_found, "the container's address is not known"});
  }
  const bool v6 = to->ip.find(':') != to->ip.npos;
  const std::string address =
      (v6 ? "[" + to->ip + "]" : to->ip) + ":" + std::to_string(action.port());
  using ::grpc::health::v1::HealthCheckRequest;
  using ::grpc::health::v1::HealthCheckResponse;
  HealthCheckRequest request;
  request.set_service(action.service());
  Rpc& rpc = client_.rpc();
  rpc.call<HealthCheckResponse>(
      rpc.open((v6 ? "ipv6:" : "ipv4:") + address, true), "/grpc.health.v1.Health/Check", request,
      timeout, Effect::reads,
      [address, done = std::move(done)](Result<HealthCheckResponse> said) mutable {
        if (!said.ok()) {
          return done(
              failure(fmt::format("failed to check \"{}\": {}", address, said.error().message)));
        }
        if (said->status() == HealthCheckResponse::SERVING) return done(agent::ProbeAnswer{});
        done(failure(fmt::format("service unhealthy (responded with \"{}\")",
                                 HealthCheckResponse::ServingStatus_Name(said->status()))));
      });
}

}  // namespace keelson::cri
