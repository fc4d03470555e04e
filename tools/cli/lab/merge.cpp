#include <cstdio>

#include "sim/lab/results.hpp"
#include "sim/scenario/scenario.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/lab/results.hpp"

namespace keelson::cli {

namespace {

int not_merged(const std::string& message) {
  std::fprintf(stderr, "keelson sim merge: %s\n", message.c_str());
  return 2;
}

}  // namespace

int sim_merge(int argc, char** argv) {
  const auto read = read_merge_options(argc, argv);
  if (!read) return not_merged(read.error().message);
  if (!*read) return 0;  // the help
  const MergeOptions& options = **read;
  if (const auto ok = check_outputs(options.outputs); !ok) return not_merged(ok.message());
  std::vector<lab::Study> parts;
  for (const std::string& file : options.parts) {
    const auto text = sim::read_text(file);
    if (!text) return not_merged(text.error().message);
    auto part = lab::read_study(*text);
    if (!part) return not_merged(file + " " + part.error().message);
    parts.push_back(std::move(*part));
  }
  const auto study = lab::merge(std::move(parts), options.parts);
  if (!study) return not_merged(study.error().message);
  return publish(*study, options.outputs, true);
}

}  // namespace keelson::cli
