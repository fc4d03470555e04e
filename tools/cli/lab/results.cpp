#include "tools/cli/lab/results.hpp"

#include <cstdio>

#include "sim/lab/report/html.hpp"
#include "sim/lab/report/text.hpp"
#include "sim/lab/results.hpp"
#include "tools/cli/output_file.hpp"

namespace keelson::cli {

Status check_outputs(const Outputs& outputs) {
  for (const std::string* file : outputs.files()) {
    if (!can_write(*file)) return Status(Code::invalid, "cannot write " + *file);
  }
  return {};
}

int publish(const lab::Study& study, const Outputs& outputs, bool table) {
  if (table && !outputs.quiet()) {
    std::fputs(lab::text_report(study).c_str(), stdout);
    std::fflush(stdout);
  }
  bool written = true;
  if (!outputs.json.empty()) written = write_file(outputs.json, lab::to_json(study)) && written;
  if (!outputs.csv.empty()) written = write_file(outputs.csv, lab::to_csv(study)) && written;
  if (!outputs.report.empty())
    written = write_file(outputs.report, lab::html_report(study)) && written;
  return !written ? 2 : study.complete() ? 0 : 3;
}

}  // namespace keelson::cli
