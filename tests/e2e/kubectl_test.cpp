// Real kubectl, in every version that is here, against a live cluster: each transcript with each.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <regex>

#include "tests/e2e/cluster.hpp"
#include "tests/e2e/transcript.hpp"
#include "tests/support/missing_tool.hpp"

namespace keelson::e2e {
namespace {

namespace fs = std::filesystem;

struct Kubectl {
  std::string path;
  int minor = 0;
};

// Debian's package unpacked, where another kubectl owns /usr/bin/kubectl.
constexpr const char* kDebianKubectl = "/build/clients/kubectl-1.20/usr/bin/kubectl";

// What KEELSON_KUBECTL names (colons between), else what stands on the PATH as kubectl or
// kubectl.1.NN and what tools/install-clients put aside; one per minor version.
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
  const bool named = !paths.empty();
  if (!named) paths.push_back(std::string(KEELSON_SOURCE_DIR) + kDebianKubectl);
  for (const std::string& dir : split(named ? nullptr : getenv("PATH"))) {
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

// In name order; with KEELSON_TRANSCRIPTS only those whose name has that in it.
std::vector<fs::path> transcripts() {
  const char* part = getenv("KEELSON_TRANSCRIPTS");
  std::vector<fs::path> found;
  for (const auto& entry :
       fs::directory_iterator(std::string(KEELSON_SOURCE_DIR) + "/tests/e2e/transcripts")) {
    const std::string name = entry.path().filename().string();
    if (!part || name.find(part) != name.npos) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// One cluster per version for all transcripts: each leaves it as it found it.
TEST(Kubectl, EveryTranscriptWithEveryVersion) {
  const std::vector<Kubectl> clients = kubectls();
  if (clients.empty()) KEELSON_TOOL_IS_MISSING("there is no kubectl here");
  const std::vector<fs::path> files = transcripts();
  ASSERT_FALSE(files.empty());
  for (const Kubectl& client : clients) {
    SCOPED_TRACE("kubectl 1." + std::to_string(client.minor));
    Cluster cluster({"--nodes", "3", "--speed", "10"});  // time for rollouts is theirs, not ours
    ASSERT_TRUE(cluster.ok());
    const auto environment = cluster.environment(client.path);
    for (const fs::path& file : files) play(file, environment, client.minor);
  }
}

}  // namespace
}  // namespace keelson::e2e
