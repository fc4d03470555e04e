// The policy that core/scheduler/policies/README.md walks through: the text there is the file that is
// compiled, and it changes what the laboratory finds.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "core/scheduler/config/configuration.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "sim/lab/cluster.hpp"
#include "sim/lab/policies.hpp"
#include "tests/support/builders.hpp"

namespace keelson::lab {
namespace {

std::string content(const std::string& file) {
  std::ifstream in(std::string(KEELSON_SOURCE_DIR) + "/" + file);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

TEST(SpareGpus, TheReadmeShowsTheFile) {
  const std::string readme = content("core/scheduler/policies/README.md");
  for (const char* file : {"core/scheduler/policies/spare_gpus.cpp", "scenarios/lab/spare-gpus.yaml"}) {
    EXPECT_NE(readme.find(content(file)), std::string::npos) << file;
  }
}

// Eight GPUs with eight CPUs beside them, and a large node without GPUs, which fits worse. A pod that
// wants CPUs only comes first, then one that wants all of the GPU node: does it still fit?
TEST(SpareGpus, CpusBesideGpusAreLeftToThoseWhoNeedThem) {
  Workload workload;
  const auto node = [](const std::string& name, bool gpus) {
    api::Node made;
    made.mutable_metadata()->set_name(name);
    auto& amounts = *made.mutable_status()->mutable_allocatable();
    amounts["cpu"].set_string(gpus ? "8" : "256");
    amounts["memory"].set_string("64Gi");
    amounts["pods"].set_string("100");
    if (gpus) amounts["nvidia.com/gpu"].set_string("8");
    return api::make_object(std::move(made));
  };
  workload.nodes = {node("gpus", true), node("plain", false)};
  const auto pod = [](const std::string& name, const std::string& cpu, bool gpus) {
    api::Pod made;
    made.mutable_metadata()->set_name(name);
    made.mutable_metadata()->set_namespace_("default");
    made.mutable_metadata()->set_uid(name);
    auto& amounts = *made.mutable_spec()->add_containers()->mutable_resources()->mutable_requests();
    amounts["cpu"].set_string(cpu);
    if (gpus) amounts["nvidia.com/gpu"].set_string("8");
    return api::make_object(std::move(made));
  };
  const auto config = scheduler::parse_configuration(content("scenarios/lab/spare-gpus.yaml"),
                                                     "spare-gpus.yaml", scheduler::default_plugins());
  ASSERT_TRUE(config.ok()) << config.error().message;
  const Policy spare{"spare", "", config->profiles[0].options};
  int best_fit_failures = 0;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    for (const Policy* policy : {find_policy("BestFit"), &spare}) {
      ClusterOptions options;
      options.seed = seed;  // of the order in which equal nodes are tried
      auto cluster = Cluster::make(workload, *policy, options);
      ASSERT_TRUE(cluster.ok()) << cluster.error().message;
      bool fits = true;
      for (const auto& object : {pod("web", "2", false), pod("train", "8", true)}) {
        const auto info = (*cluster)->info(object);
        const auto decision = (*cluster)->decide(*info);
        fits = decision.kind == scheduler::Decision::Kind::node;
        if (fits) (*cluster)->place(info, decision);
      }
      if (policy == &spare) {
        EXPECT_TRUE(fits) << "seed " << seed;
      } else {
        best_fit_failures += fits ? 0 : 1;
      }
    }
  }
  EXPECT_GT(best_fit_failures, 0);
}

}  // namespace
}  // namespace keelson::lab
