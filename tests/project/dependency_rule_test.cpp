// The dependency rule, checked over every include edge: core knows neither the simulation nor the real
// world; those two do not know each other; inside core each floor includes only the floors below.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace keelson {
namespace {

namespace fs = std::filesystem;

// What each part may include, besides itself.
const std::map<std::string, std::set<std::string>> kAllowed = {
    {"core/base", {}},
    {"core/api", {"core/base"}},
    {"core/store", {"core/base", "core/api"}},
    {"core/client", {"core/base", "core/api"}},
    {"core/apiserver", {"core/base", "core/api", "core/store", "core/client"}},
    {"core/scheduler", {"core/base", "core/api", "core/client"}},
    {"core/controllers", {"core/base", "core/api", "core/client"}},
    {"core/agent", {"core/base", "core/api", "core/client"}},
    {"core/proxy", {"core/base", "core/api", "core/client"}},
    {"core/auth", {"core/base", "core/api", "core/client", "core/apiserver"}},
    {"core/rest", {"core/base", "core/api", "core/apiserver", "core/auth", "core/agent"}},
    {"sim", {"core"}},
    {"runtime", {"core"}},
    {"tools", {"core", "sim", "runtime"}},
};

struct Edge {
  std::string file;
  int line;
  std::string target;
};

std::vector<Edge> edges_below(const std::string& part) {
  std::vector<Edge> edges;
  const fs::path root = fs::path(KEELSON_SOURCE_DIR) / part;
  if (!fs::exists(root)) return edges;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string extension = entry.path().extension();
    if (extension != ".cpp" && extension != ".hpp") continue;
    std::ifstream in(entry.path());
    std::string text;
    for (int line = 1; std::getline(in, text); ++line) {
      const auto include = text.find("#include \"");
      if (include == std::string::npos) continue;
      const auto begin = include + 10;
      edges.push_back({fs::relative(entry.path(), KEELSON_SOURCE_DIR), line,
                       text.substr(begin, text.find('"', begin) - begin)});
    }
  }
  return edges;
}

bool below(const std::string& path, const std::string& part) {
  return path.starts_with(part + "/");
}

TEST(DependencyRule, EveryIncludeEdgeIsAllowed) {
  std::size_t seen = 0;
  for (const auto& [part, allowed] : kAllowed) {
    for (const Edge& edge : edges_below(part)) {
      ++seen;
      bool ok = below(edge.target, part);
      for (const std::string& other : allowed) ok = ok || below(edge.target, other);
      EXPECT_TRUE(ok) << edge.file << ":" << edge.line << " includes " << edge.target << ", which "
                      << part << " must not know";
    }
  }
  EXPECT_GT(seen, 300u) << "the scan found too little to be believed";
}

// Core reaches time, threads, files and randomness through its ports only.
TEST(DependencyRule, CoreAndSimIncludeNoForbiddenHeaders) {
  const std::set<std::string> forbidden = {
      "<thread>", "<mutex>", "<atomic>", "<condition_variable>", "<future>", "<random>",
      "<iostream>", "<sys/socket.h>", "<unistd.h>", "<coroutine>", "<ctime>", "<regex>"};
  // Scenario and trace readers open files; nothing else in sim does, and nothing in core.
  for (const std::string part : {"core", "sim"}) {
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(KEELSON_SOURCE_DIR) / part)) {
      const std::string extension = entry.path().extension();
      if (extension != ".cpp" && extension != ".hpp") continue;
      std::ifstream in(entry.path());
      std::string text;
      for (int line = 1; std::getline(in, text); ++line) {
        if (!text.starts_with("#include <")) continue;
        const std::string header = text.substr(9, text.find('>') - 8);
        EXPECT_FALSE(forbidden.count(header))
            << entry.path() << ":" << line << " includes " << header;
        if (part == "core") {
          EXPECT_NE(header, "<fstream>") << entry.path() << ":" << line;
          EXPECT_FALSE(header.starts_with("<boost/asio") || header.starts_with("<grpc"))
              << entry.path() << ":" << line << " includes " << header;
        }
      }
    }
  }
}

TEST(Project, EveryFolderHasAReadme) {
  for (const std::string folder :
       {"core", "core/base", "core/api", "core/store", "core/client", "core/apiserver",
        "core/scheduler", "core/controllers", "core/agent", "core/proxy", "core/auth", "core/rest",
        "runtime", "runtime/api", "runtime/cri", "runtime/host", "runtime/http", "runtime/network",
        "runtime/node", "runtime/pki", "runtime/process", "runtime/redis", "runtime/volumes", "sim",
        "sim/checks", "scenarios", "bench", "tests", "tests/e2e", "tools", "tools/cli/host",
        "tools/hosts"}) {
    EXPECT_TRUE(fs::exists(fs::path(KEELSON_SOURCE_DIR) / folder / "README.md")) << folder;
  }
}

}  // namespace
}  // namespace keelson
