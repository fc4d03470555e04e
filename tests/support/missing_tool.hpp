// For tests that run a program which may not be installed. On anybody's machine they are skipped; where
// KEELSON_CI is set (.ci/run does) everything in tools/packages.txt has been installed, so one that is not
// there is a failure: a run that left out tests for want of a program must not look complete. What a machine
// may not do (no root, no namespaces) is another matter: plain GTEST_SKIP.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>

// Ends the test, or SetUp(). `why` says what is missing, and is a string.
#define KEELSON_TOOL_IS_MISSING(why)                             \
  do {                                                           \
    if (std::getenv("KEELSON_CI") != nullptr) FAIL() << (why);   \
    GTEST_SKIP() << (why);                                       \
  } while (false)
