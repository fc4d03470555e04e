// Extenders: what is sent to them, what their answers do, and that others go on while one is asked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "core/scheduler/extender/wire.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "tests/scheduler/scheduler_world.hpp"

namespace keelson {
namespace {

using namespace test;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
namespace json = boost::json;
namespace wire = scheduler::extender;

constexpr const char* kDevice = "example.com/device";

// Extenders that are answered by the test.
class FakeExtenders final : public scheduler::ExtenderPort {
 public:
  struct Call {
    std::size_t extender = 0;
    std::string verb;
    json::value body;
    Done<std::string> done;
    // Names of the nodes that it is asked about.
    std::vector<std::string> nodes() const {
      std::vector<std::string> names;
      if (body.at("NodeNames").is_array()) {
        for (const json::value& name : body.at("NodeNames").as_array()) {
          names.emplace_back(name.as_string());
        }
        return names;
      }
      for (const json::value& node : body.at("Nodes").at("items").as_array()) {
        names.emplace_back(node.at("metadata").at("name").as_string());
      }
      return names;
    }
    std::string pod() const { return std::string(body.at("Pod").at("metadata").at("name").as_string()); }
  };
  void post(std::size_t extender, const std::string& verb, std::string body,
            Done<std::string> done) override {
    ++posts;
    calls.push_back({extender, verb, json::parse(body), std::move(done)});
  }
  // Takes the oldest call, which must be of this verb.
  Call take(const std::string& verb) {
    EXPECT_FALSE(calls.empty()) << verb;
    if (calls.empty()) return {};
    Call call = std::move(calls.front());
    calls.erase(calls.begin());
    EXPECT_EQ(call.verb, verb);
    return call;
  }
  std::vector<Call> calls;
  int posts = 0;
};

scheduler::ExtenderConfig filter_config() {
  scheduler::ExtenderConfig config;
  config.url_prefix = "http://ext";
  config.filter_verb = "filter";
  config.node_cache_capable = true;
  return config;
}

struct ExtenderWorld {
  FakeExtenders fake;
  SchedulerWorld w;

  explicit ExtenderWorld(std::vector<scheduler::ExtenderConfig> configs)
      : w([&] {
          scheduler::SchedulerOptions options;
          options.extenders = {std::move(configs), &fake};
          return options;
        }()) {}
  // Answers the oldest call.
  void answer(const std::string& verb, const std::string& body) {
    FakeExtenders::Call call = fake.take(verb);
    if (call.done) call.done(body);
    w.loop.settle();
  }
  void fail(const std::string& verb, Code code) {
    FakeExtenders::Call call = fake.take(verb);
    if (call.done) call.done(Error{code, "no luck"});
    w.loop.settle();
  }
  std::string node_of(const std::string& pod) { return w.api.node_of(pod); }
};

PodBuilder cpu_pod(const std::string& name) { return pod(name).with(requests("cpu", "1")); }

TEST(ExtenderWire, IsKubeSchedulersJson) {
  const api::ObjectPtr p = pod("p"), n = node("n");
  const json::value by_name = json::parse(wire::filter_args(*p, {n}, true));
  EXPECT_EQ(by_name.at("NodeNames"), json::value({"n"}));
  EXPECT_TRUE(by_name.at("Nodes").is_null());
  EXPECT_EQ(by_name.at("Pod").at("metadata").at("name"), "p");
  const json::value whole = json::parse(wire::filter_args(*p, {n}, false));
  EXPECT_TRUE(whole.at("NodeNames").is_null());
  EXPECT_EQ(whole.at("Nodes").at("items").at(0).at("metadata").at("name"), "n");

  const auto result = wire::read_filter_result(
      R"({"nodenames": ["a"], "failedNodes": {"b": "too hot"},
          "FailedAndUnresolvableNodes": {"c": "no licence"}, "Error": ""})");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_THAT(*result->nodes, ElementsAre("a"));
  EXPECT_EQ(result->failed.at("b"), "too hot");
  EXPECT_EQ(result->unresolvable.at("c"), "no licence");
  EXPECT_EQ(wire::read_filter_result(R"({"Error": "out of order"})").error().message,
            "out of order");
  const auto priorities = wire::read_priorities(R"([{"Host": "a", "Score": 7}, {"host": "b"}])");
  ASSERT_TRUE(priorities.ok());
  EXPECT_THAT(*priorities, ElementsAre(std::pair("a", 7), std::pair("b", 0)));
  EXPECT_EQ(json::parse(wire::binding_args(*p, "n")),
            json::parse(R"({"PodName":"p","PodNamespace":"default","PodUID":"uid-p","Node":"n"})"));
  EXPECT_TRUE(wire::read_binding_result("{}").ok());
  EXPECT_FALSE(wire::read_binding_result(R"({"Error": "taken"})").ok());
  for (const char* bad : {"", "[", "3", "[]", R"({"NodeNames": 3})", R"({"FailedNodes": []})"}) {
    EXPECT_FALSE(wire::read_filter_result(bad).ok()) << bad;
  }
  for (const char* bad : {"", "{}", "[3]"}) EXPECT_FALSE(wire::read_priorities(bad).ok()) << bad;
}

TEST(Extenders, FilterDecidesAmongFeasibleNodes) {
  ExtenderWorld x({filter_config()});
  x.w.put(big_node("a")).put(big_node("b")).put(big_node("small", "100m")).put(cpu_pod("p"));
  x.w.start();
  ASSERT_EQ(x.fake.calls.size(), 1u);
  EXPECT_THAT(x.fake.calls[0].nodes(), testing::UnorderedElementsAre("a", "b"))
      << "only what the plugins accept";
  EXPECT_EQ(x.fake.calls[0].pod(), "p");
  x.answer("filter", R"({"NodeNames": ["b"], "FailedNodes": {"a": "a is taken"}})");
  EXPECT_EQ(x.node_of("p"), "b");
}

TEST(Extenders, WholeNodesForThoseThatDoNotKnowThem) {
  auto config = filter_config();
  config.node_cache_capable = false;
  ExtenderWorld x({config});
  x.w.put(big_node("a")).put(cpu_pod("p"));
  x.w.start();
  FakeExtenders::Call call = x.fake.take("filter");
  const json::value items = call.body.at("Nodes").at("items");
  EXPECT_EQ(items.at(0).at("status").at("allocatable").at("cpu"), "4");
  call.done(json::serialize(json::value{{"Nodes", {{"items", items}}}}));
  x.w.loop.settle();
  EXPECT_EQ(x.node_of("p"), "a");
}

TEST(Extenders, ARefusedPodSaysWhyAndIsTriedAgainThoughNothingHappens) {
  ExtenderWorld x({filter_config()});
  x.w.put(big_node("a")).put(big_node("b")).put(cpu_pod("p"));
  x.w.start();
  x.answer("filter", R"({"NodeNames": [], "FailedNodes": {"a": "too hot", "b": "too hot"}})");
  EXPECT_EQ(x.node_of("p"), "");
  EXPECT_THAT(x.w.api.events, Contains(HasSubstr("0/2 nodes are available: 2 too hot")));
  EXPECT_TRUE(x.fake.calls.empty());
  x.w.loop.run_for(125s);
  ASSERT_EQ(x.fake.calls.size(), 1u) << "nobody hears of an extender's change of mind";
  x.answer("filter", R"({"NodeNames": ["a"]})");
  EXPECT_EQ(x.node_of("p"), "a");
}

TEST(Extenders, PrioritiesAreWeightedAndAdded) {
  auto first = filter_config();
  first.prioritize_verb = "prioritize";
  first.weight = 2;
  auto second = first;
  second.filter_verb.clear();
  second.weight = 1;
  ExtenderWorld x({first, second});
  x.w.put(big_node("a")).put(big_node("b")).put(cpu_pod("p"));
  x.w.start();
  x.answer("filter", R"({"NodeNames": ["a", "b"]})");
  ASSERT_EQ(x.fake.calls.size(), 2u) << "both are asked at once";
  x.answer("prioritize", R"([{"Host": "a", "Score": 4}, {"Host": "b", "Score": 6}])");
  EXPECT_EQ(x.node_of("p"), "");
  x.answer("prioritize", R"([{"Host": "a", "Score": 10}, {"Host": "b", "Score": 0}])");
  EXPECT_EQ(x.node_of("p"), "a") << "2*4 + 10 is more than 2*6";
}

TEST(Extenders, PrioritiesThatFailAreDoneWithout) {
  auto config = filter_config();
  config.filter_verb.clear();
  config.prioritize_verb = "prioritize";
  config.weight = 1;
  ExtenderWorld x({config});
  x.w.put(big_node("a")).put(big_node("b")).put(cpu_pod("p"));
  x.w.start();
  x.fail("prioritize", Code::unavailable);
  EXPECT_NE(x.node_of("p"), "");
}

TEST(Extenders, OneThatIsAwayHoldsPodsUpUnlessItMayBeIgnored) {
  for (const bool ignorable : {false, true}) {
    auto config = filter_config();
    config.ignorable = ignorable;
    ExtenderWorld x({config});
    x.w.put(big_node("a")).put(cpu_pod("p"));
    x.w.start();
    x.fail("filter", Code::unavailable);
    EXPECT_EQ(x.node_of("p"), ignorable ? "a" : "");
    if (ignorable) continue;
    EXPECT_THAT(x.w.api.events, Contains(HasSubstr("extender http://ext: no luck")));
    x.w.loop.run_for(2s);
    x.answer("filter", R"({"NodeNames": ["a"]})");
    EXPECT_EQ(x.node_of("p"), "a") << "after its back-off it is tried again";
  }
}

TEST(Extenders, AnAnswerAboutNodesThatWereNotAskedAboutIsAnError) {
  ExtenderWorld x({filter_config()});
  x.w.put(big_node("a")).put(cpu_pod("p"));
  x.w.start();
  x.answer("filter", R"({"NodeNames": ["a", "elsewhere"]})");
  EXPECT_EQ(x.node_of("p"), "");
  EXPECT_THAT(x.w.api.events, Contains(HasSubstr("\"elsewhere\", which was not asked about")));
}

TEST(Extenders, OnlyPodsWithItsResourceConcernItAndOthersGoOn) {
  auto config = filter_config();
  config.managed_resources = {{kDevice, true}};
  ExtenderWorld x({config});
  x.w.put(big_node("a").allocatable(kDevice, "4"));
  x.w.put(cpu_pod("first").with(requests(kDevice, "1")));
  x.w.put(cpu_pod("second").with(requests(kDevice, "1")));
  x.w.put(cpu_pod("plain"));
  x.w.start();
  EXPECT_EQ(x.node_of("plain"), "a");
  ASSERT_EQ(x.fake.calls.size(), 1u) << "one pod at a time";
  EXPECT_EQ(x.fake.calls[0].pod(), "first");
  x.answer("filter", R"({"NodeNames": ["a"]})");
  EXPECT_EQ(x.node_of("first"), "a");
  ASSERT_EQ(x.fake.calls.size(), 1u);
  EXPECT_EQ(x.fake.calls[0].pod(), "second");
  x.answer("filter", R"({"NodeNames": ["a"]})");
  EXPECT_EQ(x.node_of("second"), "a");
}

TEST(Extenders, WhatChangedMeanwhileCounts) {
  auto config = filter_config();
  config.managed_resources = {{kDevice, true}};
  ExtenderWorld x({config});
  x.w.put(big_node("a", "1").allocatable(kDevice, "4"));
  x.w.put(cpu_pod("asked").with(requests(kDevice, "1")));
  x.w.start();
  x.w.put(cpu_pod("quick"));
  x.w.loop.settle();
  EXPECT_EQ(x.node_of("quick"), "a");
  x.answer("filter", R"({"NodeNames": ["a"]})");
  EXPECT_EQ(x.node_of("asked"), "") << "the node is full by now";
  EXPECT_EQ(x.w.cpu_on("a"), 1000);
  // The question may be asked anew, and the pod of which it was may go.
  x.w.api.erase({api::Kind::pods, "default", "quick"});
  x.w.loop.run_for(2s);
  ASSERT_EQ(x.fake.calls.size(), 1u);
  x.w.api.erase({api::Kind::pods, "default", "asked"});
  x.w.put(cpu_pod("last").with(requests(kDevice, "1")));
  x.w.loop.settle();
  x.answer("filter", R"({"NodeNames": ["a"]})");
  ASSERT_EQ(x.fake.calls.size(), 1u) << "the next has its turn";
  x.answer("filter", R"({"NodeNames": ["a"]})");
  EXPECT_EQ(x.node_of("last"), "a");
}

TEST(Extenders, ADeposedSchedulerDoesNothingWithTheAnswer) {
  ExtenderWorld x({filter_config()});
  x.w.put(big_node("a")).put(cpu_pod("p")).put(cpu_pod("q"));
  x.w.start();
  x.w.leading = false;
  x.answer("filter", R"({"NodeNames": ["a"]})");
  EXPECT_EQ(x.node_of("p"), "");
  x.w.leading = true;
  x.w.loop.run_for(5s);
  for (int i = 0; i < 2; ++i) x.answer("filter", R"({"NodeNames": ["a"]})");
  EXPECT_EQ(x.node_of("p"), "a");
  EXPECT_EQ(x.node_of("q"), "a");
}

TEST(Extenders, BindInThePlaceOfThePlugins) {
  scheduler::ExtenderConfig config;
  config.url_prefix = "http://ext";
  config.bind_verb = "bind";
  ExtenderWorld x({config});
  x.w.put(big_node("a")).put(cpu_pod("p"));
  x.w.start();
  ASSERT_EQ(x.fake.calls.size(), 1u);
  EXPECT_EQ(x.fake.calls[0].body.at("Node"), "a");
  EXPECT_TRUE(x.w.api.binds.empty());
  x.answer("bind", R"({"Error": "taken"})");
  EXPECT_EQ(x.w.cpu_on("a"), 0) << "its place is free again";
  x.w.loop.run_for(2s);
  x.w.put(cpu_pod("p").on("a"));  // the extender does it
  x.answer("bind", "{}");
  EXPECT_EQ(x.w.cpu_on("a"), 1000);
  EXPECT_EQ(x.w.scheduler.stats().binds_in_flight, 0u);
}

TEST(Extenders, ABindThatIsClaimedAndDidNotHappenIsFoundOut) {
  scheduler::ExtenderConfig config;
  config.url_prefix = "http://ext";
  config.bind_verb = "bind";
  ExtenderWorld x({config});
  x.w.put(big_node("a")).put(cpu_pod("p"));
  x.w.start();
  x.answer("bind", "{}");
  EXPECT_EQ(x.w.cpu_on("a"), 0);
  EXPECT_TRUE(x.w.scheduler.cache().assumptions().empty());
}

PodBuilder prioritised(const std::string& name, int32_t priority) {
  return pod(name).with(requests("cpu", "4")).with([priority](api::Pod& p) {
    p.mutable_spec()->set_priority(priority);
  });
}

TEST(Extenders, HaveASayInPreemptionOnePlaceAfterTheOther) {
  scheduler::ExtenderConfig config;
  config.url_prefix = "http://ext";
  config.preempt_verb = "preempt";
  config.node_cache_capable = true;
  ExtenderWorld x({config});
  x.w.put(big_node("a")).put(big_node("b"));
  x.w.put(prioritised("low", 1).on("a")).put(prioritised("middle", 2).on("b"));
  x.w.put(prioritised("high", 3));
  x.w.start();
  ASSERT_EQ(x.fake.calls.size(), 1u);
  const json::value& nodes = x.fake.calls[0].body.at("NodeNameToMetaVictims");
  EXPECT_EQ(nodes, json::parse(R"({"a":{"Pods":[{"UID":"uid-low"}],"NumPDBViolations":0}})"));
  EXPECT_TRUE(x.fake.calls[0].body.at("NodeNameToVictims").is_null());
  x.answer("preempt", R"({"NodeNameToMetaVictims": {}})");
  EXPECT_TRUE(x.w.api.removals.empty());
  ASSERT_EQ(x.fake.calls.size(), 1u) << "the next best is proposed";
  x.answer("preempt", R"({"nodeNameToMetaVictims": {"b": {"Pods": [{"UID": "uid-middle"}]}}})");
  ASSERT_EQ(x.w.api.removals.size(), 1u);
  EXPECT_EQ(x.w.api.removals[0].name, "middle");
  EXPECT_EQ(x.w.api.pod("high")->status().nominated_node_name(), "b");
}

TEST(Extenders, RefusedEverywhereNobodyIsPreempted) {
  scheduler::ExtenderConfig config;
  config.url_prefix = "http://ext";
  config.preempt_verb = "preempt";
  ExtenderWorld x({config});
  x.w.put(big_node("a")).put(prioritised("low", 1).on("a")).put(prioritised("high", 3));
  x.w.start();
  FakeExtenders::Call call = x.fake.take("preempt");
  EXPECT_EQ(call.body.at("NodeNameToVictims").at("a").at("Pods").at(0).at("metadata").at("name"),
            "low")
      << "whole pods for those that do not know them";
  EXPECT_TRUE(call.body.at("NodeNameToMetaVictims").is_null());
  call.done(std::string("{}"));
  x.w.loop.settle();
  EXPECT_TRUE(x.fake.calls.empty());
  EXPECT_TRUE(x.w.api.removals.empty());
  EXPECT_THAT(x.w.api.events, Contains(HasSubstr("refused to preemption by an extender")));
}

TEST(Extenders, AnEmptyQuestionNeedsNobody) {
  auto config = filter_config();
  config.filter_verb.clear();
  config.prioritize_verb = "prioritize";
  config.weight = 1;
  ExtenderWorld x({config});
  x.w.put(big_node("a"));
  for (int i = 0; i < 3; ++i) x.w.put(cpu_pod("p" + std::to_string(i)));
  x.w.start();
  EXPECT_EQ(x.fake.posts, 0) << "of one node there is nothing to choose";
  EXPECT_EQ(x.w.scheduler.stats().scheduled, 3u);
}

}  // namespace
}  // namespace keelson
