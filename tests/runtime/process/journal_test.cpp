// The journal of a node's containers: each start and each end stands in it once.
#include "runtime/process/journal.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/loop/asio_loop.hpp"

namespace keelson::runtime {
namespace {

namespace fs = std::filesystem;

agent::ContainerInfo container(const std::string& id, agent::ContainerState state) {
  agent::ContainerInfo info;
  info.id = id;
  info.pod_uid = "uid";
  info.name = "web";
  info.state = state;
  info.started_at = {100};
  info.finished_at = {state == agent::ContainerState::exited ? 200 : 0};
  info.exit_code = state == agent::ContainerState::exited ? 137 : 0;
  return info;
}

struct JournalTest : testing::Test {
  JournalTest() {
    std::string name = fs::temp_directory_path() / "keelson-journal-XXXXXX";
    dir = ::mkdtemp(name.data());
    path = dir + "/containers.jsonl";
  }
  ~JournalTest() override { fs::remove_all(dir); }
  std::vector<std::string> lines() const {
    std::ifstream in(path);
    std::vector<std::string> all;
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
  }
  static bool tells(const std::string& line, const std::string& part) { return line.find(part) != line.npos; }

  AsioLoop loop;
  std::string dir, path;
};

TEST_F(JournalTest, EachChangeOnce) {
  using enum agent::ContainerState;
  Journal journal(loop, path, "n1");
  journal.saw({{}, {container("a", running), container("b", created)}});
  journal.saw({{}, {container("a", running), container("b", running)}});
  journal.saw({{}, {container("a", exited), container("b", running)}});
  journal.saw({{}, {container("a", exited), container("b", running)}});
  journal.saw({{}, {}});
  const auto all = lines();
  ASSERT_EQ(all.size(), 6u);
  EXPECT_TRUE(tells(all[0], R"("agent":"n1")"));
  EXPECT_TRUE(tells(all[1], R"("id":"a")") && tells(all[1], R"("started":"100","finished":"0")")) << all[1];
  EXPECT_TRUE(tells(all[2], R"("all":["a"])")) << all[2];
  EXPECT_TRUE(tells(all[3], R"("id":"b")")) << all[3];
  EXPECT_TRUE(tells(all[4], R"("finished":"200","exit":137)")) << all[4];
  EXPECT_TRUE(tells(all[5], R"("gone":"b")") && tells(all[5], R"("after":")")) << all[5];
}

TEST_F(JournalTest, ANewAgentSaysAgainWhatRuns) {
  { Journal(loop, path, "n1").saw({{}, {container("a", agent::ContainerState::running)}}); }
  Journal(loop, path, "n1").saw({{}, {}});
  const auto all = lines();
  ASSERT_EQ(all.size(), 5u);
  EXPECT_TRUE(tells(all[3], R"("agent":"n1")"));
  EXPECT_TRUE(tells(all[4], R"("all":[])"));
}

TEST_F(JournalTest, AFileThatCannotBeWrittenIsDoneWithout) {
  Journal journal(loop, "/nowhere/containers.jsonl", "n1");
  journal.saw({{}, {container("a", agent::ContainerState::running)}});
}

TEST_F(JournalTest, ItDoesNotGrowForEver) {
  std::ofstream(path) << std::string((8 << 20) + 1, ' ') << '\n';
  Journal journal(loop, path, "n1");
  EXPECT_TRUE(fs::exists(path + ".1"));
  EXPECT_LT(fs::file_size(path), 1000u);
}

// What is written anew is understood without what was before.
TEST_F(JournalTest, AFileBeginsWithItsNodeAndWhatRuns) {
  using enum agent::ContainerState;
  Journal journal(loop, path, "n1");
  journal.saw({{}, {container("a", running), container("b", exited)}});
  auto big = container("c", exited);
  big.reason = std::string((8 << 20) + 1, 'x');
  journal.saw({{}, {container("a", running), container("b", exited), big}});
  const auto all = lines();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_TRUE(tells(all[0], R"("agent":"n1","continued":true)")) << all[0];
  EXPECT_TRUE(tells(all[1], R"("id":"a")")) << all[1];
  EXPECT_GT(fs::file_size(path + ".1"), 8u << 20);
}

}  // namespace
}  // namespace keelson::runtime
