// A cluster under attack, and somebody else who wants to be served meanwhile.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/rng.hpp"
#include "tests/e2e/wire.hpp"

namespace keelson::e2e {

class Hostile : public testing::Test {
 protected:
  // A server for the tests of this process. It has a Pod "default/target" that runs, and a
  // ConfigMap "default/small".
  static void SetUpTestSuite();
  // Whatever has been done to it, it ends properly when it is asked to.
  static void TearDownTestSuite();
  void SetUp() override;
  // It still runs, serves, and has not grown without bound.
  void TearDown() override;

  static uint16_t port() { return port_; }
  static uint16_t secure_port();  // with TLS
  static std::map<std::string, std::string> environment() { return cluster_->environment(); }
  static std::size_t file_limit() { return file_limit_; }
  static std::size_t server_rss_mib();

  // Another client gets right answers, over a connection that it keeps and over new ones.
  void expect_others_served(int times = 20);
  // An answer to exactly these bytes, sent as far as the server takes them.
  static Answer answer_to(std::string_view bytes);
  static std::vector<Wire> open(std::size_t count);

  Rng rng_{7};

 private:
  static std::unique_ptr<Cluster> cluster_;
  static uint16_t port_;
  static std::size_t file_limit_;
  std::unique_ptr<Requester> other_;
};

}  // namespace keelson::e2e
