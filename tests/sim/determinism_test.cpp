// The same seeds give the same hash: with and without address randomisation, with one job and two, with
// gcc and optimised as with clang and not. tools/determinism compares more of them.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "tests/support/missing_tool.hpp"

namespace keelson {
namespace {

const std::string kKeelson = KEELSON_BINARY_DIR "/keelson sim run";

std::string hash_of(const std::string& run, const std::string& arguments) {
  const std::string command = run + " " KEELSON_SOURCE_DIR "/scenarios/" + arguments + " 2>/dev/null";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string text;
  char buffer[4096];
  while (const std::size_t n = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
  pclose(pipe);
  const auto at = text.find("Hash of all ");
  return at == std::string::npos ? std::string() : text.substr(at + 12, 16);
}

TEST(Determinism, OneJobOrTwo) {
  const std::string one = hash_of(kKeelson, "node-failure.yaml --seeds 1..4 --jobs 1");
  ASSERT_EQ(one.size(), 16u);
  EXPECT_EQ(hash_of(kKeelson, "node-failure.yaml --seeds 1..4 --jobs 2"), one);
}

TEST(Determinism, WithAndWithoutAddressRandomisation) {
  const std::string with = hash_of(kKeelson, "control-plane-failover.yaml --seeds 1..2");
  ASSERT_EQ(with.size(), 16u);
  EXPECT_EQ(hash_of("setarch -R " + kKeelson, "control-plane-failover.yaml --seeds 1..2"), with);
}

TEST(Determinism, AnotherCompilerAndBuildType) {
  const std::string clang = KEELSON_SOURCE_DIR "/build/clang/keelson_sim_run";
  if (!std::filesystem::exists(clang)) {
    KEELSON_TOOL_IS_MISSING("there is no build by clang; tools/test and `tools/build clang keelson_sim_run` make it");
  }
  for (const char* run : {"tutorial.yaml --seeds 1..4", "node-failure.yaml --seeds 1..2",
                          "control-plane-failover.yaml --seeds 1..2", "partition.yaml --seeds 1..1"}) {
    const std::string here = hash_of(kKeelson, run);
    ASSERT_EQ(here.size(), 16u) << run;
    EXPECT_EQ(hash_of(clang, run), here) << run;
  }
}

TEST(Determinism, AnotherSeedIsAnotherRun) {
  EXPECT_NE(hash_of(kKeelson, "tutorial.yaml --seeds 1..1"), hash_of(kKeelson, "tutorial.yaml --seeds 2..2"));
}

}  // namespace
}  // namespace keelson
