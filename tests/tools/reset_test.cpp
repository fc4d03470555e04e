// What `keelson reset` leaves alone, below a root of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tools/hosts/process.hpp"

namespace keelson::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class Reset : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "reset needs root";
  }
  ~Reset() override {
    // Before the folder is removed with all that is in it.
    for (const std::string& point : mounted_) ::umount2(point.c_str(), MNT_DETACH);
  }
  std::string root() const { return dir_.path() + "/root"; }
  std::string lib() const { return root() + "/var/lib/keelson"; }
  static void write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  bool bind(const std::string& what, const std::string& where) {
    fs::create_directories(where);
    if (::mount(what.c_str(), where.c_str(), nullptr, MS_BIND, nullptr) != 0) return false;
    mounted_.push_back(where);
    return true;
  }
  hosts::Outcome reset() const {
    return hosts::run(std::string(KEELSON_BINARY_DIR) + "/keelson reset --force --root " + root());
  }

  hosts::TemporaryDir dir_;
  std::vector<std::string> mounted_;
};

TEST_F(Reset, NothingBehindAMountIsDeleted) {
  const std::string precious = dir_.path() + "/host/data/precious";
  write(precious, "kept");
  // The names of mounts stand in /proc with such characters escaped.
  const std::string point = lib() + "/pods/u/volume-subpaths/a b\tc\\d\ne/0";
  if (!bind(dir_.path() + "/host", point)) GTEST_SKIP() << "this container may not mount";
  ASSERT_TRUE(bind(dir_.path() + "/host/data", point + "/data")) << "one upon the other";
  const hosts::Outcome outcome = reset();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_TRUE(fs::exists(precious));
  EXPECT_FALSE(fs::exists(lib()));
}

TEST_F(Reset, AFolderElsewhereIsEmptiedThere) {
  const std::string precious = dir_.path() + "/host/precious", disk = dir_.path() + "/disk";
  write(precious, "kept");
  write(disk + "/pods/u/file", "x");
  fs::create_directories(root() + "/var/lib");
  fs::create_symlink(disk, lib());
  if (!bind(dir_.path() + "/host", disk + "/pods/u/0")) {
    GTEST_SKIP() << "this container may not mount";
  }
  const hosts::Outcome outcome = reset();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_TRUE(fs::exists(precious));
  EXPECT_FALSE(fs::exists(disk));
  EXPECT_FALSE(fs::is_symlink(lib()));
}

TEST_F(Reset, ANodeWhoseConfigurationCannotBeReadStaysAsItIs) {
  const std::string config = root() + "/etc/keelson/node.yaml";
  write(config, "name: [");
  write(lib() + "/file", "x");
  hosts::Outcome outcome = reset();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.output, HasSubstr("Nothing was removed"));
  EXPECT_THAT(outcome.output, Not(HasSubstr("as it was")));
  EXPECT_TRUE(fs::exists(lib() + "/file"));
  fs::remove(config);  // as the message says
  outcome = reset();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_FALSE(fs::exists(lib()));
}

}  // namespace
}  // namespace keelson::cli
