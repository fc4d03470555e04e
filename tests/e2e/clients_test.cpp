// Client libraries against a live cluster: runs the programs in tests/e2e/clients.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/e2e/cluster.hpp"
#include "tests/support/missing_tool.hpp"

namespace keelson::e2e {
namespace {

namespace fs = std::filesystem;

const std::string kPrograms = std::string(KEELSON_SOURCE_DIR) + "/tests/e2e/clients";
// Where tools/install-clients puts packages.
const std::string kInstalled = std::string(KEELSON_SOURCE_DIR) + "/build/clients";

void expect_success(const std::string& command) {
  Cluster cluster;
  ASSERT_TRUE(cluster.ok());
  const Outcome outcome = run(command, cluster.environment(), std::chrono::seconds(120));
  EXPECT_EQ(outcome.exit_code, 0) << command << "\n" << outcome.output;
}

TEST(Clients, Node) {
  if (run("node --version").exit_code != 0) KEELSON_TOOL_IS_MISSING("there is no node here");
  const std::string folder = kInstalled + "/node";
  if (!fs::exists(folder + "/node_modules/@kubernetes/client-node")) {
    KEELSON_TOOL_IS_MISSING("@kubernetes/client-node is not in " + folder + ": tools/install-clients");
  }
  // Node looks for packages beside the program, not where it is started.
  fs::copy_file(kPrograms + "/node/client.mjs", folder + "/client.mjs",
                fs::copy_options::overwrite_existing);
  expect_success("node '" + folder + "/client.mjs'");
}

TEST(Clients, Python) {
  const std::string python = "/usr/bin/python3";  // Debian's, which has Debian's packages
  if (run(python + " -c 'import kubernetes'").exit_code != 0) {
    KEELSON_TOOL_IS_MISSING("python3-kubernetes is not installed: tools/install-packages");
  }
  expect_success(python + " '" + kPrograms + "/python/client.py'");
}

}  // namespace
}  // namespace keelson::e2e
