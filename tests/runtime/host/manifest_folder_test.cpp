// A folder of manifests, as people change it.
#include "runtime/host/manifest_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/manual_loop.hpp"

namespace keelson::test {
namespace {

namespace fs = std::filesystem;

TEST(ManifestFolder, TellsWhatIsThereWheneverItChanges) {
  std::string root = (fs::temp_directory_path() / "keelson-manifests-XXXXXX").string();
  ASSERT_NE(mkdtemp(root.data()), nullptr);
  const std::string folder = root + "/manifests";
  const auto put = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder + "/" + name) << text;
  };
  ManualLoop loop;
  NullLog log;
  std::string seen;
  int told = 0;
  host::ManifestFolder manifests(loop, log, folder);
  manifests.watch([&](std::vector<agent::Manifest> all) {
    ++told;
    seen.clear();
    for (const agent::Manifest& each : all) {
      seen += fs::path(each.source).filename().string() + "=" + each.text + " ";
    }
  });
  EXPECT_EQ(told, 0) << "never from inside the call";
  loop.run_for(5s);
  EXPECT_EQ(told, 1) << "that there is nothing is news, too";
  fs::create_directory(folder);
  put("b.yaml", "two");
  put("a.json", "one");
  put("notes.txt", "no");
  put(".hidden.yaml", "no");
  fs::create_directory(folder + "/c.yaml");
  loop.run_for(5s);
  EXPECT_EQ(seen, "a.json=one b.yaml=two ");
  loop.run_for(1min);
  EXPECT_EQ(told, 2);
  put("b.yaml", "changed");
  loop.run_for(3s);
  EXPECT_EQ(seen, "a.json=one b.yaml=changed ");
  fs::remove_all(folder);
  loop.run_for(3s);
  EXPECT_EQ(seen, "");
  manifests.watch(nullptr);
  loop.run_for(1min);
  EXPECT_EQ(told, 4);
  fs::remove_all(root);
}

}  // namespace
}  // namespace keelson::test
