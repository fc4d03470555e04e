// The Node object, heartbeats, and the duty of a witness.
#include "core/agent/images.hpp"
#include "core/agent/witness_duty.hpp"
#include "tests/agent/agent_fixture.hpp"

namespace keelson::test {
namespace {

using NodeTest = AgentTest;

TEST_F(NodeTest, RegistersItselfWithEverythingTheSchedulerNeeds) {
  options.labels = {{"zone", "a"}};
  options.pod_cidr = "10.1.0.0/24";
  runtime.present = {"docker.io/library/nginx:1.7.9"};
  start();
  EXPECT_EQ(node().metadata().labels().at("zone"), "a");
  EXPECT_EQ(node().metadata().labels().at("kubernetes.io/hostname"), "n1");
  EXPECT_EQ(node().spec().pod_cidr(), "10.1.0.0/24");
  EXPECT_EQ(node().status().capacity().at("cpu").string(), "4");
  EXPECT_EQ(node().status().allocatable().at("pods").string(), "110");
  EXPECT_EQ(node().status().addresses(0).address(), "192.168.0.1");
  EXPECT_EQ(node_condition("Ready"), "True");
  EXPECT_EQ(node_condition("MemoryPressure"), "False");
  EXPECT_EQ(node_condition("DiskPressure"), "False");
  EXPECT_EQ(node_condition("PIDPressure"), "False");
  loop.run_for(11s);  // images are gathered for 10 s
  ASSERT_EQ(node().status().images_size(), 1);
}

TEST_F(NodeTest, HeartbeatsRiseAndComeEveryPeriod) {
  start();
  loop.run_for(100s);
  const auto all = beats();
  EXPECT_GE(all.size(), 10u);
  EXPECT_LE(all.size(), 12u);
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_GT(all[i].seq, all[i - 1].seq);
  restart();
  EXPECT_GT(beats().back().seq, all.back().seq);
}

TEST_F(NodeTest, IdleNodeWritesOnlyItsStatusEveryFewMinutes) {
  start();
  loop.run_for(20s);
  const auto before = api.requests().size();
  const auto lists = runtime.count("list");
  loop.run_for(600s);
  int others = 0;
  for (std::size_t i = before; i < api.requests().size(); ++i) {
    others += api.requests()[i].verb == api::Verb::update;
  }
  EXPECT_EQ(others, 2);                     // status_period is five minutes
  EXPECT_EQ(runtime.count("list"), lists);  // nothing to watch over
}

TEST_F(NodeTest, SaysReadyAgainWhenTheNodeObjectSaysOtherwise) {
  start();
  api::Node changed = node();
  for (auto& c : *changed.mutable_status()->mutable_conditions()) {
    if (c.type() == "Ready") c.set_status("Unknown");
  }
  api.put(api::make_object(std::move(changed)));
  loop.run_for(1500ms);
  EXPECT_EQ(node_condition("Ready"), "True");
}

TEST_F(NodeTest, QuantitiesArePostedInCanonicalForm) {
  options.capacity = {{"cpu", "4000m"}, {"memory", "8192Mi"}};
  start();
  EXPECT_EQ(node().status().capacity().at("cpu").string(), "4");
  EXPECT_EQ(node().status().allocatable().at("memory").string(), "8Gi");
}

TEST_F(NodeTest, WhatSomebodyAdvertisesForItCanBeHad) {
  options.capacity = {{"cpu", "4"}};
  start();
  api::Node changed = node();
  (*changed.mutable_status()->mutable_capacity())["example.com/dongle"].set_string("4");
  (*changed.mutable_status()->mutable_capacity())["cpu"].set_string("64");
  api.put(api::make_object(changed));
  loop.run_for(2s);
  EXPECT_EQ(node().status().capacity().at("example.com/dongle").string(), "4");
  EXPECT_EQ(node().status().allocatable().at("example.com/dongle").string(), "4");
  EXPECT_EQ(node().status().capacity().at("cpu").string(), "4") << "it knows that better";
  changed = node();
  changed.mutable_status()->mutable_capacity()->erase("example.com/dongle");
  api.put(api::make_object(changed));
  loop.run_for(2s);
  EXPECT_FALSE(node().status().allocatable().contains("example.com/dongle"));
}

TEST_F(NodeTest, DoesNotChaseSomebodyWhoKeepsChangingTheNode) {
  start();
  const int before = api.count(api::Verb::update);
  for (int i = 0; i < 3000; ++i) {
    api::Node changed = node();
    for (auto& c : *changed.mutable_status()->mutable_conditions()) {
      if (c.type() == "Ready") c.set_status("Unknown");
    }
    api.put(api::make_object(std::move(changed)));
    loop.run_for(10ms);
  }
  EXPECT_LE(api.count(api::Verb::update) - before, 160);  // conflicts are retried from 200 ms on
}

TEST_F(NodeTest, AdoptsAnExistingNodeAndKeepsWhatOthersPutOnIt) {
  api::Node old;
  old.mutable_metadata()->set_name("n1");
  (*old.mutable_metadata()->mutable_labels())["theirs"] = "yes";
  old.mutable_spec()->set_unschedulable(true);
  api.put(api::make_object(std::move(old)));
  options.labels = {{"zone", "b"}};
  start();
  loop.run_for(2s);
  EXPECT_EQ(node().metadata().labels().at("theirs"), "yes");
  EXPECT_EQ(node().metadata().labels().at("zone"), "b");
  EXPECT_TRUE(node().spec().unschedulable());
  EXPECT_EQ(node_condition("Ready"), "True");
}

TEST_F(NodeTest, RegistersAgainWhenTheNodeObjectIsLost) {
  start();
  api.erase({api::Kind::nodes, "", "n1"});
  loop.run_for(3s);
  EXPECT_EQ(node_condition("Ready"), "True");
}

// The answer to its heartbeat tells it as well, if the watch does not.
TEST_F(NodeTest, RegistersAgainWhenItsHeartbeatIsOfNoNode) {
  start();
  loop.run_for(1s);
  api.stalled_kind = api::Kind::nodes;
  api.erase({api::Kind::nodes, "", "n1"});
  loop.run_for(2 * options.heartbeat_period);
  EXPECT_EQ(node_condition("Ready"), "True");
}

TEST_F(NodeTest, ReportsARuntimeThatHasStoppedAnswering) {
  start();
  api.put(web());
  loop.run_for(5s);
  runtime.fail("list", {Code::unavailable}, 100);
  loop.run_for(40s);
  EXPECT_EQ(node_condition("Ready"), "False");
  loop.run_for(300s);
  EXPECT_EQ(node_condition("Ready"), "True");
}

TEST_F(NodeTest, RegistrationSurvivesLostAnswersAndOutages) {
  api.lose_replies = 2;
  api.refuse = 1;
  start();
  loop.run_for(20s);
  EXPECT_EQ(node_condition("Ready"), "True");
  EXPECT_FALSE(beats().empty());
}

class FakeProber final : public client::PeerProber {
 public:
  explicit FakeProber(Loop& loop) : loop_(loop) {}
  void probe(const std::string& node, Callback<void(bool)> done) override {
    asked.push_back(node);
    const bool up = !answers.empty() && answers.front();
    if (!answers.empty()) answers.erase(answers.begin());
    loop_.post([done = std::move(done), up]() mutable { done(up); });
  }
  std::vector<std::string> asked;
  std::vector<bool> answers;

 private:
  Loop& loop_;
};

api::ConfigMap question(const std::string& node, const std::string& text) {
  api::ConfigMap map;
  map.mutable_metadata()->set_namespace_("kube-system");
  map.mutable_metadata()->set_name("keelson-witnesses");
  (*map.mutable_data())[node] = text;
  return map;
}

TEST_F(NodeTest, WitnessProbesTwiceAndReportsAtOnce) {
  FakeProber prober(loop);
  options.prober = &prober;
  start();
  api.put(api::make_object(question("n9", "3 n4 n1")));
  loop.run_for(100ms);
  EXPECT_EQ(prober.asked, (std::vector<std::string>{"n9", "n9"}));
  ASSERT_EQ(beats().back().reports.size(), 1u);
  EXPECT_EQ(beats().back().reports[0].node, "n9");
  EXPECT_EQ(beats().back().reports[0].round, 3u);
  EXPECT_FALSE(beats().back().reports[0].reachable);

  prober.answers = {false, true};
  api.put(api::make_object(question("n9", "4 n1")));
  loop.run_for(100ms);
  ASSERT_EQ(beats().back().reports.size(), 1u);  // the first report was delivered
  EXPECT_TRUE(beats().back().reports[0].reachable);

  const auto asked = prober.asked.size();
  api.put(api::make_object(question("n9", "5 n2 n3")));  // not for us
  loop.run_for(100ms);
  EXPECT_EQ(prober.asked.size(), asked);
}

TEST_F(NodeTest, UndeliveredReportGoesOutWithTheNextHeartbeat) {
  FakeProber prober(loop);
  options.prober = &prober;
  start();
  prober.answers = {true};
  const auto before = beats().size();
  api.refuse = 1;
  api.put(api::make_object(question("n9", "1 n1")));
  loop.run_for(100ms);
  ASSERT_EQ(api.refuse, 0);
  ASSERT_EQ(beats().size(), before + 1);
  loop.run_for(3s);  // a beat that failed is repeated soon
  ASSERT_GT(beats().size(), before + 1);
  EXPECT_EQ(beats()[before + 1].reports.size(), 1u);
}

TEST(Witness, ReadsQuestions) {
  EXPECT_EQ(agent::asked_round("7 a b", "b"), 7u);
  EXPECT_EQ(agent::asked_round("7 a bb", "b"), std::nullopt);
  EXPECT_EQ(agent::asked_round("x a b", "b"), std::nullopt);
  EXPECT_EQ(agent::asked_round("", "b"), std::nullopt);
}

TEST(Images, NamesAndPolicies) {
  EXPECT_EQ(agent::normalize_image("nginx"), "docker.io/library/nginx:latest");
  EXPECT_EQ(agent::normalize_image("a/b:1"), "docker.io/a/b:1");
  EXPECT_EQ(agent::normalize_image("reg.io:5000/a/b"), "reg.io:5000/a/b:latest");
  api::Container c;
  c.set_image("reg.io:5000/b");
  EXPECT_EQ(agent::pull_policy(c), "Always");
  c.set_image("b:1");
  EXPECT_EQ(agent::pull_policy(c), "IfNotPresent");
}

}  // namespace
}  // namespace keelson::test
