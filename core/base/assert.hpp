// Invariants of our own code. They stay on in production: a broken invariant stops the process
// instead of corrupting a cluster. Never assert on input from outside; that is a Result.
#pragma once

namespace keelson {

// Prints the failed condition with its place and aborts. `why` may be null.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line,
                                   const char* why);

}  // namespace keelson

#define KEELSON_ASSERT(condition)                                                       \
  (static_cast<bool>(condition)                                                         \
       ? static_cast<void>(0)                                                           \
       : ::keelson::assertion_failed(#condition, __FILE__, __LINE__, nullptr))
#define KEELSON_ASSERT_WHY(condition, why)                                              \
  (static_cast<bool>(condition)                                                         \
       ? static_cast<void>(0)                                                           \
       : ::keelson::assertion_failed(#condition, __FILE__, __LINE__, why))
