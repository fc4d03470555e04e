#include "tests/e2e/hosts.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "tests/e2e/cluster.hpp"

namespace keelson::e2e {

using namespace std::chrono_literals;

namespace {

constexpr const char* kOutside = "10.111.0.254";

// Of this test and this run alone; names of interfaces are short.
std::string unique_prefix() { return "kl" + std::to_string(::getpid() % 100'000); }

// Built once and kept: the same input gives the same images.
std::string images() { return std::string(KEELSON_BINARY_DIR) + "/images"; }

}  // namespace

std::string why_no_hosts() {
  if (::geteuid() != 0) return "needs root, for network namespaces and containers";
  for (const char* program : {"ip", "nsenter", "containerd", "runc", "redis-server", "iptables"}) {
    if (e2e::run(std::string("command -v ") + program).exit_code != 0) {
      return std::string(program) + " is not installed";
    }
  }
  if (e2e::run("ip netns add kltry$$ && ip netns del kltry$$").exit_code != 0) {
    return "network namespaces cannot be made here";
  }
  return {};
}

InNetwork::InNetwork(const std::string& file) {
  before_ = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  const int there = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (there < 0 || ::setns(there, CLONE_NEWNET) != 0) {
    ADD_FAILURE() << "cannot enter " << file;
  }
  if (there >= 0) ::close(there);
}

InNetwork::~InNetwork() {
  if (before_ < 0) return;
  ::setns(before_, CLONE_NEWNET);
  ::close(before_);
}

Hosts::Hosts(int count) : prefix_(unique_prefix()), count_(count) {
  const auto must = [this](const std::string& command) {
    if (!trouble_.empty()) return;
    const Outcome outcome = e2e::run(command);
    if (outcome.exit_code != 0) trouble_ = command + ": " + outcome.output;
  };
  must(std::string(KEELSON_SOURCE_DIR) + "/tests/images/build " + images());
  const std::string lan = netns(0);
  must("ip netns add " + lan + " && ip -n " + lan + " link set lo up && ip -n " + lan +
       " link add lan type bridge && ip -n " + lan + " addr add " + kOutside +
       "/24 dev lan && ip -n " + lan + " link set lan up");
  for (int host = 1; host <= count; ++host) {
    const std::string ns = netns(host), port = "p" + std::to_string(host);
    must("mkdir -p " + root(host) + " && ip netns add " + ns + " && ip -n " + ns +
         " link set lo up && ip -n " + lan + " link add " + port + " type veth peer name eth0 netns " +
         ns + " && ip -n " + lan + " link set " + port + " master lan up && ip -n " + ns +
         " addr add " + address(host) + "/24 dev eth0 && ip -n " + ns +
         " link set eth0 up && ip -n " + ns + " route add default via " + kOutside);
  }
}

Hosts::~Hosts() {
  if (::testing::Test::HasFailure()) std::fputs(logs().c_str(), stderr);
  for (int host = 1; host <= count_; ++host) reset(host);
  for (int host = 0; host <= count_; ++host) e2e::run("ip netns del " + netns(host));
}

std::string Hosts::netns(int host) const {
  return prefix_ + (host == 0 ? "lan" : "h" + std::to_string(host));
}

Outcome Hosts::run(int host, const std::string& command, std::chrono::seconds limit) const {
  const InNetwork there(network(host));
  return e2e::run(command, environment(), limit);
}

void Hosts::init(int host, const std::string& options) {
  control_plane_ = host;
  const Outcome outcome =
      run(host, keelson_binary() + " init --root " + root(host) + " --name h" + std::to_string(host) +
                    " " + options,
          120s);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.output;
  const std::size_t begin = outcome.output.find("keelson join ");
  ASSERT_NE(begin, std::string::npos) << outcome.output;
  join_command_ = outcome.output.substr(begin, outcome.output.find('\n', begin) - begin);
  join_command_.replace(0, 7, keelson_binary());
}

void Hosts::join(int host, const std::string& options) {
  const Outcome outcome = run(host, join_command_ + " --root " + root(host) + " --node-name h" +
                                        std::to_string(host) + " " + options,
                              120s);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.output;
  const Outcome imported = run(
      host, "for i in " + images() + "/*.tar; do ctr -a " + root(host) +
                "/run/keelson/containerd.sock -n k8s.io images import $i || exit 1; done", 120s);
  ASSERT_EQ(imported.exit_code, 0) << imported.output;
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
  const std::string binary = keelson_binary();
  std::string folders = binary.substr(0, binary.rfind('/')) + ":" + (path ? path : "");
  if (!kubectl.empty()) {
    const std::string bin = dir_.path() + "/bin";
    ::mkdir(bin.c_str(), 0700);
    ::unlink((bin + "/kubectl").c_str());
    EXPECT_EQ(::symlink(kubectl.c_str(), (bin + "/kubectl").c_str()), 0);
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
  // Whoever stands over a service first, so that nothing is started again.
  e2e::run("cd " + root(host) + "/run/keelson && kill -9 $(cat *.pid)");
  // Containers and their shims are those in the host's network, or in one made from there: found by the
  // folders that they name.
  e2e::run("for p in $(grep -lsa " + root(host) + "/ /proc/[0-9]*/cmdline | cut -d/ -f3); do "
           "[ $p = $$ ] || kill -9 $p; done");
  e2e::run("for g in $(find /sys/fs/cgroup -type d -path '*keelson*" +
           [&] {
             std::string name = root(host);
             for (char& c : name) c = c == '/' ? '-' : c;
             return name;
           }() +
           "*'); do kill -9 $(cat $g/cgroup.procs) 2>/dev/null; done; true");
}

void Hosts::power_on(int host) { run(host, keelson_binary() + " start --root " + root(host)); }

void Hosts::cut(int host) {
  e2e::run("ip -n " + netns(0) + " link set p" + std::to_string(host) + " down");
}
void Hosts::heal(int host) {
  e2e::run("ip -n " + netns(0) + " link set p" + std::to_string(host) + " up");
}

void Hosts::reset(int host) {
  const Outcome outcome =
      run(host, keelson_binary() + " reset --force --root " + root(host), 180s);
  if (outcome.exit_code != 0) std::fprintf(stderr, "reset: %s\n", outcome.output.c_str());
}

std::string Hosts::logs() const {
  return e2e::run("for f in " + dir_.path() +
                  "/h*/var/log/keelson/*.log; do echo \"== $f\"; tail -n 40 $f; done")
      .output;
}

}  // namespace keelson::e2e
