#include "tests/e2e/transcript.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>
#include <thread>

#include "tests/e2e/process.hpp"

namespace keelson::e2e {

namespace {

constexpr std::string_view kAny = "…";

// Runs of blanks count as one, so that columns may have any width.
std::string squeezed(const std::string& line) {
  std::string out;
  for (const char c : line) {
    if (c == ' ' || c == '\t') {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else if (c != '\r') {
      out += c;
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

bool matches(std::string_view pattern, std::string_view text) {
  const std::size_t any = pattern.find(kAny);
  if (any == pattern.npos) return pattern == text;
  if (text.substr(0, any) != pattern.substr(0, any)) return false;
  const std::string_view rest = pattern.substr(any + kAny.size());
  for (std::size_t at = any; at <= text.size(); ++at) {
    if (matches(rest, text.substr(at))) return true;
  }
  return false;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

std::vector<Step> read_transcript(const std::string& path) {
  std::vector<Step> steps;
  std::ifstream in(path);
  EXPECT_TRUE(in) << path << " cannot be read";
  Step range;
  int number = 0;
  static const std::regex version(R"(\[(?:1\.(\d+))?\.\.(?:1\.(\d+))?\])");
  static const std::regex exit_code(R"(\[exit (\d+)\])");
  for (std::string line; std::getline(in, line);) {
    ++number;
    std::smatch found;
    if (line.starts_with("#")) continue;
    if (line.starts_with("$")) {
      Step step = range;
      range = {};
      step.line = number;
      step.patient = line.starts_with("$~");
      step.command = line.substr(step.patient ? 3 : 2);
      steps.push_back(std::move(step));
    } else if (std::regex_match(line, found, version)) {
      if (found[1].matched) range.first_version = std::stoi(found[1]);
      if (found[2].matched) range.last_version = std::stoi(found[2]);
    } else if (steps.empty() || line.empty()) {
      continue;
    } else if (std::regex_match(line, found, exit_code)) {
      steps.back().exit_code = std::stoi(found[1]);
    } else {
      steps.back().expected.push_back(line);
    }
  }
  return steps;
}

std::string compare(const Step& step, int exit_code, const std::string& output) {
  std::ostringstream wrong;
  if (exit_code != step.exit_code) {
    wrong << "exit code " << exit_code << " instead of " << step.exit_code << "\n";
  }
  std::vector<std::string> lines;
  for (const std::string& line : lines_of(output)) {
    if (!squeezed(line).empty()) lines.push_back(squeezed(line));
  }
  std::size_t at = 0;
  for (const std::string& raw : step.expected) {
    const std::string expected = squeezed(raw);
    if (expected == kAny) {  // alone on a line: any lines
      const std::size_t next = static_cast<std::size_t>(&raw - step.expected.data()) + 1;
      if (next == step.expected.size()) {
        at = lines.size();
      } else {
        while (at < lines.size() && !matches(squeezed(step.expected[next]), lines[at])) ++at;
      }
      continue;
    }
    if (at >= lines.size()) {
      wrong << "missing: " << expected << "\n";
    } else if (!matches(expected, lines[at])) {
      wrong << "expected: " << expected << "\n     got: " << lines[at] << "\n";
    }
    ++at;
  }
  for (; at < lines.size(); ++at) wrong << "too much: " << lines[at] << "\n";
  return wrong.str();
}

void play(const std::string& path, const std::map<std::string, std::string>& environment,
          int kubectl_minor) {
  for (const Step& step : read_transcript(path)) {
    if (kubectl_minor < step.first_version || kubectl_minor > step.last_version) continue;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    Outcome outcome;
    std::string wrong;
    do {
      outcome = run("cd \"$HOME\" || exit\n" + step.command, environment);
      wrong = compare(step, outcome.exit_code, outcome.output);
      if (wrong.empty() || !step.patient) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    } while (std::chrono::steady_clock::now() < deadline);
    EXPECT_EQ(wrong, "") << path << ":" << step.line << ": " << step.command
                         << "\n--- it printed\n" << outcome.output;
  }
}

}  // namespace keelson::e2e
