// The same seeds give the same hash, with and without address randomisation, with one job and two.
// tools/determinism does the same across compilers and build types, which takes three builds.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace keelson {
namespace {

std::string hash_of(const std::string& prefix, const std::string& arguments) {
  const std::string command = prefix + " " KEELSON_BINARY_DIR "/keelson sim run " KEELSON_SOURCE_DIR
                              "/scenarios/" + arguments + " 2>/dev/null";
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
  const std::string one = hash_of("", "node-failure.yaml --seeds 1..4 --jobs 1");
  ASSERT_EQ(one.size(), 16u);
  EXPECT_EQ(hash_of("", "node-failure.yaml --seeds 1..4 --jobs 2"), one);
}

TEST(Determinism, WithAndWithoutAddressRandomisation) {
  const std::string with = hash_of("", "control-plane-failover.yaml --seeds 1..2");
  ASSERT_EQ(with.size(), 16u);
  EXPECT_EQ(hash_of("setarch -R", "control-plane-failover.yaml --seeds 1..2"), with);
}

TEST(Determinism, AnotherSeedIsAnotherRun) {
  EXPECT_NE(hash_of("", "tutorial.yaml --seeds 1..1"), hash_of("", "tutorial.yaml --seeds 2..2"));
}

}  // namespace
}  // namespace keelson
