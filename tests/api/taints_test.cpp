// Which tolerations cover which taints.
#include "core/api/taints.hpp"

#include <gtest/gtest.h>

namespace keelson::api {
namespace {

Taint taint(const std::string& key, const std::string& value = {}) {
  Taint taint;
  taint.set_key(key);
  taint.set_value(value);
  taint.set_effect("NoExecute");
  return taint;
}

TEST(Tolerates, FollowsTheOperators) {
  Toleration any;
  any.set_operator_("Exists");
  EXPECT_TRUE(tolerates(any, taint("k"))) << "no key and Exists tolerates everything";
  Toleration equal;
  equal.set_key("k");
  equal.set_value("v");
  EXPECT_TRUE(tolerates(equal, taint("k", "v"))) << "no operator means Equal";
  EXPECT_FALSE(tolerates(equal, taint("k", "w")));
  EXPECT_FALSE(tolerates(equal, taint("other", "v")));
  equal.set_effect("NoSchedule");
  EXPECT_FALSE(tolerates(equal, taint("k", "v")));
  equal.set_effect("NoExecute");
  EXPECT_TRUE(tolerates(equal, taint("k", "v")));
}

TEST(Tolerates, OneTolerationIsEnough) {
  PodSpec spec;
  EXPECT_FALSE(tolerates(spec, taint("k", "v")));
  spec.add_tolerations()->set_key("other");
  EXPECT_FALSE(tolerates(spec, taint("k", "v")));
  Toleration& fits = *spec.add_tolerations();
  fits.set_key("k");
  fits.set_operator_("Exists");
  fits.set_toleration_seconds(5);
  EXPECT_TRUE(tolerates(spec, taint("k", "v"))) << "for however long";
}

}  // namespace
}  // namespace keelson::api
