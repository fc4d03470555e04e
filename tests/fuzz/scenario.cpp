// Any bytes as a scenario file. What is refused says where; what is accepted is the same when it is read
// again.
#include "sim/scenario/scenario.hpp"

#include <cstddef>
#include <cstdint>

#include "core/base/assert.hpp"

using namespace keelson::sim;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto scenario = parse_scenario(text, "s.yaml", {});
  if (!scenario) {
    KEELSON_ASSERT_WHY(scenario.error().message.starts_with("s.yaml"),
                       scenario.error().message.c_str());
    return 0;
  }
  const auto again = parse_scenario(text, "s.yaml", {});
  KEELSON_ASSERT(again.ok());
  KEELSON_ASSERT(again->timeline.size() == scenario->timeline.size());
  KEELSON_ASSERT(again->world.pools.size() == scenario->world.pools.size());
  return 0;
}
