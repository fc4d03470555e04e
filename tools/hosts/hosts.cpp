#include "tools/hosts/hosts.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace keelson::hosts {

using namespace std::chrono_literals;

namespace {

constexpr const char* kOutside = "10.111.0.254";

// Of this process alone; names of interfaces are short.
std::string unique_prefix() { return "kl" + std::to_string(::getpid() % 100'000); }

}  // namespace

std::string missing_program() {
  for (const char* program : {"ip", "nsenter", "containerd", "runc", "redis-server", "iptables"}) {
    if (hosts::run(std::string("command -v ") + program).exit_code != 0) return program;
  }
  return {};
}

std::string why_no_hosts() {
  if (::geteuid() != 0) return "needs root, for network namespaces and containers";
  if (const std::string program = missing_program(); !program.empty()) return program + " is not installed";
  if (hosts::run("ip netns add kltry$$ && ip netns del kltry$$").exit_code != 0) {
    return "network namespaces cannot be made here";
  }
  return {};
}

InNetwork::InNetwork(const std::string& file) {
  before_ = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  const int there = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  there_ = there >= 0 && ::setns(there, CLONE_NEWNET) == 0;
  if (there >= 0) ::close(there);
}

InNetwork::~InNetwork() {
  if (before_ < 0) return;
  ::setns(before_, CLONE_NEWNET);
  ::close(before_);
}

Hosts::Hosts(int count, Making making)
    : making_(std::move(making)), prefix_(unique_prefix()), count_(count) {
  const auto must = [this](const std::string& command) {
    if (!trouble_.empty()) return;
    const Outcome outcome = hosts::run(command);
    if (outcome.exit_code != 0) trouble_ = command + ": " + outcome.output;
  };
  if (!making_.build_images.empty()) must(making_.build_images + " " + making_.images);
  const std::string lan = netns(0);
  must("ip netns add " + lan + " && ip -n " + lan + " link set lo up && ip -n " + lan +
       " link add lan type bridge && ip -n " + lan + " addr add " + kOutside +
       "/24 dev lan && ip -n " + lan + " link set lan up");
  for (int host = 1; host <= count; ++host) must(plug_in(host));
}

// The command that makes a host's network.
std::string Hosts::plug_in(int host) const {
  const std::string lan = netns(0), ns = netns(host), port = "p" + std::to_string(host);
  return "mkdir -p " + root(host) + " && ip netns add " + ns + " && ip -n " + ns +
         " link set lo up && ip -n " + lan + " link add " + port + " type veth peer name eth0 netns " +
         ns + " && ip -n " + lan + " link set " + port + " master lan up && ip -n " + ns +
         " addr add " + address(host) + "/24 dev eth0 && ip -n " + ns +
         " link set eth0 up && ip -n " + ns + " route add default via " + kOutside;
}

Hosts::~Hosts() {
  for (int host = 1; host <= count_; ++host) reset(host);
  for (int host = 0; host <= count_; ++host) hosts::run("ip netns del " + netns(host));
}

std::string Hosts::netns(int host) const {
  return prefix_ + (host == 0 ? "lan" : "h" + std::to_string(host));
}

Outcome Hosts::run(int host, const std::string& command, std::chrono::seconds limit) const {
  const InNetwork there(network(host));
  if (!there.ok()) return {-1, "cannot enter " + network(host)};
  return hosts::run(command, environment(), limit);
}

std::string Hosts::init(int host, const std::string& options) {
  control_plane_ = host;
  // Whoever plays a cluster wants its whole history afterwards.
  const Outcome outcome = run(host, making_.binary + " init --root " + root(host) + " --name h" +
                                        std::to_string(host) + " --history-window 1h " + options,
                              120s);
  const std::size_t begin = outcome.output.find("keelson join ");
  if (outcome.exit_code != 0 || begin == std::string::npos) return "keelson init: " + outcome.output;
  join_command_ = outcome.output.substr(begin, outcome.output.find('\n', begin) - begin);
  join_command_.replace(0, 7, making_.binary);
  return {};
}

std::string Hosts::join(int host, const std::string& options, const std::string& node) {
  const Outcome outcome =
      run(host, join_command_ + " --root " + root(host) + " --node-name " +
                    (node.empty() ? "h" + std::to_string(host) : node) + " " + options,
          120s);
  if (outcome.exit_code != 0) return "keelson join: " + outcome.output;
  const Outcome imported =
      run(host, "for i in " + making_.images + "/*.tar; do ctr -a " + root(host) +
                    "/run/keelson/containerd.sock -n k8s.io images import $i || exit 1; done", 120s);
  if (imported.exit_code != 0) return "ctr images import: " + imported.output;
  return {};
}

std::map<std::string, std::string> Hosts::environment(const std::string& kubectl) const {
  const std::string home = dir_.path() + "/home";
  ::mkdir(home.c_str(), 0700);
  std::map<std::string, std::string> out = {
      {"KUBECONFIG", kubeconfig()},
      {"HOME", home},
      // `ip netns exec` would do as well here, but it hides the cgroups, and habits spread.
      {"OUTSIDE", "nsenter --net=" + network(0) + " --"}};
  const char* path = ::getenv("PATH");
  const std::string& binary = making_.binary;
  std::string folders = binary.substr(0, binary.rfind('/')) + ":" + (path ? path : "");
  if (!kubectl.empty()) {
    const std::string bin = dir_.path() + "/bin";
    ::mkdir(bin.c_str(), 0700);
    ::unlink((bin + "/kubectl").c_str());
    if (::symlink(kubectl.c_str(), (bin + "/kubectl").c_str()) != 0) return {};
    folders = bin + ":" + folders;
  }
  out["PATH"] = folders;
  return out;
}

pid_t Hosts::main_process(int host, const std::string& service) const {
  std::ifstream in(root(host) + "/run/keelson/" + service + ".main.pid");
  pid_t pid = 0;
  in >> pid;
  return in ? pid : 0;
}

void Hosts::lose_power(int host) {
  // First of all nobody hears from it any more: its kernel, which lives on here, would end its connections
  // in good order. And connections that cannot end would keep the network, and with it the cable.
  hosts::run("ip -n " + netns(0) + " link del p" + std::to_string(host));
  // Whoever stands over a service first, so that nothing is started again.
  hosts::run("cd " + root(host) + "/run/keelson && kill -9 $(cat *.pid)");
  // Containers and their shims are those in the host's network, or in one made from there: found by the
  // folders that they name.
  hosts::run("for p in $(grep -lsa " + root(host) + "/ /proc/[0-9]*/cmdline | cut -d/ -f3); do "
           "[ $p = $$ ] || kill -9 $p; done");
  std::string group = root(host);
  std::replace(group.begin(), group.end(), '/', '-');
  hosts::run("for g in $(find /sys/fs/cgroup -depth -type d -path '*keelson" + group +
             "*'); do kill -9 $(cat $g/cgroup.procs) 2>/dev/null; done; sleep 0.2; "
             "find /sys/fs/cgroup -depth -type d -path '*keelson" + group + "*' -exec rmdir {} +");
  // A machine that is off has no kernel: no mounts, no /run, no networks.
  const std::string run = root(host) + "/run/keelson";
  hosts::run("pods=$(grep -rhoaE '/var/run/netns/cni-[0-9a-f-]+' " + run + " | sort -u); "
             "while umount -l $(grep -o ' " + root(host) + "/[^ ]*' /proc/self/mounts | sort -r) "
             "2>/dev/null; do :; done; rm -rf " + run + "; "
             "for n in $pods; do ip netns del ${n##*/}; done; ip netns del " + netns(host));
}

void Hosts::power_on(int host) {
  hosts::run(plug_in(host));
  run(host, making_.binary + " start --root " + root(host));
}

void Hosts::cut(int host) {
  hosts::run("ip -n " + netns(0) + " link set p" + std::to_string(host) + " down");
}
void Hosts::heal(int host) {
  hosts::run("ip -n " + netns(0) + " link set p" + std::to_string(host) + " up; ip netns exec " +
             netns(host) + " nft delete table inet keelson-cut 2>/dev/null");
}

void Hosts::drop(int host, const std::string& in, const std::string& out) {
  // Before the tracking of connections, and before what is passed on to pods is told from what is not.
  std::string rules = "add table inet keelson-cut; "
                      "add chain inet keelson-cut in { type filter hook prerouting priority -400; }; "
                      "add rule inet keelson-cut in " + in + " drop; ";
  if (!out.empty()) {
    rules += "add chain inet keelson-cut out { type filter hook output priority -400; }; "
             "add rule inet keelson-cut out " + out + " drop; ";
  }
  run(host, "nft '" + rules + "'");
}
void Hosts::cut_inward(int host) { drop(host, "iifname eth0", ""); }
void Hosts::cut_api(int host) {
  const std::string server = address(control_plane_);
  drop(host, "ip saddr " + server, "ip daddr " + server);
}

void Hosts::reset(int host) {
  const Outcome outcome =
      run(host, making_.binary + " reset --force --root " + root(host), 180s);
  if (outcome.exit_code != 0) std::fprintf(stderr, "reset: %s\n", outcome.output.c_str());
}

std::string Hosts::logs() const {
  return hosts::run("for f in " + dir_.path() +
                  "/h*/var/log/keelson/*.log; do echo \"== $f\"; tail -n 40 $f; done")
      .output;
}

}  // namespace keelson::hosts
