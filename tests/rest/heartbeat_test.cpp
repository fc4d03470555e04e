// Heartbeats that come as leases.
#include "core/rest/heartbeat.hpp"

#include <gtest/gtest.h>

#include "core/api/json.hpp"

namespace keelson::rest {
namespace {

api::Beat beat_at(int64_t seconds, int32_t nanos = 0) {
  api::Beat beat;
  beat.node = "n1";
  beat.seq = 7;
  api::Lease lease = lease_of(beat);
  lease.mutable_spec()->mutable_renew_time()->set_seconds(seconds);
  lease.mutable_spec()->mutable_renew_time()->set_nanos(nanos);
  return beat_of(lease).value();
}

TEST(Heartbeat, KeepsItsTime) {
  EXPECT_EQ(beat_at(1'790'000'000, 5'000).renew_time.unix_ns, 1'790'000'000'000'005'000);
}

// The years 9999 and 1 do not fit into nanoseconds: they stay as far off as can be said.
TEST(Heartbeat, TimesFarOffAreCutAndNotWrapped) {
  EXPECT_GT(beat_at(253'402'300'799, 999'999'000).renew_time.unix_ns, 9'200'000'000'000'000'000);
  EXPECT_LT(beat_at(-62'135'596'800).renew_time.unix_ns, -9'200'000'000'000'000'000);
}

}  // namespace
}  // namespace keelson::rest
