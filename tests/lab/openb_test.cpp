// The published results of Weng et al. (2023) on the trace openb come out again: with the order of
// pods and nodes that they drew for seed 42, to the last printed digit. The data is not part of
// Keelson; without it these tests are skipped.
#include <gtest/gtest.h>

#include "sim/lab/policies.hpp"
#include "tests/lab/openb_published.hpp"

namespace keelson::lab {
namespace {

class OpenbTest : public testing::TestWithParam<const char*> {};

TEST_P(OpenbTest, GivesThePublishedRowsOfSeed42) {
  const std::string folder = openb::data_folder(KEELSON_SOURCE_DIR);
  if (folder.empty()) GTEST_SKIP() << "the trace openb is not here; set KEELSON_TRACES";
  OpenbOptions trace;
  trace.directory = folder;
  const auto loaded = read_openb(trace);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  ArrivalsOptions options;
  options.seed = 42;
  const Status order = openb::read_order_of_42(folder, loaded->workload, options);
  ASSERT_TRUE(order.ok()) << order.message();

  const auto outcome = run_arrivals(loaded->workload, *find_policy(GetParam()), options);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  for (const char* what : {"allocation", "fragmentation"}) {
    const auto published = openb::published(folder, what, "default", GetParam());
    ASSERT_EQ(published.count(42), 1u);
    const std::string series =
        what == std::string("allocation") ? "gpu-allocation" : "fragmentation";
    const Series* ours = openb::find_series(*outcome, series);
    ASSERT_NE(ours, nullptr);
    EXPECT_EQ(openb::first_difference(published.at(42), openb::printed(*ours)), "") << what;
  }
}

INSTANTIATE_TEST_SUITE_P(Published, OpenbTest,
                         testing::Values("DotProd", "GpuClustering", "GpuPacking", "BestFit",
                                         "FGD"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace keelson::lab
