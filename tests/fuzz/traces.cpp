// Any bytes as the tables of a trace, and as a dump. What is refused says where; what is kept is in the
// order of time, with names that the API takes.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include <unistd.h>

#include "core/api/validation.hpp"
#include "core/base/assert.hpp"
#include "sim/lab/readers/alibaba.hpp"
#include "sim/lab/readers/azure.hpp"
#include "sim/lab/readers/dump.hpp"
#include "sim/lab/readers/google.hpp"
#include "sim/lab/readers/swf.hpp"

using namespace keelson;
using namespace keelson::lab;

namespace {

void check(const Result<Loaded>& loaded, const std::string& file) {
  if (!loaded) {
    KEELSON_ASSERT_WHY(loaded.error().message.find(file) != std::string::npos,
                       loaded.error().message.c_str());
    return;
  }
  Duration last{};
  std::set<std::string> uids;
  for (const Arrival& arrival : loaded->workload.arrivals) {
    KEELSON_ASSERT(arrival.at >= last);
    last = arrival.at;
    KEELSON_ASSERT(!arrival.runs_for || *arrival.runs_for >= Duration::zero());
    KEELSON_ASSERT(uids.insert(arrival.pod->uid()).second);
    KEELSON_ASSERT(api::check_dns1123_subdomain(arrival.pod->name()).empty());
    for (const auto& label : arrival.pod->meta().labels()) {
      KEELSON_ASSERT(api::check_label_value(label.second).empty());
    }
  }
}

}  // namespace

// The first byte chooses the reader.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto folder = std::filesystem::temp_directory_path() /
                      ("keelson-fuzz-traces-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string file = (folder / "table").string();
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  std::ofstream(file, std::ios::binary) << text;
  const bool lenient = (data[0] & 1) != 0;
  const Window window{.limit = 1000};
  switch (data[0] / 2 % 6) {
    case 0:
      check(read_alibaba({file, file, {}}, {.year = 2017, .window = window, .lenient = lenient}), file);
      break;
    case 1:
      check(read_alibaba({file, file, file}, {.year = 2018, .window = window, .lenient = lenient}), file);
      break;
    case 2: check(read_google_2011({{}, file}, {.window = window, .lenient = lenient}), file); break;
    case 3:
      check(read_azure_2020({.vms = file, .types = file, .window = window, .lenient = lenient}), file);
      break;
    case 4: check(read_swf({.file = file, .window = window, .lenient = lenient}), file); break;
    default: {
      const auto dump = parse_dump(text, "d.yaml");
      if (!dump) KEELSON_ASSERT(dump.error().message.starts_with("d.yaml"));
      if (dump) KEELSON_ASSERT(!dump->nodes.empty());
    }
  }
  std::filesystem::remove_all(folder);
  return 0;
}
