#include "tests/e2e/hosts.hpp"

#include <gtest/gtest.h>

#include <cstdio>

#include "tests/e2e/cluster.hpp"

namespace keelson::e2e {

namespace {

hosts::Making making() {
  return {keelson_binary(), KEELSON_BINARY_DIR "/images", KEELSON_SOURCE_DIR "/tests/images/build"};
}

}  // namespace

Hosts::Hosts(int count) : hosts::Hosts(count, making()) {}

Hosts::~Hosts() {
  if (::testing::Test::HasFailure()) std::fputs(logs().c_str(), stderr);
}

void Hosts::init(int host, const std::string& options) {
  const std::string why = hosts::Hosts::init(host, options);
  ASSERT_EQ(why, "");
}

void Hosts::join(int host, const std::string& options) {
  const std::string why = hosts::Hosts::join(host, options);
  ASSERT_EQ(why, "");
}

}  // namespace keelson::e2e
