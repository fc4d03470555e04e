// The dependency rule, checked where it cannot be talked around: in the symbols of the built
// libraries. Core and sim call no clock, thread, socket, file or environment function.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace keelson {
namespace {

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  char buffer[65536];
  while (const std::size_t n = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
  pclose(pipe);
  return text;
}

TEST(Symbols, CoreUsesNoOutsideWorld) {
  const std::vector<std::string> forbidden = {
      "_clock::now()",  "std::random_device",  "_M_start_thread", " getenv",   " socket",
      " connect",       " pthread_create",     " clock_gettime",  " time\n",   " rand\n",
      " gettimeofday",  "std::basic_ofstream", " nanosleep",      " fopen",    " getrandom"};
  std::size_t libraries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(KEELSON_BINARY_DIR)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("libkeelson_") || !name.ends_with(".a")) continue;
    // The outside world is what these are for; generated code reads no clock that matters.
    static const std::set<std::string> outside = {"proto",  "cri_proto", "runtime", "cli",  "redis",
                                                  "cri",    "volumes",   "network", "node", "host",
                                                  "process", "hosts"};
    const std::string prefix = "libkeelson_";
    if (outside.contains(name.substr(prefix.size(), name.size() - prefix.size() - 2))) continue;
    ++libraries;
    const std::string symbols = output_of("nm -uC " + entry.path().string() + " 2>/dev/null");
    for (const std::string& bad : forbidden) {
      EXPECT_EQ(symbols.find(bad), std::string::npos) << name << " uses " << bad;
    }
  }
  EXPECT_GE(libraries, 10u) << "built libraries were not found in " << KEELSON_BINARY_DIR;
}

}  // namespace
}  // namespace keelson
