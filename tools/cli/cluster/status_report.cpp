#include "tools/cli/cluster/status_report.hpp"

#include <fmt/format.h>

#include "tools/cli/cluster/table.hpp"

namespace keelson::cli {

namespace {
constexpr std::size_t kTitleWidth = 16;
constexpr std::size_t kLineMax = 300;  // whatever messages servers send
}  // namespace

void StatusReport::section(std::string title) {
  sections_.push_back({std::move(title), {}});
}

void StatusReport::line(std::string text) {
  if (sections_.empty()) section("");
  // What a server says could carry anything, also what moves a terminal's cursor.
  text = cell_text(Json(text));
  if (text.size() > kLineMax) text = text.substr(0, kLineMax) + "...";
  sections_.back().lines.push_back(std::move(text));
}

void StatusReport::fact(std::string text) {
  line(std::move(text));
}
void StatusReport::more_wrong(std::string text) {
  line("! " + std::move(text));
}
void StatusReport::wrong(std::string brief, std::string text) {
  briefs_.push_back(std::move(brief));
  more_wrong(std::move(text));
}

std::string StatusReport::text(const std::string& all_well) const {
  std::string out =
      well() ? "OK: " + all_well : fmt::format("NOT OK: {}", fmt::join(briefs_, "; "));
  out += "\n\n";
  for (const Section& section : sections_) {
    std::string title = section.title;
    for (const std::string& line : section.lines) {
      out += fmt::format("{:<{}}{}\n", title, kTitleWidth, line);
      title.clear();
    }
  }
  return out;
}

std::string counted(std::size_t count, const std::string& one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

}  // namespace keelson::cli
