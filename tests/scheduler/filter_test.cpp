// The filters and scores one by one, each as a table of cases.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduler/cluster.hpp"

namespace keelson {
namespace {

using namespace test;
using scheduler::Decision;

bool fits(const NodeBuilder& node, const PodBuilder& pod) {
  Cluster cluster;
  cluster.add(node);
  return cluster.decide(pod).kind == Decision::Kind::node;
}

TEST(NodeAffinity, Operators) {
  const auto n = [] {
    return big_node("n").label("cores", "8").label("disk", "").label("zone", "a");
  };
  struct Row {
    const char* key;
    const char* op;
    std::vector<std::string> values;
    bool fits;
  };
  const Row rows[] = {
      {"zone", "In", {"a", "b"}, true},    {"zone", "In", {"b"}, false},
      {"zone", "NotIn", {"b"}, true},      {"zone", "NotIn", {"a"}, false},
      {"none", "NotIn", {"a"}, true},      {"none", "In", {"a"}, false},
      {"zone", "Exists", {}, true},        {"none", "Exists", {}, false},
      {"disk", "Exists", {}, true},        {"disk", "In", {""}, true},
      {"none", "DoesNotExist", {}, true},  {"zone", "DoesNotExist", {}, false},
      {"disk", "DoesNotExist", {}, false}, {"cores", "Gt", {"7"}, true},
      {"cores", "Gt", {"8"}, false},       {"cores", "Lt", {"9"}, true},
      {"cores", "Lt", {"8"}, false},       {"zone", "Gt", {"0"}, false},
      {"cores", "Gt", {"x"}, false},       {"none", "Lt", {"9"}, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.key) + ' ' + row.op);
    EXPECT_EQ(fits(n(), pod("p").with(requires_node(row.key, row.op, row.values))), row.fits);
  }
}

TEST(NodeAffinity, TermsAreAlternativesAndAnEmptyOneMatchesNothing) {
  const auto either = [](PodBuilder p) {
    return p.with(requires_node("zone", "In", {"b"})).with(requires_node("disk", "In", {"ssd"}));
  };
  EXPECT_TRUE(fits(big_node("n").label("disk", "ssd"), either(pod("p"))));
  EXPECT_FALSE(fits(big_node("n").label("disk", "hdd"), either(pod("p"))));
  EXPECT_FALSE(fits(big_node("n"), pod("p").with([](api::Pod& p) {
    p.mutable_spec()
        ->mutable_affinity()
        ->mutable_node_affinity()
        ->mutable_required_during_scheduling_ignored_during_execution()
        ->add_node_selector_terms();
  })));
}

TEST(NodeAffinity, MatchFieldsNameTheNode) {
  Cluster cluster;
  for (const char* name : {"a", "b", "c"}) cluster.add(big_node(name));
  EXPECT_EQ(cluster.place(pod("p").with([](api::Pod& p) {
    auto* field = p.mutable_spec()
                      ->mutable_affinity()
                      ->mutable_node_affinity()
                      ->mutable_required_during_scheduling_ignored_during_execution()
                      ->add_node_selector_terms()
                      ->add_match_fields();
    field->set_key("metadata.name");
    field->set_operator_("In");
    field->add_values("b");
  })),
            "b");
}

TEST(NodeAffinity, PreferenceOutweighsNothingElse) {
  Cluster cluster;
  cluster.add(big_node("a")).add(big_node("b").label("disk", "ssd")).add(big_node("c"));
  EXPECT_EQ(cluster.place(pod("p").with(prefers_node(1, "disk", "ssd"))), "b");
}

TEST(NodeAffinity, ALabelThatChangesIsSeen) {
  Cluster cluster;
  cluster.add(big_node("n").label("disk", "hdd"));
  EXPECT_NE(cluster.place(pod("p").with(selects("disk", "ssd"))), "n");
  cluster.add(big_node("n").label("disk", "ssd"));
  EXPECT_EQ(cluster.place(pod("p").with(selects("disk", "ssd"))), "n");
}

TEST(TaintToleration, Operators) {
  const auto tainted = [] { return big_node("n").with(taint("k", "v", "NoSchedule")); };
  EXPECT_FALSE(fits(tainted(), pod("p")));
  EXPECT_TRUE(fits(tainted(), pod("p").with(tolerates("k", "Equal", "v", "NoSchedule"))));
  EXPECT_TRUE(fits(tainted(), pod("p").with(tolerates("k", "", "v", ""))));
  EXPECT_FALSE(fits(tainted(), pod("p").with(tolerates("k", "Equal", "w", ""))));
  EXPECT_TRUE(fits(tainted(), pod("p").with(tolerates("k", "Exists", "", ""))));
  EXPECT_TRUE(fits(tainted(), pod("p").with(tolerates("", "Exists", "", ""))));
  EXPECT_FALSE(fits(tainted(), pod("p").with(tolerates("", "Exists", "", "NoExecute"))));
  EXPECT_FALSE(fits(tainted(), pod("p").with(tolerates("other", "Exists", "", ""))));
}

TEST(TaintToleration, PreferNoScheduleCostsScoreOnly) {
  Cluster cluster;
  cluster.add(big_node("a").with(taint("k", "v", "PreferNoSchedule"))).add(big_node("b"));
  EXPECT_EQ(cluster.place(pod("p")), "b");
  EXPECT_TRUE(fits(big_node("n").with(taint("k", "v", "PreferNoSchedule")), pod("p")));
}

TEST(NodeUnschedulable, IsTolerable) {
  EXPECT_TRUE(fits(
      big_node("n").with(cordon),
      pod("p").with(tolerates("node.kubernetes.io/unschedulable", "Exists", "", "NoSchedule"))));
  EXPECT_TRUE(fits(big_node("n").with(cordon), pod("p").with(tolerates("", "Exists", "", ""))));
}

TEST(NodePorts, AddressAndProtocolDistinguish) {
  const auto clash = [](auto taken, auto wanted) {
    Cluster cluster;
    cluster.add(big_node("n")).add(pod("a").on("n").with(taken));
    return cluster.decide(pod("b").with(wanted)).kind != Decision::Kind::node;
  };
  EXPECT_TRUE(clash(host_port(80), host_port(80)));
  EXPECT_FALSE(clash(host_port(80), host_port(81)));
  EXPECT_FALSE(clash(host_port(80), host_port(80, "UDP")));
  EXPECT_TRUE(clash(host_port(80), host_port(80, "TCP", "10.0.0.1")));
  EXPECT_TRUE(clash(host_port(80, "TCP", "10.0.0.1"), host_port(80, "TCP", "0.0.0.0")));
  EXPECT_FALSE(clash(host_port(80, "TCP", "10.0.0.1"), host_port(80, "TCP", "10.0.0.2")));
}

TEST(NodeResourcesFit, ExactlyFullIsNotTooFull) {
  Cluster cluster;
  cluster.add(big_node("n", "2"));
  cluster.add(pod("a").on("n").with(requests("cpu", "1500m")));
  EXPECT_EQ(cluster.place(pod("p").with(requests("cpu", "500m"))), "n");
  EXPECT_NE(cluster.place(pod("p").with(requests("cpu", "501m"))), "n");
}

TEST(NodeResourcesFit, FinishedPodsTakeNoPlace) {
  Cluster cluster;
  cluster.add(big_node("n", "1"));
  cluster.add(pod("a").on("n").with(requests("cpu", "1")));
  EXPECT_NE(cluster.place(pod("p").with(requests("cpu", "1"))), "n");
  cluster.add(pod("a").on("n").with(requests("cpu", "1")).phase("Succeeded"));
  EXPECT_EQ(cluster.place(pod("p").with(requests("cpu", "1"))), "n");
}

TEST(NodeResourcesFit, InitContainersAndSidecarsAndOverhead) {
  const auto with = [](const char* main, std::vector<std::pair<const char*, bool>> init,
                       const char* overhead) {
    return pod("p").with(requests("cpu", main)).with([=](api::Pod& p) {
      for (const auto& [cpu, sidecar] : init) {
        auto* c = p.mutable_spec()->add_init_containers();
        (*c->mutable_resources()->mutable_requests())["cpu"].set_string(cpu);
        if (sidecar) c->set_restart_policy("Always");
      }
      if (overhead != nullptr) (*p.mutable_spec()->mutable_overhead())["cpu"].set_string(overhead);
    });
  };
  const auto need = [](const PodBuilder& p) {
    Cluster cluster;
    return cluster.cache.info(p.object())->requests[scheduler::kCpu];
  };
  EXPECT_EQ(need(with("1", {}, nullptr)), 1000);
  EXPECT_EQ(need(with("1", {{"3", false}}, nullptr)), 3000);
  EXPECT_EQ(need(with("1", {{"500m", false}}, nullptr)), 1000);
  EXPECT_EQ(need(with("1", {{"500m", true}}, nullptr)), 1500);
  EXPECT_EQ(need(with("1", {{"500m", true}, {"2", false}}, nullptr)), 2500);
  EXPECT_EQ(need(with("1", {{"2", false}, {"500m", true}}, nullptr)), 2000);
  EXPECT_EQ(need(with("1", {{"2", false}}, "250m")), 2250);
}

TEST(NodeResourcesFit, AbsurdAmountsDoNotOverflow) {
  Cluster cluster;
  cluster.add(big_node("n", "9223372036854775807", "9223372036854775807"));
  cluster.add(big_node("below-nothing", "-9223372036854775807", "1Gi"));
  const auto absurd = [](api::Pod& p) {
    p.mutable_spec()->add_init_containers()->set_name("init");
    auto& init = *p.mutable_spec()->mutable_init_containers(0)->mutable_resources();
    (*init.mutable_requests())["memory"].set_string("9223372036854775807");
  };
  for (int i = 0; i < 40; ++i) {
    const std::string name = "by-hand-" + std::to_string(i);
    cluster.add(pod(name)
                    .on(i % 2 == 0 ? "n" : "below-nothing")
                    .with(absurd)
                    .with(requests("cpu", "9223372036854775807")));
  }
  EXPECT_THAT(cluster.place(pod("p").with(absurd)), testing::StartsWith("0/2 nodes"));
  EXPECT_EQ(cluster.decide(pod("p")).kind, Decision::Kind::node) << "it requests nothing";
  EXPECT_EQ(cluster.cache.check(), "");
}

TEST(NodeResourcesFit, StrategiesSpreadOrPack) {
  for (const bool pack : {false, true}) {
    auto options = scheduler::ProfileOptions::defaults();
    options.disable("NodeResourcesBalancedAllocation");
    if (pack) {
      options.args.node_resources_fit.scoring.type =
          scheduler::ScoringStrategy::Type::most_allocated;
    }
    Cluster cluster(options);
    cluster.add(big_node("empty")).add(big_node("used"));
    cluster.add(pod("a").on("used").with(requests("cpu", "2")).with(requests("memory", "4Gi")));
    EXPECT_EQ(cluster.place(pod("p").with(requests("cpu", "1")).with(requests("memory", "1Gi"))),
              pack ? "used" : "empty");
  }
}

TEST(NodeResourcesFit, IgnoredResourcesAreNotChecked) {
  auto options = scheduler::ProfileOptions::defaults();
  options.args.node_resources_fit.ignored_resources = {"example.com/a"};
  options.args.node_resources_fit.ignored_resource_groups = {"ignored.io"};
  Cluster cluster(options);
  cluster.add(big_node("n"));
  EXPECT_EQ(cluster.place(pod("p").with(requests("example.com/a", "1"))), "n");
  EXPECT_EQ(cluster.place(pod("p").with(requests("ignored.io/b", "1"))), "n");
  EXPECT_NE(cluster.place(pod("p").with(requests("example.com/b", "1"))), "n");
}

TEST(NodeResourcesBalancedAllocation, PrefersEvenShares) {
  auto options = scheduler::ProfileOptions::defaults();
  options.disable("NodeResourcesFit");
  Cluster cluster(options);
  cluster.add(big_node("cpu-heavy")).add(big_node("memory-heavy"));
  cluster.add(pod("a").on("cpu-heavy").with(requests("cpu", "2")));
  cluster.add(pod("b").on("memory-heavy").with(requests("memory", "4Gi")));
  EXPECT_EQ(cluster.place(pod("p").with(requests("cpu", "2"))), "memory-heavy");
  EXPECT_EQ(cluster.place(pod("p").with(requests("memory", "4Gi"))), "cpu-heavy");
}

TEST(ImageLocality, PrefersNodesThatHaveTheImage) {
  Cluster cluster;
  cluster.add(big_node("a")).add(big_node("b").with(image("nginx:latest", 800 << 20)));
  EXPECT_EQ(cluster.place(pod("p").image("nginx")), "b");
  EXPECT_EQ(scheduler::normalized_image("host:5000/web"), "host:5000/web:latest");
  EXPECT_EQ(scheduler::normalized_image("host:5000/web:1"), "host:5000/web:1");
}

TEST(PodTopologySpread, SpreadsAReplicaSetOverNodesThenZones) {
  Cluster cluster;
  for (int i = 0; i < 4; ++i) {
    cluster.add(big_node("n" + std::to_string(i), "64", "256Gi").zone(i < 3 ? "a" : "b"));
  }
  const api::ObjectPtr set = replica_set("web").selects("app", "web").object();
  cluster.add(set);
  std::map<std::string, int> nodes;
  for (int i = 0; i < 8; ++i) {
    const auto builder = [&] {
      return pod("web-" + std::to_string(i)).label("app", "web").owner(set);
    };
    const std::string chosen = cluster.place(builder());
    ++nodes[chosen];
    cluster.add(builder().on(chosen));
  }
  // Zone b has one node and gets nearly half of the pods; no node of zone a is left out.
  EXPECT_GE(nodes["n3"], 3);
  for (const char* name : {"n0", "n1", "n2"}) EXPECT_GE(nodes[name], 1) << name;
}

TEST(PodTopologySpread, FollowsServicesAndForgetsTerminatingPods) {
  Cluster cluster;
  cluster.add(big_node("a", "64")).add(big_node("b", "64"));
  api::Service service;
  service.mutable_metadata()->set_name("web");
  service.mutable_metadata()->set_namespace_("default");
  (*service.mutable_spec()->mutable_selector())["app"] = "web";
  cluster.add(api::make_object(service));
  cluster.add(pod("1").label("app", "web").on("a"));
  EXPECT_EQ(cluster.place(pod("2").label("app", "web")), "b");
  // As the first leaves, node a is as empty of neighbours as b; with one on b, it is emptier.
  cluster.add(pod("1").label("app", "web").on("a").deleting());
  cluster.add(pod("2").label("app", "web").on("b"));
  EXPECT_EQ(cluster.place(pod("3").label("app", "web")), "a");
  // Pods in another namespace are no neighbours.
  EXPECT_EQ(cluster.cache.check(), "");
}

TEST(Profile, RefusesWhatItDoesNotKnow) {
  auto options = scheduler::ProfileOptions::defaults();
  options.enable("Astrology");
  const auto made = scheduler::Profile::make(options, scheduler::default_plugins());
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message.find("Astrology"), std::string::npos);
  options = scheduler::ProfileOptions::defaults();
  options.disable("PrioritySort");
  EXPECT_FALSE(scheduler::Profile::make(options, scheduler::default_plugins()).ok());
}

TEST(Profile, PluginsCanBeSwitchedOff) {
  auto options = scheduler::ProfileOptions::defaults();
  options.disable("TaintToleration");
  Cluster cluster(options);
  cluster.add(big_node("n").with(taint("k", "v", "NoSchedule")));
  EXPECT_EQ(cluster.place(pod("p")), "n");
}

}  // namespace
}  // namespace keelson
