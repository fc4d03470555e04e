// The command's own cluster verbs against a live cluster, as kubectl's transcripts are played.
#include <gtest/gtest.h>

#include "tests/e2e/cluster.hpp"
#include "tests/e2e/transcript.hpp"

namespace keelson::e2e {
namespace {

TEST(Keelson, ClusterVerbs) {
  Cluster cluster({"--nodes", "3", "--speed", "10"});
  ASSERT_TRUE(cluster.ok());
  play(std::string(KEELSON_SOURCE_DIR) + "/tests/e2e/keelson/verbs.txt", cluster.environment({}), 0);
}

}  // namespace
}  // namespace keelson::e2e
