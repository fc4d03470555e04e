#include "runtime/redis/address.hpp"

#include <gtest/gtest.h>

namespace keelson::redis {
namespace {

TEST(RedisAddress, IsReadOrRefusedWithItsReason) {
  EXPECT_EQ(parse_address("unix:/run/redis.sock")->socket, "/run/redis.sock");
  EXPECT_EQ(parse_address("unix:///run/redis.sock")->socket, "/run/redis.sock");
  EXPECT_EQ(parse_address("redis://me:secret@db.example:7000")->shown(), "db.example:7000");
  EXPECT_EQ(parse_address("redis://:pw@db")->password, "pw");
  EXPECT_EQ(parse_address("redis://[::1]:6380")->shown(), "[::1]:6380");
  EXPECT_EQ(parse_address("db:6380")->tcp, (HostPort{"db", 6380}));
  EXPECT_EQ(parse_address("db")->tcp, (HostPort{"db", 6379}));
  for (const char* wrong : {"", "unix:relative", "redis://", "db:", "db:0", "db:70000", "db:x",
                            "rediss://db", "redis://me@db", "redis://me:@db", "[::1"}) {
    EXPECT_EQ(parse_address(wrong).code(), Code::invalid) << wrong;
  }
}

TEST(RedisAddress, NamesSentinels) {
  const auto address = parse_address("sentinel://me:secret@10.0.0.1:26380,s2,[::1]:5/keelson");
  ASSERT_TRUE(address.ok()) << address.error().message;
  EXPECT_EQ(address->sentinels,
            (std::vector<HostPort>{{"10.0.0.1", 26380}, {"s2", 26379}, {"::1", 5}}));
  EXPECT_EQ(address->master, "keelson");
  EXPECT_EQ(address->user, "me");
  EXPECT_EQ(address->shown(), "sentinel://10.0.0.1:26380,s2:26379,[::1]:5/keelson");
  for (const char* wrong : {"sentinel://", "sentinel://a", "sentinel://a/", "sentinel:///m",
                            "sentinel://a,/m", "sentinel://a:x/m", "sentinel://u@a/m"}) {
    EXPECT_EQ(parse_address(wrong).code(), Code::invalid) << wrong;
  }
}

}  // namespace
}  // namespace keelson::redis
