// What containers use, from the sampler on a node to the API server's `top`.
#include "core/api/json_text.hpp"
#include "fake_streams.hpp"
#include "node_fixture.hpp"
#include "runtime/node/exposition.hpp"
#include "runtime/node/remote_usage.hpp"
#include "runtime/node/stats.hpp"

#include <boost/json.hpp>

namespace keelson::node::test {
namespace {

// A container that keeps half a core busy.
class HalfACore final : public ContainerStatsSource {
 public:
  explicit HalfACore(Loop& loop) : loop_(loop) {}
  void container_stats(Done<std::vector<ContainerReading>> done) override {
    loop_.post([this, done = std::move(done)]() mutable {
      if (fails) return done(Error{Code::unavailable, "away"});
      ContainerReading reading;
      reading.id = "id1";
      reading.pod_ns = "default";
      reading.pod_name = "web";
      reading.pod_uid = "u1";
      reading.container = "c";
      reading.reading.at = loop_.wall_now();
      if (began_.unix_ns == 0) began_ = reading.reading.at;
      reading.started_at = began_;
      reading.reading.cpu_ns = (reading.reading.at.unix_ns - began_.unix_ns) / 2;
      reading.reading.memory_bytes = 20 << 20;
      reading.reading.working_set_bytes = 10 << 20;
      done(std::vector{reading});
    });
  }
  bool fails = false;

 private:
  Loop& loop_;
  WallTime began_;
};

class UsageTest : public ::testing::Test {
 protected:
  UsageTest() {
    core_.run([&] {
      source_ = std::make_unique<HalfACore>(core_.loop);
      sampler_ = std::make_unique<StatsSampler>(core_.loop, *source_, 50ms);
    });
  }
  ~UsageTest() override {
    core_.run([&] {
      usage_.reset();
      endpoint_.reset();
      sampler_.reset();
      source_.reset();
    });
    core_.stop();
  }
  CoreThread core_;
  NullLog null_;
  Cluster cluster_;
  FakeStreams streams_{core_.loop};
  std::unique_ptr<HalfACore> source_;
  std::unique_ptr<StatsSampler> sampler_;
  std::unique_ptr<NodeEndpoint> endpoint_;
  std::unique_ptr<RemoteUsage> usage_;
};

TEST_F(UsageTest, ReachesTheApiServer) {
  const api::Ref<api::Pod> pod = make_pod();
  core_.run([&] {
    NodeFacts facts;
    facts.stats = sampler_.get();
    auto started = NodeEndpoint::start(core_.loop, null_, cluster_.endpoint(), streams_, facts);
    endpoint_ = std::move(started).value();
    cluster_.add_node("n1", endpoint_->port());
    cluster_.add_node("away", 1);
    usage_ = std::make_unique<RemoteUsage>(core_.loop, cluster_.dialer(),
                                           RemoteUsageOptions{.every = 100ms, .stale_after = 1s});
  });
  ASSERT_TRUE(core_.eventually([&] { return usage_->of_container(*pod, "c").has_value(); }));
  core_.run([&] {
    const rest::Usage used = *usage_->of_container(*pod, "c");
    EXPECT_NEAR(static_cast<double>(used.cpu_nanocores), 5e8, 5e7);
    EXPECT_EQ(used.memory_bytes, 10 << 20);
    EXPECT_FALSE(usage_->of_container(*pod, "other"));
    EXPECT_FALSE(usage_->of_container(*make_pod("web", "u2"), "c"));
    api::Node node;
    node.mutable_metadata()->set_name("n1");
    const auto machine = usage_->of_node(node);
    ASSERT_TRUE(machine);
    EXPECT_GE(machine->cpu_nanocores, 0);
    EXPECT_GT(machine->memory_bytes, 1 << 20);
    node.mutable_metadata()->set_name("away");
    EXPECT_FALSE(usage_->of_node(node));
  });
  // A node that does not answer any more has no figures before long.
  core_.run([&] { endpoint_.reset(); });
  EXPECT_TRUE(core_.eventually([&] { return !usage_->of_container(*pod, "c"); }));
}

// Nodes that accept and say nothing cost all of the patience; the one that answers is heard all the
// same.
TEST_F(UsageTest, IsNotHeldUpByNodesThatAreAway) {
  const SilentListener silent;
  const api::Ref<api::Pod> pod = make_pod();
  core_.run([&] {
    NodeFacts facts;
    facts.stats = sampler_.get();
    auto started = NodeEndpoint::start(core_.loop, null_, cluster_.endpoint(), streams_, facts);
    endpoint_ = std::move(started).value();
    // Looked over before n1, by their names.
    for (int i = 0; i < 4; ++i) {
      cluster_.add_node("away" + std::to_string(i), silent.port());
    }
    cluster_.add_node("n1", endpoint_->port());
    usage_ = std::make_unique<RemoteUsage>(
        core_.loop, cluster_.dialer(),
        RemoteUsageOptions{.every = 100ms, .patience = 2s, .at_once = 4});
  });
  // They are due again and again; without a share of its own it would never be asked.
  ASSERT_TRUE(core_.eventually([&] { return usage_->of_container(*pod, "c").has_value(); }));
  core_.run([&] { usage_.reset(); });
}

TEST_F(UsageTest, IsASummaryAsKubeletsAndTextForPrometheus) {
  ASSERT_TRUE(core_.eventually([&] {
    return !sampler_->containers().empty() && sampler_->containers()[0].cpu_nanocores >= 0 &&
           sampler_->machine().cpu_nanocores >= 0;
  }));
  std::string summary, resource, metrics;
  core_.run([&] {
    summary = summary_json("n1", *sampler_);
    resource = resource_metrics(*sampler_);
    metrics = runtime_metrics(*sampler_);
  });
  const auto parsed = api::parse_json(summary, nullptr);
  ASSERT_EQ(parsed.error, "");
  const auto& node = parsed.value.at("node").as_object();
  EXPECT_EQ(node.at("nodeName").as_string(), "n1");
  EXPECT_GT(node.at("memory").at("availableBytes").as_int64(), 0);
  EXPECT_GT(node.at("cpu").at("usageCoreNanoSeconds").as_int64(), 0);
  const auto& pod = parsed.value.at("pods").as_array().at(0).as_object();
  EXPECT_EQ(pod.at("podRef").at("uid").as_string(), "u1");
  const auto& container = pod.at("containers").as_array().at(0).as_object();
  EXPECT_EQ(container.at("name").as_string(), "c");
  EXPECT_EQ(container.at("memory").at("workingSetBytes").as_int64(), 10 << 20);
  EXPECT_NEAR(static_cast<double>(pod.at("cpu").at("usageNanoCores").as_int64()), 5e8, 5e7);

  EXPECT_NE(
      resource.find("container_memory_working_set_bytes{container=\"c\",namespace=\"default\","
                    "pod=\"web\"} 10485760\n"),
      std::string::npos)
      << resource;
  EXPECT_NE(resource.find("# TYPE node_cpu_usage_seconds_total counter\n"), std::string::npos);
  EXPECT_NE(resource.find("resource_scrape_error 0\n"), std::string::npos);
  EXPECT_NE(metrics.find("kubelet_running_pods 1\n"), std::string::npos) << metrics;
}

TEST_F(UsageTest, SaysNothingWhileTheRuntimeIsAway) {
  ASSERT_TRUE(core_.eventually([&] { return !sampler_->containers().empty(); }));
  core_.run([&] { source_->fails = true; });
  ASSERT_TRUE(core_.eventually([&] { return sampler_->containers().empty(); }));
  core_.run([&] {
    EXPECT_TRUE(sampler_->failing());
    EXPECT_GT(sampler_->failures(), 0u);
    EXPECT_NE(resource_metrics(*sampler_).find("resource_scrape_error 1\n"), std::string::npos);
  });
}

}  // namespace
}  // namespace keelson::node::test
