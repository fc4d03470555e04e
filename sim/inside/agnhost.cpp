#include "sim/inside/agnhost.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/base/hash.hpp"
#include "sim/inside/container_log.hpp"

namespace keelson::sim {

namespace {

using Words = std::vector<std::string>;

constexpr int64_t kLinesMax = 10'000;

// Of "--NAME VALUE" or "--NAME=VALUE": a number, or a time in whole seconds or minutes. Anything else: 0.
int64_t option(const Words& words, const std::string& name) {
  std::string text;
  for (std::size_t i = 2; i < words.size(); ++i) {
    if (words[i] == "--" + name && i + 1 < words.size()) text = words[i + 1];
    if (words[i].starts_with("--" + name + "=")) text = words[i].substr(name.size() + 3);
  }
  int64_t value = 0;
  const auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (trouble != std::errc() || value < 0 || value > 1'000'000) return 0;
  return *end == 'm' ? value * 60 : value;
}

Outcome entrypoint_tester(const Words& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : " ") + word;
  Outcome outcome;
  outcome.print("[" + all + "]\n");
  return outcome;
}

// Lines as an API server logs them, evenly over a time.
Outcome logs_generator(const Shell& shell, const Words& words) {
  static constexpr const char* kMethods[] = {"GET", "PUT", "POST"};
  static constexpr const char* kNamespaces[] = {"kube-system", "default", "ns"};
  const int64_t lines = std::min(option(words, "log-lines-total"), kLinesMax);
  const Duration takes = std::chrono::seconds(option(words, "run-duration"));
  Outcome outcome;
  for (int64_t i = 0; i < lines; ++i) {
    const uint64_t chance = hash_bytes(shell.hostname(), static_cast<uint64_t>(i));
    const std::string at = log_timestamp(shell.now() + outcome.length);
    outcome.complain(fmt::format(
        "I{}{} {} {:>7} logs_generator.go:76] {} {} /api/v1/namespaces/{}/pods/{:x} {}\n",
        at.substr(5, 2), at.substr(8, 2), at.substr(11, 15), 1, i, kMethods[chance % 3],
        kNamespaces[chance / 3 % 3], chance / 9 % 65536, 200 + chance / 100 % 400));
    outcome.length += takes / lines;
  }
  return outcome;
}

}  // namespace

Outcome agnhost(Shell& shell, const Words& words, const std::string&) {
  const std::string what = words.size() > 1 ? words[1] : "pause";
  if (what == "entrypoint-tester") return entrypoint_tester(words);
  if (what == "logs-generator") return logs_generator(shell, words);
  if (what == "pause") {
    Outcome outcome;
    outcome.print("Paused\n");
    outcome.then(shell.go_on_for_ever());
    return outcome;
  }
  if (what == "liveness") return shell.serve({8080, 10s});
  if (what == "test-webserver") return shell.serve({80, {}});
  return shell.go_on_for_ever();
}

}  // namespace keelson::sim
