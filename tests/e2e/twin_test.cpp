// The same story in both worlds: what follows from each thing that is done, and in which order, is the same
// on real hosts and in the simulator.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>

#include "tests/e2e/cluster.hpp"
#include "tests/e2e/hosts.hpp"
#include "tests/e2e/process.hpp"

namespace keelson::e2e {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

const std::string kSource = KEELSON_SOURCE_DIR;
const std::string kImages = KEELSON_BINARY_DIR "/images";

// What two watches bring may overtake each other, on a machine that is busy.
constexpr double kOvertaking = 0.25;

std::vector<std::string> sorted_names(const json::array& milestones) {
  std::vector<std::string> out;
  for (const json::value& one : milestones) out.emplace_back(one.at("name").as_string());
  std::sort(out.begin(), out.end());
  return out;
}

double seconds_of(const json::array& milestones, const json::value& name) {
  for (const json::value& one : milestones) {
    if (one.at("name") == name) return one.at("seconds").as_double();
  }
  return -1;
}

TEST(TwinTest, BothWorldsTellTheSameStory) {
  KEELSON_NEEDS_HOSTS();
  const Outcome images = run(kSource + "/tests/images/build " + kImages);
  ASSERT_EQ(images.exit_code, 0) << images.output;
  const TemporaryDir dir;
  const std::string file = dir.path() + "/twin.json";
  const Outcome played = run(keelson_binary() + " real run " + kSource +
                                 "/tests/e2e/hosts/twin.yaml --beside --images " + kImages + " --json " + file,
                             {}, 240s);
  ASSERT_EQ(played.exit_code, 0) << played.output;
  const json::value tree = json::parse(read_file(file));
  const json::value& real = tree.at("real").at(0);
  const json::array& real_chapters = real.at("chapters").as_array();
  const json::array& simulated_chapters = tree.at("simulated").at(0).at("chapters").as_array();
  ASSERT_EQ(real_chapters.size(), 5u);
  ASSERT_EQ(simulated_chapters.size(), 5u);
  for (std::size_t i = 0; i < real_chapters.size(); ++i) {
    SCOPED_TRACE(std::string(real_chapters[i].at("what").as_string()));
    EXPECT_EQ(real_chapters[i].at("what"), simulated_chapters[i].at("what"));
    const json::array& is = real_chapters[i].at("milestones").as_array();
    const json::array& predicted = simulated_chapters[i].at("milestones").as_array();
    EXPECT_FALSE(predicted.empty());
    ASSERT_EQ(sorted_names(is), sorted_names(predicted)) << played.output;
    for (std::size_t at = 1; at < predicted.size(); ++at) {
      const json::value &before = predicted[at - 1].at("name"), &after = predicted[at].at("name");
      EXPECT_LE(seconds_of(is, before), seconds_of(is, after) + kOvertaking) << before << " " << after;
    }
  }
  // Of a crash all that a user waits for: it is noticed, and what ran there runs elsewhere.
  const json::array& crash = real_chapters[4].at("milestones").as_array();
  for (const char* name : {"nodes not ready", "pods evicted", "replacements ready",
                           "replacements in endpoints", "nodes ready again"}) {
    EXPECT_GT(seconds_of(crash, name), 0) << name << "\n" << played.output;
  }
  EXPECT_GT(real.at("requests").to_number<int64_t>(), 100);
  EXPECT_LT(real.at("requestsLost").to_number<int64_t>(), real.at("requests").to_number<int64_t>() / 2);
}

TEST(TwinTest, WhatRealHostsCannotDoIsRefusedByName) {
  const Outcome refused =
      run(keelson_binary() + " real run " + kSource + "/scenarios/control-plane-failover.yaml");
  EXPECT_EQ(refused.exit_code, 2) << refused.output;
  for (const char* part : {"cannot be played on real hosts", "cluster.apiServers", "generate"}) {
    EXPECT_NE(refused.output.find(part), std::string::npos) << part << "\n" << refused.output;
  }
}

TEST(TwinTest, BadOptionsAreNamed) {
  const std::string play = keelson_binary() + " real run " + kSource + "/tests/e2e/hosts/twin.yaml ";
  const std::pair<const char*, const char*> cases[] = {{"--repeat 0", "--repeat"},
                                                       {"--vary crash", "--vary crash"},
                                                       {"--vary crash=9s..1s", "--vary"},
                                                       {"--set nodes", "--set nodes"},
                                                       {"--profile fast", "--profile fast"},
                                                       {"more", "more"}};
  for (const auto& [options, named] : cases) {
    const Outcome refused = run(play + options);
    EXPECT_EQ(refused.exit_code, 2) << options << ": " << refused.output;
    EXPECT_NE(refused.output.find(named), std::string::npos) << refused.output;
  }
}

}  // namespace
}  // namespace keelson::e2e
