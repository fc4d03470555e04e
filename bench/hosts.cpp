// Real hosts, as network namespaces of this machine: how fast pods start beside what the container runtime
// needs by itself, how fast fifty of them, and what an idle cluster costs. Needs root; see tools/hosts.
//
//   bench_hosts [--pods 20]
#include <boost/json.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cxxopts.hpp>
#include <fstream>
#include <sstream>
#include <thread>
#include <unistd.h>
#include <vector>

#include "runtime/http/client.hpp"
#include "runtime/pki/files.hpp"
#include "tools/hosts/hosts.hpp"

namespace {

using namespace keelson;
using namespace std::chrono_literals;
namespace json = boost::json;
using Clock = std::chrono::steady_clock;

double ms(Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

std::string text_at(const json::value& tree, std::initializer_list<std::string_view> path) {
  const json::value* at = &tree;
  for (const auto name : path) {
    const json::object* object = at->if_object();
    at = object ? object->if_contains(name) : nullptr;
    if (!at) return {};
  }
  return at->is_string() ? std::string(at->get_string()) : std::string();
}

class Api {
 public:
  explicit Api(const hosts::Hosts& on)
      : client_({.server = "https://" + hosts::Hosts::address(1) + ":6443",
                 .ca_pem = pki(on, "ca.crt"),
                 .client_cert_pem = pki(on, "admin.crt"),
                 .client_key_pem = pki(on, "admin.key")}) {}

  json::value call(const std::string& method, const std::string& target, const std::string& body = {}) {
    http::Request request;
    request.method = method;
    request.target = target;
    request.body = body;
    request.timeout = 20s;
    request.headers = {{"Content-Type", "application/json"}};
    const auto answer = client_.send(request);
    if (!answer || answer->status / 100 != 2) {
      std::fprintf(stderr, "%s %s: %s\n", method.c_str(), target.c_str(),
                   answer ? answer->body.c_str() : answer.error().message.c_str());
      std::exit(1);
    }
    return json::parse(answer->body);
  }

 private:
  static std::string pki(const hosts::Hosts& on, const std::string& file) {
    auto text = runtime::read_file(on.root(1) + "/etc/keelson/pki/" + file);
    return text ? *text : std::string();
  }
  http::Client client_;
};

std::string pod(const std::string& name) {
  return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name +
         R"("},"spec":{"terminationGracePeriodSeconds":0,"containers":[{"name":"c","image":"busybox:1.35",)"
         R"("command":["sleep","1000"]}]}})";
}

constexpr const char* kPods = "/api/v1/namespaces/default/pods";

void pod_starts(hosts::Hosts& hosts, Api& api, int count) {
  std::vector<double> alone, whole, from_scheduled;
  const std::string ctr = "ctr -a " + hosts.root(2) + "/run/keelson/containerd.sock -n k8s.io run -d ";
  for (int i = 0; i < count; ++i) {
    const std::string id = "bench" + std::to_string(i);
    // The same two containers that a pod has: its sandbox's and its own.
    const auto begun = Clock::now();
    hosts.run(2, ctr + "registry.k8s.io/pause:3.6 " + id + "s && " + ctr +
                     "docker.io/library/busybox:1.35 " + id + "c sleep 1000");
    alone.push_back(ms(Clock::now() - begun));
    for (const char* which : {"s", "c"}) {
      hosts.run(2, "C='ctr -a " + hosts.root(2) + "/run/keelson/containerd.sock -n k8s.io'; $C task kill -s 9 " +
                       id + which + "; sleep 0.1; $C task rm " + id + which + "; $C c rm " + id + which);
    }
    const std::string name = "p" + std::to_string(i);
    const auto created = Clock::now();
    api.call("POST", kPods, pod(name));
    Clock::time_point scheduled{};
    for (;;) {
      const json::value now = api.call("GET", std::string(kPods) + "/" + name);
      if (scheduled == Clock::time_point{} && !text_at(now, {"spec", "nodeName"}).empty()) {
        scheduled = Clock::now();
      }
      if (text_at(now, {"status", "phase"}) == "Running") break;
      std::this_thread::sleep_for(2ms);
    }
    whole.push_back(ms(Clock::now() - created));
    from_scheduled.push_back(ms(Clock::now() - scheduled));
    api.call("DELETE", std::string(kPods) + "/" + name);
    std::this_thread::sleep_for(300ms);
  }
  std::printf("two containers by ctr run (the runtime and its own client)   %6.0f ms (median of %d)\n", median(alone), count);
  std::printf("pod, from scheduled to Running (with its network and volumes) %6.0f ms   %.2f times that\n",
              median(from_scheduled), median(from_scheduled) / median(alone));
  std::printf("pod, from created to Running                                  %6.0f ms\n", median(whole));
}

void fifty(Api& api) {
  const auto begun = Clock::now();
  api.call("POST", "/apis/apps/v1/namespaces/default/deployments",
           R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"many"},"spec":{"replicas":50,)"
           R"("selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":)"
           R"({"nodeSelector":{"kubernetes.io/hostname":"h2"},"terminationGracePeriodSeconds":0,)"
           R"("containers":[{"name":"c","image":"busybox:1.35","command":["sleep","1000"]}]}}}})");
  for (;;) {
    const json::value now = api.call("GET", "/apis/apps/v1/namespaces/default/deployments/many");
    const json::object& status = now.at("status").as_object();
    const json::value* ready = status.if_contains("readyReplicas");
    if (ready && ready->is_int64() && ready->get_int64() == 50) break;
    std::this_thread::sleep_for(50ms);
  }
  std::printf("50 pods on one node, from the deployment to all Ready         %6.1f s\n",
              ms(Clock::now() - begun) / 1000);
  api.call("DELETE", "/apis/apps/v1/namespaces/default/deployments/many");
  std::this_thread::sleep_for(15s);
}

struct Cost {
  double cpu_seconds = 0;
  double rss_mib = 0, pss_mib = 0;
};

Cost cost_of(pid_t pid) {
  Cost cost;
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  std::istringstream words(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) words >> skipped;
  double user = 0, system = 0;
  words >> user >> system;
  cost.cpu_seconds = (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  std::ifstream smaps("/proc/" + std::to_string(pid) + "/smaps_rollup");
  for (std::string line; std::getline(smaps, line);) {
    if (line.starts_with("Rss:")) cost.rss_mib = std::stod(line.substr(4)) / 1024;
    if (line.starts_with("Pss:")) cost.pss_mib = std::stod(line.substr(4)) / 1024;
  }
  return cost;
}

void idle(hosts::Hosts& hosts) {
  const struct {
    const char* what;
    int host;
    const char* service;
  } kParts[] = {{"control plane", 1, "keelson-control-plane"},
                {"Redis", 1, "keelson-redis"},
                {"node agent", 2, "keelson-node"}};
  constexpr auto kFor = 20s;
  std::vector<double> before;
  for (const auto& part : kParts) before.push_back(cost_of(hosts.main_process(part.host, part.service)).cpu_seconds);
  std::this_thread::sleep_for(kFor);
  std::printf("idle, three nodes:\n");
  for (std::size_t i = 0; i < std::size(kParts); ++i) {
    const Cost now = cost_of(hosts.main_process(kParts[i].host, kParts[i].service));
    std::printf("  %-14s %5.1f MiB resident (%5.1f MiB its own share)  %.2f %% of one core\n", kParts[i].what,
                now.rss_mib, now.pss_mib,
                100 * (now.cpu_seconds - before[i]) / std::chrono::duration<double>(kFor).count());
  }
}

}  // namespace

int main(int argc, char** argv) {
  cxxopts::Options parser("bench_hosts");
  parser.add_options()("pods", "pods to start one after the other",
                       cxxopts::value<int>()->default_value("20"));
  const auto flags = parser.parse(argc, argv);
  if (const std::string why = hosts::why_no_hosts(); !why.empty()) {
    std::fprintf(stderr, "bench_hosts: %s\n", why.c_str());
    return 1;
  }
  hosts::Hosts hosts(3, {.binary = KEELSON_BINARY_DIR "/keelson",
                         .images = KEELSON_BINARY_DIR "/images",
                         .build_images = KEELSON_SOURCE_DIR "/tests/images/build"});
  std::string trouble = hosts.trouble();
  if (trouble.empty()) trouble = hosts.init(1);
  for (int host = 2; host <= 3 && trouble.empty(); ++host) trouble = hosts.join(host);
  // The third node is the control plane's own host, which runs no pods.
  if (trouble.empty()) trouble = hosts.join(1, "--taints node-role.kubernetes.io/control-plane=:NoSchedule");
  if (!trouble.empty()) {
    std::fprintf(stderr, "bench_hosts: %s\n", trouble.c_str());
    return 1;
  }
  const hosts::InNetwork there(hosts.network(1));
  Api api(hosts);
  std::this_thread::sleep_for(5s);
  idle(hosts);
  pod_starts(hosts, api, flags["pods"].as<int>());
  fifty(api);
  return 0;
}
