// Facts of this host, and of one that is made up.
#include "runtime/host/facts.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "core/api/quantity.hpp"
#include "runtime/host/host_stats.hpp"
#include "runtime/host/proc.hpp"
#include "tests/support/manual_loop.hpp"

namespace keelson::test {
namespace {

namespace fs = std::filesystem;

class HostTest : public ::testing::Test {
 protected:
  HostTest() {
    std::string path = (fs::temp_directory_path() / "keelson-host-XXXXXX").string();
    KEELSON_ASSERT(mkdtemp(path.data()) != nullptr);
    root = path;
    put("/proc/meminfo",
        "MemTotal:        8000000 kB\nMemFree:          100000 kB\nMemAvailable:    4000000 kB\n");
    put("/proc/loadavg", "0.20 0.18 0.12 1/812 11206\n");
    put("/proc/sys/kernel/pid_max", "4194304\n");
    put("/proc/sys/kernel/threads-max", "60000\n");
    put("/proc/sys/kernel/random/boot_id", "boot-1\n");
    put("/etc/machine-id", "machine-1\n");
    put("/etc/os-release", "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
    put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "10\n");
  }
  ~HostTest() override { fs::remove_all(root); }
  void put(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root + path).parent_path());
    std::ofstream(root + path) << text;
  }
  host::FactsOptions options() { return {.disk = root, .root = root}; }

  std::string root;
};

TEST_F(HostTest, AMadeUpHost) {
  auto asked = options();
  asked.reserved = {{"memory", "1Gi"}, {"unknown.io/thing", "1"}};
  asked.runtime_version = "containerd://1.6.20";
  const auto facts = host::read_facts(asked);
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_EQ(facts->capacity.at("memory"), "8000000Ki");
  EXPECT_EQ(facts->capacity.at("hugepages-2Mi"), "20480Ki");
  EXPECT_EQ(facts->capacity.at("pods"), "110");
  // Without 1 GiB reserved, 20 MiB of huge pages and the 100 MiB below which pods are evicted.
  EXPECT_EQ(facts->allocatable.at("memory"), std::to_string(8000000 - (1024 + 20 + 100) * 1024) + "Ki");
  EXPECT_EQ(facts->info.machine_id(), "machine-1");
  EXPECT_EQ(facts->info.system_uuid(), "machine-1") << "there is no firmware to ask";
  EXPECT_EQ(facts->info.boot_id(), "boot-1");
  EXPECT_EQ(facts->info.os_image(), "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(facts->info.container_runtime_version(), "containerd://1.6.20");
  for (const auto* amounts : {&facts->capacity, &facts->allocatable}) {
    for (const auto& [name, text] : *amounts) {
      EXPECT_TRUE(api::QuantityValue::parse(text).ok()) << name << " " << text;
    }
  }
}

TEST_F(HostTest, ThisHost) {
  const auto facts = host::read_facts({.disk = "/tmp/not/there/yet"});
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_GE(std::stoi(facts->capacity.at("cpu")), 1);
  EXPECT_TRUE(facts->capacity.contains("ephemeral-storage")) << "of the folder above";
  EXPECT_FALSE(facts->info.boot_id().empty());
  EXPECT_FALSE(facts->info.machine_id().empty());
  EXPECT_NE(facts->info.architecture(), "x86_64");
  agent::AgentOptions agent;
  host::fill(agent, *facts);
  EXPECT_EQ(agent.capacity, facts->capacity);
  EXPECT_FALSE(agent.hostname.empty());
}

TEST_F(HostTest, ReservationsThatCannotBe) {
  auto asked = options();
  asked.reserved = {{"cpu", "many"}};
  EXPECT_EQ(host::read_facts(asked).code(), Code::invalid);
  asked.reserved = {{"memory", "100Gi"}};
  const auto facts = host::read_facts(asked);
  ASSERT_FALSE(facts.ok());
  EXPECT_NE(facts.error().message.find("more than the host's 8000000Ki"), std::string::npos);
  asked.reserved = {{"cpu", "250m"}};
  const auto good = host::read_facts(asked);
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(good->allocatable.at("cpu"),
            std::to_string(std::stoi(good->capacity.at("cpu")) * 1000 - 250) + "m");
}

TEST_F(HostTest, AHostThatDoesNotSay) {
  put("/proc/meminfo", "nonsense\n");
  EXPECT_EQ(host::read_facts(options()).code(), Code::unavailable);
}

TEST_F(HostTest, AddressesAreThoseOfTheRoute) {
  EXPECT_EQ(host::address_towards("127.0.0.1").value(), "127.0.0.1");
  EXPECT_EQ(host::address_towards("localhost").code(), Code::invalid);
}

TEST_F(HostTest, WhatIsLeftIsMeasured) {
  ManualLoop loop;
  std::optional<Result<agent::NodeMeasurement>> got;
  const auto measure = [&](host::HostStats& stats, const std::string& images) {
    got.reset();
    stats.measure(images, [&](Result<agent::NodeMeasurement> m) { got = std::move(m); });
    EXPECT_FALSE(got) << "never from inside the call";
    loop.settle();
    ASSERT_TRUE(got.has_value());
  };
  host::HostStats stats(loop, {.disk = root, .root = root}, [&](Done<agent::PodUsages> done) {
    loop.post([done = std::move(done)]() mutable {
      done(agent::PodUsages{{"u", {{"main", {.memory_bytes = 7}}}}});
    });
  });
  measure(stats, "/proc");
  ASSERT_TRUE(got->ok());
  const agent::NodeMeasurement& m = got->value();
  EXPECT_EQ(m.memory_capacity_bytes, 8000000ULL * 1024);
  EXPECT_EQ(m.memory_available_bytes, 4000000ULL * 1024);
  EXPECT_EQ(m.pids_used, 812U);
  EXPECT_EQ(m.pids_max, 60000U);
  EXPECT_GT(m.node_fs.capacity_bytes, 0U);
  EXPECT_GE(m.node_fs.capacity_bytes, m.node_fs.available_bytes);
  EXPECT_EQ(m.image_fs.capacity_bytes, 0U) << "/proc holds nothing";
  EXPECT_EQ(m.pods.at("u").at("main").memory_bytes, 7U);

  host::HostStats lone(loop, {.disk = root, .root = root + "/nowhere"}, nullptr);
  measure(lone, "");
  EXPECT_EQ(got->code(), Code::unavailable);
}

}  // namespace
}  // namespace keelson::test
