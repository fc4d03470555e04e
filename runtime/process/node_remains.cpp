#include "runtime/process/node_remains.hpp"

#include <unistd.h>

#include <deque>
#include <filesystem>
#include <functional>

#include "core/client/api_client.hpp"
#include "core/proxy/service_rules.hpp"
#include "runtime/cri/cri_runtime.hpp"
#include "runtime/log/stream_log.hpp"
#include "runtime/network/dns_server.hpp"
#include "runtime/network/nft_proxy.hpp"
#include "runtime/network/node_network.hpp"
#include "runtime/network/policies.hpp"

namespace keelson::runtime {

namespace {

constexpr Duration kPatience = 2min;

// For parts that want one and ask nothing: nobody calls start().
class NoClient final : public client::ApiClient {
 public:
  void call(api::Request, Callback<void(api::Response)>) override {}
  api::WatchId watch(api::WatchRequest, api::WatchSink&) override { return {}; }
  void unwatch(api::WatchId) override {}
};

class Removal {
 public:
  Removal(AsioLoop& loop, Log& log, const NodeConfig& config)
      : loop_(loop),
        containers_(loop, log,
                    {.socket = config.containerd,
                     .node = config.name,
                     .cgroup_parent = config.cgroup_parent,
                     .log_directory = config.log_dir,
                     .state_directory = config.state_dir}),
        deadline_(loop, [this] {
          trouble_ = "the container runtime does not answer in time";
          loop_.stop();
        }) {}

  Status run() {
    deadline_.arm(kPatience);
    containers_.list([this](Result<agent::RuntimeState> state) {
      if (!state) return end(state.error());
      for (const auto& container : state->containers) {
        if (container.state == agent::ContainerState::running) {
          steps_.push_back([this, id = container.id](Done<Unit> done) {
            containers_.stop_container(id, 2s, std::move(done));
          });
        }
        steps_.push_back([this, id = container.id](Done<Unit> done) {
          containers_.remove_container(id, std::move(done));
        });
      }
      for (const auto& sandbox : state->sandboxes) {
        steps_.push_back([this, id = sandbox.id](Done<Unit> done) {
          containers_.stop_sandbox(id, std::move(done));
        });
        steps_.push_back([this, id = sandbox.id](Done<Unit> done) {
          containers_.remove_sandbox(id, std::move(done));
        });
      }
      next();
    });
    loop_.run();
    return trouble_.empty() ? Status() : Status(Code::unavailable, trouble_);
  }

 private:
  void next() {
    if (steps_.empty()) return loop_.stop();
    auto step = std::move(steps_.front());
    steps_.pop_front();
    step([this](Result<Unit> done) {
      if (!done && done.code() != Code::not_found) trouble_ = done.error().message;
      next();
    });
  }
  void end(const Error& error) {
    trouble_ = error.message;
    loop_.stop();
  }

  AsioLoop& loop_;
  cri::CriRuntime containers_;
  std::deque<std::function<void(Done<Unit>)>> steps_;
  std::string trouble_;
  Timer deadline_;
};

// Below every hierarchy; with cgroup v2, and beside it, that is one. Cgroups that still have
// processes stay, since the kernel refuses to remove them.
void remove_cgroups(const std::string& parent) {
  namespace fs = std::filesystem;
  // Somebody may have written anything into the configuration.
  if (parent.size() < 2 || parent[0] != '/' || parent.find("..") != parent.npos) return;
  std::vector<fs::path> tops = {"/sys/fs/cgroup" + parent};
  std::error_code error;
  for (fs::directory_iterator it("/sys/fs/cgroup", error), end; !error && it != end;
       it.increment(error)) {
    if (it->is_directory(error)) tops.push_back(it->path() / parent.substr(1));
  }
  for (const fs::path& top : tops) {
    std::vector<fs::path> found;
    if (fs::is_directory(top, error)) found.push_back(top);
    for (fs::recursive_directory_iterator it(top, error), end; !error && it != end;
         it.increment(error)) {
      if (it->is_directory(error) && !it->is_symlink(error)) found.push_back(it->path());
    }
    // Children come after their parents in this list.
    for (auto it = found.rbegin(); it != found.rend(); ++it) ::rmdir(it->c_str());
  }
}

}  // namespace

Status remove_node_remains(const NodeConfig& config) {
  StreamLog log({.level = Level::error});
  std::string trouble;
  const auto note = [&](const Status& status) {
    if (!status) trouble += (trouble.empty() ? "" : "; ") + status.message();
  };
  {
    AsioLoop loop;
    note(Removal(loop, log, config).run());
  }
  remove_cgroups(config.cgroup_parent);
  AsioLoop loop;
  NoClient client;
  const Rng rng(1);  // of back-offs that never come
  network::NodeNetworkOptions options;
  options.node = config.name;
  options.cluster_cidrs = {config.pod_cidr};
  options.cni_dir = config.cni_conf_dir;
  options.cni.bridge = config.bridge;
  network::NodeNetwork pods(loop, log, client, rng, std::move(options));
  note(pods.erase());
  proxy::ServiceRules rules(config.name);
  network::NftProxy services(loop, log, rules, {.node = config.name});
  note(services.erase());
  network::DnsServer dns(loop, log, rules, rng,
                         {.address = config.cluster_dns, .own_address = true});
  note(dns.erase());
  network::PolicyEnforcer policies(loop, log, client, rng, {.node = config.name});
  note(policies.erase());
  return trouble.empty() ? Status() : Status(Code::unavailable, trouble);
}

}  // namespace keelson::runtime
