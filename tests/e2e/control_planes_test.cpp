// Several control planes: what one of them does while it should not, and what the others do without it.
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "tests/e2e/control_planes.hpp"

namespace keelson::e2e {
namespace {

namespace json = boost::json;

constexpr const char* kControlPlane = "keelson-control-plane";

// A process that stands still, until the object goes.
class Paused {
 public:
  explicit Paused(pid_t pid) : pid_(pid) {}
  ~Paused() { go_on(); }
  Paused(const Paused&) = delete;
  Paused& operator=(const Paused&) = delete;
  void go_on() {
    if (pid_ > 0) ::kill(pid_, SIGCONT);
    pid_ = 0;
  }

 private:
  pid_t pid_;
};

// One entry of the store's log.
struct Entry {
  uint64_t revision = 0;
  std::string kind, name, actor;
};

class ControlPlanesTest : public ControlPlanes {
 protected:
  // Who has a role: "h1_0123456789abcdef".
  std::string holder(int host, const std::string& role) {
    return user(host, "kubectl get lease -n kube-system " + role + " -o jsonpath='{.spec.holderIdentity}'")
        .output;
  }
  std::string log_of(int host) const {
    return read_file(hosts_->root(host) + "/var/log/keelson/keelson-control-plane.log");
  }
  // The token with which a control plane won a role last; 0: it never did.
  uint64_t token(int host, const std::string& role) const {
    const std::string log = log_of(host), what = "role won role=" + role + " token=";
    const std::size_t at = log.rfind(what);
    return at == log.npos ? 0 : std::strtoull(log.c_str() + at + what.size(), nullptr, 10);
  }
  // Everything that was ever written, as the store has it.
  std::vector<Entry> history() {
    const std::string file = hosts_->root(1) + "/history.json";
    const Outcome read = hosts_->run(
        1, "REDISCLI_AUTH=$(cat " + hosts_->root(1) + "/etc/keelson/store.password) redis-cli -s " +
               hosts_->root(1) + "/run/keelson/redis.sock --user keelson --json xrange '{keelson}:log' - +"
               " > " + file);
    EXPECT_EQ(read.exit_code, 0) << read.output;
    json::parse_options options;
    options.allow_invalid_utf8 = true;  // values are not text
    json::error_code error;
    const json::value tree = json::parse(read_file(file), error, {}, options);
    EXPECT_FALSE(error) << error.message();
    std::vector<Entry> out;
    for (const json::value& item : tree.as_array()) {
      Entry& entry = out.emplace_back();
      entry.revision = std::strtoull(item.at(0).as_string().c_str(), nullptr, 10);
      const json::array& fields = item.at(1).as_array();
      for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
        const std::string value(fields[i + 1].as_string());
        if (fields[i] == "k") entry.kind = value;
        if (fields[i] == "n") entry.name = value;
        if (fields[i] == "a") entry.actor = value;
      }
    }
    return out;
  }

  void deploy(int host) {
    ASSERT_EQ(user(host, "kubectl create deployment web --image=nginx:1.7.9 --replicas=2").exit_code, 0);
    until(host, running(2));
  }

  // Many pods that wait for one node. The moment it is there the scheduler has a long row of bindings to
  // write, one after the other. No agent has the node: what is bound to it costs nothing.
  void make_pods_that_wait(int host, int count) {
    const std::string file = hosts_->root(host) + "/waiting.yaml";
    std::ofstream(file) << R"(
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: waiting}
spec:
  replicas: )" << count << R"(
  selector: {matchLabels: {app: waiting}}
  template:
    metadata: {labels: {app: waiting}}
    spec:
      nodeSelector: {late: "yes"}
      tolerations:
      - {key: node.kubernetes.io/not-ready, operator: Exists}
      - {key: node.kubernetes.io/unreachable, operator: Exists}
      terminationGracePeriodSeconds: 0
      containers: [{name: c, image: nginx:1.7.9}]
)";
    ASSERT_EQ(user(host, "kubectl create -f " + file).exit_code, 0);
    until(host, "[ $(kubectl get rs waiting -o jsonpath='{.status.replicas}') = " +
                    std::to_string(count) + " ]");
  }
  // Stops the scheduler with a row of bindings in its hands, which it will write when it goes on: the store
  // stands still for a moment, so that they queue up.
  void pause_among_bindings(int host, pid_t scheduler) {
    const std::string file = hosts_->root(host) + "/late.yaml";
    std::ofstream(file) << R"(
apiVersion: v1
kind: Node
metadata: {name: late, labels: {late: "yes"}}
status:
  capacity: {cpu: "1000", memory: 1000Gi, pods: "5000"}
  allocatable: {cpu: "1000", memory: 1000Gi, pods: "5000"}
)";
    const pid_t store = hosts_->main_process(1, "keelson-redis");
    ASSERT_GT(store, 0);
    Paused store_paused(store);
    const Outcome paused =
        user(host, "kubectl create -f " + file + " & made=$!; head -n 3 < <(timeout 30 kubectl get pods -w -o name "
                   "--field-selector=spec.nodeName=late 2> /dev/null) > /dev/null; kill -STOP " +
                       std::to_string(store) + "; wait $made");
    ASSERT_EQ(paused.exit_code, 0) << paused.output;
    std::this_thread::sleep_for(500ms);
    ASSERT_EQ(::kill(scheduler, SIGSTOP), 0);
  }
  int bound(int host) {
    return std::atoi(user(host, "kubectl get pods --field-selector=spec.nodeName=late -o name | wc -l")
                         .output.c_str());
  }
};

// The leader stands still for half a minute, as a virtual machine does that is moved. Meanwhile another
// takes its roles and the cluster works. What the leader still had to write comes too late and is refused.
TEST_F(ControlPlanesTest, ALeaderThatStandsStillDoesNoHarm) {
  constexpr int kWaiting = 400;
  const std::string old = holder(1, "scheduler");
  ASSERT_EQ(holder(1, "controller-manager"), old);
  const int leader = old.starts_with("h1_") ? 1 : 2, other = 3 - leader;
  deploy(other);
  make_pods_that_wait(other, kWaiting);
  if (HasFatalFailure()) return;

  const pid_t pid = hosts_->main_process(leader, kControlPlane);
  ASSERT_GT(pid, 0);
  Paused paused(pid);
  pause_among_bindings(other, pid);
  if (HasFatalFailure()) return;
  const auto begun = std::chrono::steady_clock::now();
  // So that nobody else writes these bindings, and memory alone does not tell the leader that they are out
  // of date when it goes on.
  EXPECT_EQ(user(other, "kubectl cordon late").exit_code, 0);
  EXPECT_LT(bound(other), kWaiting) << "stopped too late to leave anything to write";

  EXPECT_EQ(user(other, "kubectl scale deployment web --replicas=3").exit_code, 0);
  until(other, running(3), 30s);
  const auto worked = std::chrono::steady_clock::now() - begun;
  EXPECT_LT(worked, 30s) << "the leader should have stood still all the time";
  until(other, endpoints_are(Hosts::address(other)), 40s);
  EXPECT_EQ(user(other, "kubectl get node h3 --no-headers | grep -cw Ready").output, "1\n");
  std::this_thread::sleep_until(begun + 30s);

  paused.go_on();
  until(other, "grep -q 'late write refused' " + hosts_->root(leader) +
                   "/var/log/keelson/keelson-control-plane.log");
  for (const char* role : {"scheduler", "controller-manager"}) {
    until(other, std::string("grep -q 'role lost role=") + role + "' " + hosts_->root(leader) +
                     "/var/log/keelson/keelson-control-plane.log");
  }
  until(other, endpoints_are("10.111.0.1 10.111.0.2"));
  EXPECT_LT(bound(other), kWaiting) << "a late binding has come through";
  EXPECT_EQ(user(other, "kubectl uncordon late").exit_code, 0);
  until(other, "[ $(kubectl get pods --field-selector=spec.nodeName=late -o name | wc -l) = " +
                   std::to_string(kWaiting) + " ]", 30s);
  // It is a server as before, and leads nothing.
  EXPECT_EQ(user(leader, "kubectl get deployment web --no-headers | awk '{print $2}'").output, "3/3\n");
  const std::string now = holder(leader, "scheduler");
  EXPECT_TRUE(now.starts_with("h" + std::to_string(other) + "_")) << now;

  // By the store's own word: in its roles the old leader has not written anything any more.
  const uint64_t scheduling = token(other, "scheduler"), controlling = token(other, "controller-manager");
  ASSERT_GT(scheduling, 0u);
  ASSERT_GT(controlling, 0u);
  int before = 0, bindings = 0;
  for (const Entry& entry : history()) {
    // Events are what a process has to tell, in no role.
    if (entry.kind == "events") continue;
    const bool in_scheduling = entry.actor.starts_with("scheduler-" + old);
    const bool in_controlling = entry.actor.starts_with("controller-manager-" + old);
    if (in_scheduling || in_controlling) ++before;
    if ((in_scheduling && entry.revision >= scheduling) ||
        (in_controlling && entry.revision >= controlling)) {
      ADD_FAILURE() << entry.actor << " has written " << entry.kind << " " << entry.name << " at "
                    << entry.revision;
    }
    if (entry.kind == "leases.coordination.k8s.io" && entry.name == "kube-node-lease/late") ++bindings;
  }
  EXPECT_GT(before, kWaiting) << "the history says who wrote what";
  // Each binding claims room of the node, once for each pod and no more.
  EXPECT_EQ(bindings, kWaiting);
  const std::string log = log_of(leader);
  int refused = 0;
  for (std::size_t at = 0; (at = log.find("late write refused", at)) != log.npos; ++at) ++refused;
  std::printf("the cluster had worked on after %.1f s; %d late writes were refused\n",
              std::chrono::duration<double>(worked).count(), refused);
}

// One of two API servers is killed while people and agents use both.
TEST_F(ControlPlanesTest, AnApiServerIsKilled) {
  deploy(1);
  if (HasFatalFailure()) return;
  // The node has learned of the second server, which it did not know when it joined.
  until(3, "[ $(wc -l < " + hosts_->root(3) + "/var/lib/keelson/node/servers) = 2 ]");
  const std::string ready_since =
      "kubectl get node h3 -o jsonpath='{.status.conditions[?(@.type==\"Ready\")].lastTransitionTime}'";
  const std::string since = user(2, ready_since).output;
  ASSERT_FALSE(since.empty());

  std::atomic<bool> over = false;
  std::atomic<int> good = 0, failed = 0;
  std::thread people([&] {
    for (int i = 0; !over; ++i) {
      const Outcome made = user(2, "kubectl create configmap note-" + std::to_string(i));
      ++(made.exit_code == 0 ? good : failed);
    }
  });
  const std::string run_dir = hosts_->root(1) + "/run/keelson/";
  const Outcome killed = user(1, "kill -9 $(cat " + run_dir + "keelson-control-plane.pid " + run_dir +
                                     "keelson-control-plane.main.pid)");
  EXPECT_EQ(killed.exit_code, 0) << killed.output;
  EXPECT_NE(user(1, "kubectl get nodes --request-timeout=2s").exit_code, 0);
  EXPECT_EQ(user(2, "kubectl scale deployment web --replicas=4").exit_code, 0);
  // The roles are taken over when the lease has expired, and the agent reports to the other server.
  until(2, running(4), 40s);
  over = true;
  people.join();
  EXPECT_GT(good, 3);  // all the time, however slow the machine
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(user(2, ready_since).output, since) << "the node was given up";

  hosts_->power_on(1);
  until(1, endpoints_are("10.111.0.1 10.111.0.2"));
  EXPECT_EQ(user(1, "kubectl get configmaps -o name | grep -c note-").output, std::to_string(good) + "\n");

  // One that leaves for good is listed nowhere any more.
  const Outcome reset =
      hosts_->run(2, keelson_binary() + " reset --force --root " + hosts_->root(2));
  EXPECT_EQ(reset.exit_code, 0) << reset.output;
  EXPECT_EQ(user(1, "kubectl get configmap -n kube-system keelson-config -o jsonpath='{.data.servers}'").output,
            "https://10.111.0.1:6443");
  until(3, "[ $(wc -l < " + hosts_->root(3) + "/var/lib/keelson/node/servers) = 1 ]");
  until(1, endpoints_are("10.111.0.1"));
  EXPECT_EQ(user(1, "kubectl scale deployment web --replicas=1").exit_code, 0);
  until(1, running(1), 40s);
}

}  // namespace
}  // namespace keelson::e2e
