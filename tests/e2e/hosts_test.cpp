// Real clusters: three hosts, real containers, a real Redis, real traffic.
#include <gtest/gtest.h>
#include <signal.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include "tests/e2e/cluster.hpp"
#include "tests/e2e/hosts.hpp"
#include "tests/e2e/load.hpp"
#include "tests/e2e/transcript.hpp"

namespace keelson::e2e {
namespace {

using namespace std::chrono_literals;

class HostsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    KEELSON_NEEDS_HOSTS();
    if (run("command -v kubectl").exit_code != 0) KEELSON_TOOL_IS_MISSING("kubectl is not installed");
    hosts_ = std::make_unique<Hosts>(3);
    ASSERT_TRUE(hosts_->ok()) << hosts_->trouble();
    hosts_->init(1);
    if (HasFatalFailure()) return;
    hosts_->join(2);
    hosts_->join(3);
  }

  Outcome user(const std::string& command, std::chrono::seconds limit = 60s) {
    return hosts_->run(1, command, limit);
  }
  // Prints what the command printed last if it never holds.
  void until(const std::string& command, std::chrono::seconds limit = 60s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    Outcome last;
    do {
      last = user(command);
      if (last.exit_code == 0) return;
      std::this_thread::sleep_for(200ms);
    } while (std::chrono::steady_clock::now() < end);
    FAIL() << command << ": not within " << limit.count() << " s: " << last.output;
  }

  // Deployment kel behind node port 30080, everything running and reachable.
  void deploy(int replicas) {
    ASSERT_EQ(user("kubectl create deployment kel --image=nginx:1.7.9 --port=80 --replicas=" +
                   std::to_string(replicas)).exit_code, 0);
    ASSERT_EQ(user("kubectl expose deployment kel --type=NodePort --port=80 --overrides='"
                   R"({"spec":{"ports":[{"port":80,"nodePort":30080,"protocol":"TCP"}]}})"
                   "'").exit_code, 0);
    const Outcome ready = user("kubectl rollout status deployment/kel --timeout=60s", 70s);
    ASSERT_EQ(ready.exit_code, 0) << ready.output;
    for (const char* address : {"10.111.0.2", "10.111.0.3"}) {
      until(std::string("curl -sf -m 1 http://") + address + ":30080");
    }
  }

  static std::string everything_runs_on(const std::string& node, int count) {
    return "[ $(kubectl get pods -l app=kel --no-headers -o wide | grep -w Running | grep -w 1/1 | grep -cw " + node +
           ") = " + std::to_string(count) + " ]";
  }

  // The containers that really run, by the runtimes' own word.
  std::string containers() {
    std::string all;
    for (int host : {2, 3}) all += hosts_->run(host, tasks(host)).output;
    return all;
  }
  std::string tasks(int host) const {
    return "ctr -a " + hosts_->root(host) +
           "/run/keelson/containerd.sock -n k8s.io tasks ls -q | sort";
  }

  // What the runtimes run is what the API says should run: a sandbox and a container for each pod.
  void expect_no_leaks() {
    for (int host : {2, 3}) {
      const std::string pods = "$(kubectl get pods -A --no-headers -o wide | grep -cw h" +
                               std::to_string(host) + ")";
      until("[ $(" + tasks(host) + " | wc -l) = $((2 * " + pods + ")) ]", 60s);
      // host-local has an address for each of them, and none for anybody else.
      until("[ $(ls " + hosts_->root(host) + "/var/lib/keelson/node/ipam/keelson | grep -c '^10\\.') = " +
            pods + " ]", 60s);
    }
  }

  // What the cluster has left of its history, by the checks of the simulator. `lines`: what was acknowledged,
  // and what became of the machines. `judged_ids`: what must have been judged.
  void expect_checks_hold(const std::string& lines = {},
                          const std::vector<std::string>& judged_ids = {"NA-1", "SC-1", "SC-3", "LE-1", "RS-2",
                                                                        "GL-2"}) {
    hosts::TemporaryDir dir;
    const std::string world = dir.path() + "/world.jsonl";
    std::ofstream(world) << lines << "{\"settled\":true,\"at\":\"" << wall_ns() << "\"}\n";
    const Outcome judged = run(keelson_binary() + " real check --json --store " + hosts_->store() + " --journal " +
                               hosts_->journal(2) + " --journal " + hosts_->journal(3) + " --journal " + world);
    EXPECT_EQ(judged.exit_code, 0) << judged.output;
    boost::system::error_code wrong;
    const auto result = boost::json::parse(judged.output, wrong);
    ASSERT_TRUE(!wrong && result.is_object()) << judged.output;
    std::map<std::string, uint64_t> evaluations;
    uint64_t all = 0;
    for (const auto& one : result.at("judged").as_array()) {
      all += evaluations[std::string(one.at("invariant").as_string())] =
          one.at("evaluations").to_number<uint64_t>();
    }
    // Not by looking away.
    for (const std::string& id : judged_ids) {
      EXPECT_GT(evaluations[id], 0u) << id << " was not judged: " << judged.output;
    }
    std::printf("checks: %s, %llu evaluations of %zu invariants\n",
                result.at("held").as_bool() ? "held" : "broken", static_cast<unsigned long long>(all),
                evaluations.size());
  }
  static std::string wall_ns() {
    return std::to_string(
        std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count());
  }
  // A line of the record: from now on the machine has power, and others reach it, or not.
  static std::string machine(int host, bool powered, bool reachable) {
    return "{\"machine\":\"h" + std::to_string(host) + "\",\"at\":\"" + wall_ns() + "\",\"powered\":" +
           (powered ? "true" : "false") + ",\"reachable\":" + (reachable ? "true" : "false") + "}\n";
  }
  // Makes a ConfigMap; true: it was acknowledged, and the line that says so is added.
  bool promised(const std::string& name, const std::string& timeout, std::string& promises) {
    const Outcome made = user("kubectl create configmap " + name + " --request-timeout=" + timeout +
                              " -o jsonpath={.metadata.resourceVersion}");
    if (made.exit_code != 0) return false;
    promises += "{\"promised\":\"" + made.output + "\",\"kind\":\"configmaps\",\"name\":\"default/" + name +
                "\"}\n";
    return true;
  }

  std::unique_ptr<Hosts> hosts_;
};

TEST_F(HostsTest, Tutorial) {
  {
    const InNetwork there(hosts_->network(1));
    play(std::string(KEELSON_SOURCE_DIR) + "/tests/e2e/hosts/tutorial.txt", hosts_->environment(), 0);
  }
  if (HasFailure()) return;

  // Rolling to a new version and back while clients come all the time, through both nodes: not one
  // request fails, and each gets one of the two pages.
  Load load(hosts_->network(0), {"http://10.111.0.2:30080", "http://10.111.0.3:30080"});
  std::this_thread::sleep_for(1s);
  EXPECT_EQ(user("kubectl set image deployments/kel nginx=nginx:1.8").exit_code, 0);
  const Outcome rolled = user("kubectl rollout status deployment/kel --timeout=90s", 100s);
  EXPECT_EQ(rolled.exit_code, 0) << rolled.output;
  until("curl -s 10.111.0.2:30080 | grep -q nginx/1.8");
  EXPECT_EQ(user("kubectl rollout undo deployments/kel").exit_code, 0);
  const Outcome back = user("kubectl rollout status deployment/kel --timeout=90s", 100s);
  EXPECT_EQ(back.exit_code, 0) << back.output;
  until("curl -s 10.111.0.3:30080 | grep -q nginx/1.7.9");
  const Load::Tally tally = load.stop();
  EXPECT_GT(tally.good, 100u);
  EXPECT_EQ(tally.failed, 0u) << tally.first_failure;
}

// A host that loses its power: what ran there runs elsewhere, and when it comes back nothing is there twice
// and nothing is left over.
TEST_F(HostsTest, AHostLosesItsPower) {
  deploy(4);
  Load living(hosts_->network(0), {"http://10.111.0.2:30080"});
  std::this_thread::sleep_for(1s);
  const auto begun = std::chrono::steady_clock::now();
  std::string world = machine(3, false, false);
  hosts_->lose_power(3);
  until("kubectl get node h3 --no-headers | grep -q NotReady", 30s);
  if (HasFailure()) return;
  until(everything_runs_on("h2", 4), 60s);
  if (HasFailure()) return;
  const auto healed = std::chrono::steady_clock::now() - begun;
  EXPECT_LT(healed, 15s) << "the time in which pods are to run elsewhere";
  std::this_thread::sleep_for(2s);
  const Load::Tally tally = living.stop();
  // Only connections that were given to pods of the lost host fail, until their node is given up.
  EXPECT_GT(tally.good, 100u);
  if (!tally.failures.empty()) {
    EXPECT_LT(tally.failures.back().at - begun, 15s) << tally.failures.back().why;
  }
  std::printf("healed in %.1f s; of %llu requests to the living host %llu failed\n",
              std::chrono::duration<double>(healed).count(),
              static_cast<unsigned long long>(tally.good + tally.failed),
              static_cast<unsigned long long>(tally.failed));

  hosts_->power_on(3);
  world += machine(3, true, true);
  until("kubectl get node h3 --no-headers | grep -qw Ready", 60s);
  if (HasFailure()) return;
  until("[ $(kubectl get pods -l app=kel --no-headers | wc -l) = 4 ]", 60s);
  if (HasFailure()) return;
  expect_no_leaks();
  expect_checks_hold(world);
}

// Every part is killed, one after the other, while clients come: all that runs goes on running, and
// whatever was acknowledged is there.
TEST_F(HostsTest, EveryPartIsKilledInTurn) {
  deploy(4);
  const std::string before = containers();
  Load load(hosts_->network(0), {"http://10.111.0.2:30080", "http://10.111.0.3:30080"});
  const struct {
    int host;
    const char* service;
  } kParts[] = {{2, "keelson-node"},          {3, "keelson-containerd"}, {1, "keelson-control-plane"},
                {1, "keelson-redis"},         {3, "keelson-node"},       {2, "keelson-containerd"}};
  EXPECT_EQ(user("kubectl create secret generic word --from-literal=word=open-sesame").exit_code, 0);
  int written = 0;
  std::string promises;
  for (const auto& part : kParts) {
    const pid_t pid = hosts_->main_process(part.host, part.service);
    ASSERT_GT(pid, 0) << part.service;
    ::kill(pid, SIGKILL);
    // What the API acknowledges while it happens must be there afterwards.
    for (int i = 0; i < 5; ++i) {
      const std::string name = "proof-" + std::to_string(written);
      if (promised(name, "5s", promises)) ++written;
    }
    until("kubectl get --raw /readyz", 30s);
    until("[ $(kubectl get nodes --no-headers | grep -cw Ready) = 2 ]", 60s);
  }
  EXPECT_GT(written, 5);
  for (int i = 0; i < written; ++i) {
    EXPECT_EQ(user("kubectl get configmap proof-" + std::to_string(i)).exit_code, 0) << i;
  }
  // Not one healthy container was started anew.
  EXPECT_EQ(containers(), before);
  EXPECT_EQ(user("kubectl get pods -l app=kel -o jsonpath='{.items[*].status.containerStatuses[0]"
                 ".restartCount}'").output, "0 0 0 0");
  const Load::Tally tally = load.stop();
  EXPECT_EQ(tally.failed, 0u) << tally.first_failure;
  // And it is a cluster that works.
  EXPECT_EQ(user("kubectl scale deployment kel --replicas=2").exit_code, 0);
  until("[ $(kubectl get pods -l app=kel --no-headers | wc -l) = 2 ]", 60s);
  if (HasFailure()) return;
  expect_no_leaks();
  expect_checks_hold(promises + "{\"machines\":\"well\"}\n");
  // What is kept of it is for nobody else, and tells no secrets.
  hosts::TemporaryDir dir;
  const std::string kept = dir.path() + "/kept";
  run(keelson_binary() + " real check --store " + hosts_->store() + " --save " + kept);
  EXPECT_EQ(run("stat -c %a " + kept + " " + kept + "/store.jsonl").output, "700\n600\n");
  EXPECT_EQ(run("grep -c '\"default/word\"' " + kept + "/store.jsonl").output, "1\n");
  EXPECT_EQ(run("grep -c -e open-sesame -e b3Blbi1zZXNhbWU= " + kept + "/store.jsonl").output, "0\n");
}

// A host behind a broken cable: what ran there is replaced; when the cable is mended the old pods go, and
// nothing is there twice. Stepping its clock changes nothing.
TEST_F(HostsTest, AHostIsCutOff) {
  deploy(4);
  std::string world = machine(3, true, false);
  hosts_->cut(3);
  until("kubectl get node h3 --no-headers | grep -q NotReady", 60s);
  if (HasFailure()) return;
  until(everything_runs_on("h2", 4), 90s);
  if (HasFailure()) return;
  hosts_->heal(3);
  world += machine(3, true, true);
  until("kubectl get node h3 --no-headers | grep -qw Ready", 60s);
  if (HasFailure()) return;
  until("[ $(kubectl get pods -l app=kel --no-headers | wc -l) = 4 ]", 60s);
  if (HasFailure()) return;
  expect_no_leaks();
  expect_checks_hold(world);
}

// Cables broken in one direction, and a clock that is an hour off: nobody is evicted for a clock.
TEST_F(HostsTest, OneWayCutsAndAWrongClock) {
  const std::string faketime = run("ls /usr/lib/*-linux-gnu/faketime/libfaketimeMT.so.1 | tr -d '\\n'").output;
  if (!faketime.starts_with("/usr/lib/")) KEELSON_TOOL_IS_MISSING("faketime is not installed");
  deploy(4);
  if (HasFatalFailure()) return;
  const std::string before = containers();
  // The agent of h3 lives an hour ahead from now on; only its idea of the date changes.
  ASSERT_EQ(hosts_->run(3, "kill -9 $(cat " + hosts_->root(3) + "/run/keelson/keelson-node*.pid); "
                           "DONT_FAKE_MONOTONIC=1 FAKETIME=+1h LD_PRELOAD=" + faketime + " " +
                           keelson_binary() + " start --root " + hosts_->root(3)).exit_code, 0);
  // By its own log it does; without that the rest would prove nothing.
  until("[ \"$(grep -o '^20[0-9T:-]*' " + hosts_->root(3) + "/var/log/keelson/keelson-node.log | tail -n 1)\" "
        "'>' \"$(date -u -d '+30 minutes' +%Y-%m-%dT%H:%M:%S)\" ]", 30s);
  if (HasFailure()) return;
  std::this_thread::sleep_for(15s);
  EXPECT_EQ(user("kubectl get nodes --no-headers | grep -cw Ready").output, "2\n");
  EXPECT_EQ(containers(), before) << "a container was stopped or started for the clock";
  EXPECT_EQ(user("kubectl get events -A -o jsonpath='{.items[*].reason}' | grep -c TaintManagerEviction")
                .output, "0\n");

  // What h3 sends arrives, and nothing reaches it: it hears no answer, and nobody reaches its pods.
  hosts_->cut_inward(3);
  until("kubectl get node h3 --no-headers | grep -q NotReady", 60s);
  if (HasFailure()) return;
  until(everything_runs_on("h2", 4), 90s);
  if (HasFailure()) return;
  hosts_->heal(3);
  until("kubectl get node h3 --no-headers | grep -qw Ready", 60s);
  if (HasFailure()) return;

  // Only the way between h3 and the control plane is broken: others reach it, so it is not given up soon.
  EXPECT_EQ(user("kubectl scale deployment kel --replicas=6").exit_code, 0);
  until("[ $(kubectl get pods -l app=kel --no-headers | grep -cw 1/1) = 6 ]", 60s);
  if (HasFailure()) return;
  const std::string settled = containers();
  hosts_->cut_api(3);
  std::this_thread::sleep_for(12s);
  EXPECT_EQ(containers(), settled);
  EXPECT_EQ(user("curl -sf -m 2 10.111.0.2:30080 > /dev/null && echo served").output, "served\n");
  hosts_->heal(3);
  until("[ $(kubectl get nodes --no-headers | grep -cw Ready) = 2 ]", 60s);
  if (HasFailure()) return;
  expect_no_leaks();
  // Its history is not judged: what h3 noted in its journal it noted for an hour later.
}

// The store's disk goes back to what it was some time ago, and so a binding is lost whose pod runs. The store says
// that history was lost, and the pod is not started on the other host before it has ended where it was.
TEST_F(HostsTest, TheStoreLosesItsLastWrites) {
  const std::string disk = hosts_->root(1) + "/var/lib/keelson/redis";
  ASSERT_EQ(user("echo '{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"slow\"},\"spec\":{"
                 "\"nodeSelector\":{\"go\":\"yes\"},\"containers\":[{\"name\":\"c\",\"image\":\"nginx:1.7.9\","
                 "\"lifecycle\":{\"preStop\":{\"sleep\":{\"seconds\":6}}}}]}}' | kubectl apply --validate=false -f -")
                .exit_code, 0);
  const std::string uid = user("kubectl get pod slow -o jsonpath={.metadata.uid}").output;
  ASSERT_EQ(run("cp -a " + disk + " " + disk + ".old").exit_code, 0);
  ASSERT_EQ(user("kubectl label node h2 go=yes").exit_code, 0);
  until("kubectl get pod slow --no-headers -o wide | grep -w Running | grep -w 1/1 | grep -qw h2");
  if (HasFailure()) return;

  const std::string keeper = hosts_->root(1) + "/run/keelson/keelson-redis.pid";
  ASSERT_EQ(run("kill -STOP $(cat " + keeper + "); kill -9 " +
                std::to_string(hosts_->main_process(1, "keelson-redis")) + "; sleep 0.2; rm -rf " + disk + " && mv " +
                disk + ".old " + disk + "; kill -CONT $(cat " + keeper + ")").exit_code, 0);
  until("grep -q 'history' " + hosts_->root(1) + "/var/log/keelson/keelson-control-plane.log");
  // From now on the other host is the one that suits it.
  until("kubectl label node h3 go=yes --overwrite", 30s);
  until("kubectl get pod slow --no-headers -o wide | grep -w Running | grep -w 1/1 | grep -qw h3", 90s);
  if (HasFailure()) return;
  EXPECT_EQ(user("kubectl get pod slow -o jsonpath={.metadata.uid}").output, uid) << "it is the same pod";
  // By the journals: it had ended on the one host, at some time before it was not there any more, when it was
  // started on the other.
  const auto told = [&](int host, const std::string& line, const std::string& time) {
    const Outcome found = run("grep '" + line + "' " + hosts_->journal(host) + " | tail -n 1 | grep -o '\"" + time +
                              "\":\"[0-9]*\"' | tr -cd 0-9");
    return std::strtoll(found.output.c_str(), nullptr, 10);
  };
  const std::string of_pod = "\"pod\":\"" + uid + "\"";
  // The pod's status may be told before the list comes from which the journal is written.
  until("grep -q '" + of_pod + "' " + hosts_->journal(3), 30s);
  if (HasFailure()) return;
  // That it is gone is written down with the next list, up to a second after it was removed. (Without the
  // scheduler's wait it would be started some six seconds before its end.)
  const long long finished = told(2, of_pod, "finished");
  const long long ended = finished > 0 ? finished : told(2, "\"gone\"", "at") - 2'000'000'000;
  const long long started = told(3, of_pod, "started");
  ASSERT_GT(ended, 0);
  EXPECT_GT(started, ended) << "it has run on two hosts at once";
  // Nobody was waited for longer than that.
  EXPECT_LT(started - ended, 10'000'000'000);
  std::printf("started again %.1f s after it had ended\n", static_cast<double>(started - ended) / 1e9);
  expect_no_leaks();
  // A new epoch begins in the middle, so little of it can be judged.
  expect_checks_hold({}, {"ST-1", "ST-2", "NA-2"});
}

// Every part may be killed at any moment, several at once. KEELSON_CHAOS_SECONDS says for how long.
TEST_F(HostsTest, PartsAreKilledAtRandom) {
  deploy(4);
  const char* wanted = std::getenv("KEELSON_CHAOS_SECONDS");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(wanted ? std::atoi(wanted) : 20);
  const std::string before = containers();
  Load load(hosts_->network(0), {"http://10.111.0.2:30080", "http://10.111.0.3:30080"});
  const std::pair<int, const char*> kParts[] = {
      {1, "keelson-control-plane"}, {1, "keelson-redis"},      {2, "keelson-node"},
      {3, "keelson-node"},          {2, "keelson-containerd"}, {3, "keelson-containerd"}};
  const unsigned seed = wanted ? static_cast<unsigned>(::getpid()) : 1;
  std::mt19937 random(seed);
  int kills = 0, written = 0;
  std::string promises;
  while (std::chrono::steady_clock::now() < end) {
    const auto& [host, service] = kParts[random() % std::size(kParts)];
    if (const pid_t pid = hosts_->main_process(host, service); pid > 0) {
      ::kill(pid, SIGKILL);
      ++kills;
    }
    const std::string name = "proof-" + std::to_string(written);
    if (promised(name, "3s", promises)) ++written;
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 1500));
  }
  until("kubectl get --raw /readyz", 60s);
  until("[ $(kubectl get nodes --no-headers | grep -cw Ready) = 2 ]", 60s);
  until("[ $(kubectl get pods -l app=kel --no-headers | grep -cw 1/1) = 4 ]", 60s);
  if (HasFailure()) return;
  std::string names = user("kubectl get configmaps --no-headers -o custom-columns=N:.metadata.name").output;
  for (int i = 0; i < written; ++i) {
    EXPECT_NE(names.find("proof-" + std::to_string(i) + "\n"), std::string::npos) << i;
  }
  // A containerd that was killed often is started again after a pause.
  for (int i = 0; i < 300 && containers() != before; ++i) std::this_thread::sleep_for(200ms);
  EXPECT_EQ(containers(), before) << "healthy containers were started anew";
  const Load::Tally tally = load.stop();
  EXPECT_EQ(tally.failed, 0u) << tally.first_failure;
  std::printf("seed %u: %d kills, %d acknowledged writes, %llu requests, %llu failed\n", seed, kills,
              written, static_cast<unsigned long long>(tally.good + tally.failed),
              static_cast<unsigned long long>(tally.failed));
  expect_no_leaks();
  expect_checks_hold(promises + "{\"machines\":\"well\"}\n");
}

}  // namespace
}  // namespace keelson::e2e
