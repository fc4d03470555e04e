// Real kubectl, in every version that is here, against a live cluster: each transcript with each.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <regex>

#include "tests/e2e/cluster.hpp"
#include "tests/e2e/transcript.hpp"

namespace keelson::e2e {
namespace {

namespace fs = std::filesystem;

struct Kubectl {
  std::string path;
  int minor = 0;
};

// What stands on the PATH as kubectl or kubectl.1.NN, and what KEELSON_KUBECTL names (colons between),
// one per minor version.
std::vector<Kubectl> kubectls() {
  std::vector<std::string> paths;
  const auto split = [](const char* list) {
    std::vector<std::string> parts;
    std::string text = list ? list : "";
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find(':', at), text.size());
      if (end > at) parts.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    return parts;
  };
  for (const std::string& named : split(getenv("KEELSON_KUBECTL"))) paths.push_back(named);
  for (const std::string& dir : split(getenv("PATH"))) {
    const std::string plain = dir + "/kubectl";
    if (access(plain.c_str(), X_OK) != 0) continue;
    // A kubectl that is a link into a folder of versions brings the others with it.
    std::error_code failure;
    const fs::path real = fs::canonical(plain, failure);
    for (const auto& entry : fs::directory_iterator(real.parent_path(), failure)) {
      if (entry.path().filename().string().starts_with("kubectl.1.")) paths.push_back(entry.path());
    }
    paths.push_back(plain);
  }
  std::vector<Kubectl> found;
  for (const std::string& path : paths) {
    const Outcome version = run(path + " version --client -o json");
    std::smatch minor;
    static const std::regex pattern(R"re("minor": "(\d+))re");
    if (!std::regex_search(version.output, minor, pattern)) continue;
    const int number = std::stoi(minor[1]);
    const bool known = std::any_of(found.begin(), found.end(),
                                   [&](const Kubectl& k) { return k.minor == number; });
    if (!known) found.push_back({path, number});
  }
  std::sort(found.begin(), found.end(),
            [](const Kubectl& a, const Kubectl& b) { return a.minor < b.minor; });
  return found;
}

std::string folder() { return std::string(KEELSON_SOURCE_DIR) + "/tests/e2e/transcripts"; }

TEST(Kubectl, EveryTranscriptWithEveryVersion) {
  const std::vector<Kubectl> clients = kubectls();
  if (clients.empty()) GTEST_SKIP() << "there is no kubectl here";
  std::vector<fs::path> transcripts;
  for (const auto& entry : fs::directory_iterator(folder())) transcripts.push_back(entry.path());
  std::sort(transcripts.begin(), transcripts.end());
  ASSERT_FALSE(transcripts.empty());
  for (const Kubectl& client : clients) {
    SCOPED_TRACE("kubectl 1." + std::to_string(client.minor));
    for (const fs::path& transcript : transcripts) {
      Cluster cluster;
      ASSERT_TRUE(cluster.ok());
      play(transcript, cluster.environment(client.path), client.minor);
    }
  }
}

}  // namespace
}  // namespace keelson::e2e
