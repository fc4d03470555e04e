// Every input of the corpus goes through its target: what a fuzzer once found stays found.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#define KEELSON_FUZZ_TARGETS(X) \
  X(json) X(yaml) X(protobuf) X(quantity) X(selector) X(patch) X(apply) X(validation) X(query) \
  X(scenario) X(experiment) X(study) X(http_request) X(spdy) X(dns) X(traces)

#define DECLARE(name) extern "C" int fuzz_##name(const uint8_t* data, std::size_t size);
KEELSON_FUZZ_TARGETS(DECLARE)
#undef DECLARE

namespace {

using Target = int (*)(const uint8_t*, std::size_t);

const std::map<std::string, Target>& targets() {
#define ENTRY(name) {#name, fuzz_##name},
  static const std::map<std::string, Target> all{KEELSON_FUZZ_TARGETS(ENTRY)};
#undef ENTRY
  return all;
}

std::filesystem::path corpus() {
  return std::filesystem::path(KEELSON_SOURCE_DIR) / "tests/fuzz/corpus";
}

class Corpus : public testing::TestWithParam<std::string> {};

TEST_P(Corpus, PassesItsTarget) {
  std::size_t inputs = 0;
  for (const auto& file : std::filesystem::directory_iterator(corpus() / GetParam())) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    SCOPED_TRACE(file.path().string());
    EXPECT_EQ(targets().at(GetParam())(reinterpret_cast<const uint8_t*>(text.data()), text.size()), 0);
    ++inputs;
  }
  EXPECT_GT(inputs, 0u);
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& [name, target] : targets()) all.push_back(name);
  return all;
}
INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus, testing::ValuesIn(names()),
                         [](const auto& info) { return info.param; });

TEST(CorpusTree, HasATargetForEachFolder) {
  for (const auto& folder : std::filesystem::directory_iterator(corpus())) {
    EXPECT_EQ(targets().count(folder.path().filename().string()), 1u) << folder.path();
  }
}

}  // namespace
