// Any bytes as the file of an experiment. What is refused says where; what is accepted is the same
// when it is read again. Nothing is loaded: a workload may name any file.
#include "sim/lab/experiment_file.hpp"

#include <cstddef>
#include <cstdint>

#include "core/base/assert.hpp"

using namespace keelson::lab;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto experiment = parse_experiment(text, "e.yaml", {});
  if (!experiment) {
    KEELSON_ASSERT_WHY(experiment.error().message.starts_with("e.yaml"),
                       experiment.error().message.c_str());
    return 0;
  }
  const auto again = parse_experiment(text, "e.yaml", {});
  KEELSON_ASSERT(again.ok());
  KEELSON_ASSERT(again->text == experiment->text && again->seeds == experiment->seeds);
  return 0;
}
