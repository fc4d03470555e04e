// Hosts on this machine, for tests: what tools/hosts/hosts.hpp makes, with the programs and images of the
// build at hand, and with every failure to make it a failure of the test.
#pragma once

#include <string>

#include "tests/e2e/process.hpp"
#include "tests/support/missing_tool.hpp"
#include "tools/hosts/hosts.hpp"

namespace keelson::e2e {

using hosts::InNetwork;

// Ends the test, or SetUp(), where hosts cannot be made.
#define KEELSON_NEEDS_HOSTS()                                                              \
  do {                                                                                     \
    if (const std::string program = hosts::missing_program(); !program.empty()) {          \
      KEELSON_TOOL_IS_MISSING(program + " is not installed");                              \
    }                                                                                      \
    if (const std::string why = hosts::why_no_hosts(); !why.empty()) GTEST_SKIP() << why;  \
  } while (false)

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
