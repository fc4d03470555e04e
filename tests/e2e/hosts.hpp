// Hosts on this machine, for tests: what tools/hosts/hosts.hpp makes, with the programs and images of the
// build at hand, and with every failure to make it a failure of the test.
#pragma once

#include <string>

#include "tests/e2e/process.hpp"
#include "tools/hosts/hosts.hpp"

namespace keelson::e2e {

using hosts::InNetwork;
using hosts::why_no_hosts;

class Hosts : public hosts::Hosts {
 public:
  // ok() says whether they could be made.
  explicit Hosts(int count);
  // Shows the last of all logs if the test has failed.
  ~Hosts();

  void init(int host, const std::string& options = {});
  void join(int host, const std::string& options = {});
};

}  // namespace keelson::e2e
