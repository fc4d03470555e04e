// metrics.k8s.io.
#include "core/rest/usage.hpp"
#include "tests/rest/fixture.hpp"

namespace keelson::test {
namespace {

constexpr const char* kTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

class FixedUsage final : public rest::UsageSource {
 public:
  std::optional<rest::Usage> of_container(const api::Pod& pod, const std::string& name) override {
    if (pod.metadata().name() == "silent") return std::nullopt;
    return name == "c" ? rest::Usage{12'345'678, 64 << 20} : rest::Usage{1'000'000'000, 1 << 20};
  }
  std::optional<rest::Usage> of_node(const api::Node& node) override {
    if (node.metadata().name() == "silent") return std::nullopt;
    return rest::Usage{250'000'000, int64_t{2} << 30};
  }
  Duration window() const override { return 75s; }
};

class MetricsTest : public FrontTest {
 protected:
  MetricsTest() {
    renew_front({.usage = &usage});
    for (const char* name : {"n1", "silent"}) made(node_named(name));
    api::Pod web = pod_named("web");
    (*web.mutable_metadata()->mutable_labels())["app"] = "web";
    auto& second = *web.mutable_spec()->add_containers();
    second.set_name("side");
    second.set_image("i");
    made(web);
    made(pod_named("silent"));
  }
  FixedUsage usage;
};

constexpr const char* kMetrics = "/apis/metrics.k8s.io/v1beta1";

TEST_F(MetricsTest, SaysWhatANodeAndAPodUse) {
  const auto node = get(std::string(kMetrics) + "/nodes/n1")->json();
  EXPECT_EQ(node.at("kind"), "NodeMetrics");
  EXPECT_EQ(node.at("apiVersion"), "metrics.k8s.io/v1beta1");
  EXPECT_EQ(node.at("usage").at("cpu"), "250m");
  EXPECT_EQ(node.at("usage").at("memory"), "2Gi");
  EXPECT_EQ(node.at("window"), "1m15s");
  EXPECT_TRUE(node.at("timestamp").as_string().ends_with("Z"));
  const auto pod = get(std::string(kMetrics) + "/namespaces/default/pods/web")->json();
  EXPECT_EQ(pod.at("kind"), "PodMetrics");
  EXPECT_EQ(pod.at("metadata").at("labels").at("app"), "web");
  EXPECT_EQ(pod.at("containers").at(0).at("name"), "c");
  EXPECT_EQ(pod.at("containers").at(0).at("usage").at("cpu"), "12345678n");
  EXPECT_EQ(pod.at("containers").at(1).at("usage").at("memory"), "1Mi");
}

TEST_F(MetricsTest, ListsWhatIsMeasured) {
  const auto nodes = get(std::string(kMetrics) + "/nodes")->json();
  EXPECT_EQ(nodes.at("kind"), "NodeMetricsList");
  ASSERT_EQ(nodes.at("items").as_array().size(), 1u);
  const auto pods = get(std::string(kMetrics) + "/pods")->json();
  EXPECT_EQ(pods.at("kind"), "PodMetricsList");
  ASSERT_EQ(pods.at("items").as_array().size(), 1u);
  EXPECT_EQ(pods.at("items").at(0).at("metadata").at("name"), "web");
  const std::string base = std::string(kMetrics) + "/namespaces/default/pods?labelSelector=app";
  EXPECT_EQ(get(base + "%3Dweb")->json().at("items").as_array().size(), 1u);
  EXPECT_EQ(get(base + "%3Dother")->json().at("items").as_array().size(), 0u);
  EXPECT_EQ(get(base + "%3D%3D%3D")->status, 400);
}

TEST_F(MetricsTest, SaysWhatIsNotThere) {
  const auto silent = get(std::string(kMetrics) + "/namespaces/default/pods/silent");
  EXPECT_EQ(silent->status, 404);
  EXPECT_EQ(silent->message(), "podmetrics.metrics.k8s.io \"default/silent\" not found");
  EXPECT_EQ(get(std::string(kMetrics) + "/nodes/silent")->message(),
            "nodemetrics.metrics.k8s.io \"silent\" not found");
  EXPECT_EQ(get(std::string(kMetrics) + "/nodes/nope")->message(), "nodes \"nope\" not found");
  EXPECT_EQ(get(std::string(kMetrics) + "/nodes?watch=1")->status, 405);
  EXPECT_EQ(send("DELETE", std::string(kMetrics) + "/nodes/n1")->status, 405);
  renew_front();
  EXPECT_EQ(get(std::string(kMetrics) + "/nodes")->status, 503);
}

TEST_F(MetricsTest, CanBePrintedAndReadByClientsThatPreferProtobuf) {
  const auto table = get(std::string(kMetrics) + "/pods", kTable)->json();
  EXPECT_EQ(table.at("kind"), "Table");
  EXPECT_EQ(boost::json::serialize(table.at("rows").at(0).at("cells")),
            R"(["web","1012345678n","65Mi","1m15s"])");
  const std::string one = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
  const auto node = get(std::string(kMetrics) + "/nodes/n1", one)->json();
  EXPECT_EQ(node.at("kind"), "PartialObjectMetadata");
  EXPECT_EQ(node.at("metadata").at("name"), "n1");
  EXPECT_FALSE(node.as_object().contains("usage"));
  for (const char* path : {"/nodes", "/pods"}) {
    const auto list = get(std::string(kMetrics) + path,
                          "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")
                          ->json();
    EXPECT_EQ(list.at("kind"), "PartialObjectMetadataList");
    ASSERT_EQ(list.at("items").as_array().size(), 1u);
    EXPECT_EQ(list.at("items").at(0).at("kind"), "PartialObjectMetadata");
  }
  EXPECT_EQ(get(std::string(kMetrics) + "/pods",
                "application/vnd.kubernetes.protobuf,application/json")
                ->status,
            200);
  EXPECT_EQ(get(std::string(kMetrics) + "/pods", "application/vnd.kubernetes.protobuf")->status,
            406);
}

}  // namespace
}  // namespace keelson::test
