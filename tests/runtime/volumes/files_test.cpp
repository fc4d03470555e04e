// Removing what containers have left, and swapping files under readers.
#include <fcntl.h>

#include <filesystem>

#include "runtime/volumes/atomic_files.hpp"
#include "runtime/volumes/host_path.hpp"
#include "tests/runtime/volumes/disk.hpp"

namespace keelson::test {
namespace {

namespace fs = std::filesystem;
using agent::VolumeFile;
using Files = std::vector<VolumeFile>;

class FilesTest : public DiskTest {
 protected:
  void SetUp() override {
    DiskTest::SetUp();
    if (IsSkipped()) return;
    fs::create_directories(root + "/volume");
    fs::create_directories(root + "/outside");
    write(root + "/outside/precious", "kept");
    volume = root + "/volume";
  }
  Status put(const Files& files, std::optional<int64_t> group = {}) {
    return volumes::write_files(volume, files, group);
  }
  std::string volume;
};

TEST_F(FilesTest, ATreeGoesButNotWhatItsLinksPointTo) {
  fs::create_directories(volume + "/a/b/c");
  write(volume + "/a/b/file", "x");
  fs::create_directory_symlink(root + "/outside", volume + "/a/b/link");
  fs::create_symlink(root + "/outside/precious", volume + "/a/precious");
  fs::create_symlink("/nowhere", volume + "/dangling");
  ASSERT_TRUE(volumes::remove_tree(volume).ok());
  EXPECT_FALSE(exists(volume));
  EXPECT_EQ(read(root + "/outside/precious"), "kept");
  EXPECT_TRUE(volumes::remove_tree(volume).ok()) << "it is gone already";
}

TEST_F(FilesTest, ALinkInThePlaceOfTheTreeIsRemovedItself) {
  fs::remove_all(volume);
  fs::create_directory_symlink(root + "/outside", volume);
  ASSERT_TRUE(volumes::remove_tree(volume).ok());
  EXPECT_EQ(read(root + "/outside/precious"), "kept");
}

TEST_F(FilesTest, ATreeDeeperThanDescriptorsReachGoesToo) {
  const volumes::Fd top(open(volume.c_str(), O_RDONLY | O_DIRECTORY));
  int at = dup(top.get());
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(mkdirat(at, "deep", 0755), 0);
    const int next = openat(at, "deep", O_RDONLY | O_DIRECTORY);
    ASSERT_GE(next, 0);
    close(at);
    at = next;
  }
  close(at);
  ASSERT_TRUE(volumes::remove_tree(volume).ok());
  EXPECT_FALSE(exists(volume));
}

TEST_F(FilesTest, AMountInTheWayStopsARemovalBeforeItReachesWhatIsBehind) {
  fs::create_directories(volume + "/a/mounted");
  ASSERT_EQ(mount((root + "/outside").c_str(), (volume + "/a/mounted").c_str(), nullptr, MS_BIND,
                  nullptr),
            0);
  EXPECT_EQ(volumes::remove_tree(volume).code(), Code::unavailable);
  EXPECT_EQ(read(root + "/outside/precious"), "kept");
  ASSERT_TRUE(volumes::unmount_below(volume).ok());
  EXPECT_TRUE(volumes::remove_tree(volume).ok());
  EXPECT_EQ(read(root + "/outside/precious"), "kept");
}

TEST_F(FilesTest, MountPointsAreReadWithTheirBlanks) {
  EXPECT_EQ(volumes::mount_points("36 35 98:0 /mnt1 /a\\040b\\134c rw,noatime - ext3 /dev/r rw\n"
                                  "garbage\n"
                                  "37 35 0:5 / /proc rw - proc proc rw\n"),
            (std::vector<std::string>{"/a b\\c", "/proc"}));
}

TEST_F(FilesTest, FilesAppearUnderLinksAndChangeTogether) {
  ASSERT_TRUE(put({{"ca.crt", "one", 0644}, {"etc/app/conf", "two", 0600}}).ok());
  EXPECT_EQ(read(volume + "/ca.crt"), "one");
  EXPECT_EQ(read(volume + "/etc/app/conf"), "two");
  EXPECT_EQ(mode(volume + "/ca.crt"), 0644U);
  EXPECT_EQ(mode(volume + "/etc/app/conf"), 0600U);
  EXPECT_EQ(fs::read_symlink(volume + "/ca.crt"), "..data/ca.crt");
  EXPECT_EQ(fs::read_symlink(volume + "/etc"), "..data/etc");
  const std::string first = fs::read_symlink(volume + "/..data");
  // A reader that has the directory open sees the old version to its end.
  const volumes::Fd reader(open((volume + "/..data/ca.crt").c_str(), O_RDONLY));

  ASSERT_TRUE(put({{"ca.crt", "new", 0644}, {"more", "", 0444}}).ok());
  EXPECT_EQ(read(volume + "/ca.crt"), "new");
  EXPECT_EQ(read(volume + "/more"), "");
  EXPECT_FALSE(exists(volume + "/etc"));
  EXPECT_FALSE(exists(volume + "/" + first)) << "the former version is removed";
  char text[3];
  EXPECT_EQ(::read(reader.get(), text, 3), 3);
  EXPECT_EQ(std::string(text, 3), "one");
}

TEST_F(FilesTest, WhatHasNotChangedIsNotWritten) {
  const Files files{{"a", "1", 0644}};
  ASSERT_TRUE(put(files).ok());
  const std::string first = fs::read_symlink(volume + "/..data");
  ASSERT_TRUE(put(files).ok());
  EXPECT_EQ(fs::read_symlink(volume + "/..data"), first);
  ASSERT_TRUE(put({{"a", "1", 0600}}).ok());
  EXPECT_NE(fs::read_symlink(volume + "/..data"), first) << "a mode is a change";
}

TEST_F(FilesTest, AnInterruptedSwapIsMadeUpFor) {
  ASSERT_TRUE(put({{"a", "1", 0644}}).ok());
  fs::create_directories(volume + "/..2020_01_01_00_00_00.abcdef/left");
  fs::create_symlink("..2020_01_01_00_00_00.abcdef", volume + "/..data_tmp");
  fs::remove(volume + "/a");
  ASSERT_TRUE(put({{"a", "1", 0644}}).ok());
  EXPECT_EQ(read(volume + "/a"), "1") << "the link is back";
  ASSERT_TRUE(put({{"a", "2", 0644}}).ok());
  EXPECT_EQ(read(volume + "/a"), "2");
  EXPECT_FALSE(exists(volume + "/..2020_01_01_00_00_00.abcdef"));
  EXPECT_FALSE(exists(volume + "/..data_tmp"));
}

TEST_F(FilesTest, AGroupMayReadAndAnOwnerHasHisOwn) {
  ASSERT_TRUE(put({{"token", "t", 0600, 1000}}, 2000).ok());
  const struct stat info = look(volume + "/token");
  EXPECT_EQ(info.st_uid, 1000U);
  EXPECT_EQ(info.st_gid, 2000U);
  EXPECT_EQ(info.st_mode & 07777, 0640U);
}

TEST_F(FilesTest, PathsThatCannotBothBeAreRefusedAndTheOldFilesStay) {
  ASSERT_TRUE(put({{"a", "1", 0644}}).ok());
  EXPECT_FALSE(put({{"a", "file", 0644}, {"a/b", "below it", 0644}}).ok());
  EXPECT_EQ(read(volume + "/a"), "1");
  EXPECT_EQ(put({{"..data", "x", 0644}}).code(), Code::invalid);
  for (const char* path : {"", "/a", "a/", "a//b", "./a", "a/./b", "a/../../b", "a/.."}) {
    EXPECT_EQ(put({{path, "x", 0644}}).code(), Code::invalid) << path;
  }
  // Between a folder and what is in it another name may sort.
  EXPECT_EQ(put({{"a", "x", 0644}, {"a.b", "x", 0644}, {"a/b", "x", 0644}}).code(), Code::invalid);
}

TEST_F(FilesTest, AnAttemptThatFailsLeavesNothing) {
  const auto versions = [&] {
    return std::count_if(fs::directory_iterator(volume), fs::directory_iterator(), [](auto& entry) {
      return entry.path().filename().string().starts_with("..2");
    });
  };
  ASSERT_TRUE(put({{"a", "1", 0644}}).ok());
  const std::string endless(300, 'n');  // no file system takes such a name
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(put({{"a", "2", 0644}, {endless, "", 0644}}).ok());
    EXPECT_EQ(versions(), 1);
  }
  EXPECT_EQ(read(volume + "/a"), "1");
  // Before anything is written, and also if nothing has to be.
  fs::create_directories(volume + "/..2020_01_01_00_00_00.abcdef/left");
  ASSERT_TRUE(put({{"a", "1", 0644}}).ok());
  EXPECT_EQ(versions(), 1);
}

TEST_F(FilesTest, AHostPathMustBeWhatItsTypeSays) {
  const auto check = [&](const std::string& name, const std::string& type) {
    return volumes::check_host_path(root + "/" + name, type);
  };
  EXPECT_TRUE(check("nowhere", "").ok());
  EXPECT_TRUE(check("outside", "Directory").ok());
  EXPECT_EQ(check("outside", "File").message(),
            "hostPath type check failed: " + root + "/outside is not a file");
  EXPECT_EQ(check("outside", "Socket").code(), Code::invalid);
  EXPECT_EQ(check("nowhere", "Directory").code(), Code::invalid);
  EXPECT_TRUE(check("made/of/many", "DirectoryOrCreate").ok());
  EXPECT_EQ(mode(root + "/made/of") & 0111U, 0111U);
  EXPECT_TRUE(check("made/file", "FileOrCreate").ok());
  EXPECT_TRUE(check("made/file", "File").ok());
  EXPECT_TRUE(volumes::check_host_path("/dev/null", "CharDevice").ok());
  EXPECT_EQ(volumes::check_host_path("/dev/null", "BlockDevice").code(), Code::invalid);
}

}  // namespace
}  // namespace keelson::test
