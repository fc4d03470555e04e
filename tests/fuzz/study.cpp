// Any bytes as the results of a study. What is accepted can be reported in every form, whatever its
// numbers are, and is the same when it is written and read again.
#include <cstddef>
#include <cstdint>

#include "core/base/assert.hpp"
#include "sim/lab/report/html.hpp"
#include "sim/lab/report/text.hpp"
#include "sim/lab/results.hpp"

using namespace keelson::lab;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const auto study = read_study({reinterpret_cast<const char*>(data), size});
  if (!study) {
    KEELSON_ASSERT(!study.error().message.empty());
    return 0;
  }
  if (study->plan.runs() > 10'000) return 0;  // allowed, but slow
  KEELSON_ASSERT(!html_report(*study).empty() && !text_report(*study).empty() &&
                 !to_csv(*study).empty());
  const std::string text = to_json(*study);
  const auto again = read_study(text);
  KEELSON_ASSERT_WHY(again.ok(), text.c_str());
  KEELSON_ASSERT(again->plan == study->plan);
  KEELSON_ASSERT(to_json(*again) == text);
  return 0;
}
