#include "tools/cli/cluster/command.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <set>

#include "tools/cli/cluster/connection.hpp"
#include "tools/cli/cluster/human.hpp"
#include "tools/cli/cluster/tabs.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

constexpr int64_t kTraceFrom = 6;  // -v: the level from which kubectl shows requests

class RealConsole final : public Console {
 public:
  void out(std::string_view text) override {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
  void err(std::string_view text) override {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  }
  std::string read_input() override {
    std::string text;
    char buffer[64 * 1024];
    while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, stdin))
      text.append(buffer, n);
    return text;
  }
  WallTime now() override {
    return {std::chrono::duration_cast<std::chrono::nanoseconds>(
                std::chrono::system_clock::now().time_since_epoch())
                .count()};
  }
  void sleep(Duration time) override {
    const timespec span{time.count() / 1'000'000'000, time.count() % 1'000'000'000};
    nanosleep(&span, nullptr);  // a signal may end it early: callers look again
  }
};

std::vector<std::string> words_of(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  // What stands behind __complete is data.
  if (!words.empty() && words[0] == "__complete") words.insert(words.begin() + 1, "--");
  return words;
}

void print_help(const Verb& verb) {
  std::string text =
      fmt::format("{}.\n\nUsage:\n  keelson {} {}\n", verb.what, verb.name, verb.usage);
  if (*verb.examples != '\0') text += fmt::format("\nExamples:\n{}", verb.examples);
  const std::string prefix = std::string(verb.name) + " ";
  std::string more;
  for (const Verb& one : all_verbs()) {
    if (std::string_view(one.name).starts_with(prefix))
      more += fmt::format("  {}\t{}\n", one.name, one.what);
  }
  if (!more.empty()) text += "\nCommands:\n" + align_tabs(more, {0, 2});
  if (!verb.flags.empty()) text += "\nOptions:\n" + flags_help(verb.flags);
  text += "\nOptions of all cluster commands:\n" + flags_help(global_flags());
  std::fputs(text.c_str(), stdout);
}

// "keelson rollout" alone: what can follow. False: nothing begins with these words.
bool print_family(const std::vector<std::string>& words) {
  if (words.empty()) return false;
  std::string list;
  for (const Verb& verb : all_verbs()) {
    if (std::string_view(verb.name).starts_with(words[0] + " "))
      list += fmt::format("  keelson {} {}\t{}\n", verb.name, verb.usage, verb.what);
  }
  if (list.empty()) return false;
  std::fputs(("Usage:\n" + align_tabs(list, {0, 2})).c_str(), stdout);
  return true;
}

int complain(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return 1;
}

int run_connected(const Verb& verb, const Flags& flags) {
  RealConsole console;
  const ConnectionFlags given = connection_flags(verb, flags);
  const Surroundings around = real_surroundings();
  auto config = load_kubeconfig(given, around);
  if (!config) return complain(config.error().message);
  const std::string name = verb.name;
  const bool local = name.starts_with("config ") || name == "completion";
  Connection connection;
  if (auto found = connection_of(*config, given, around); found) {
    connection = std::move(*found);
  } else if (!local) {
    return complain(found.error().message);
  }
  const auto timeout = parse_duration(flags.get("request-timeout", "0"));
  if (!timeout || timeout->count() < 0)
    return complain("error: invalid --request-timeout: " + flags.get("request-timeout"));
  const auto level = flags.number("v", 0);
  if (!level) return complain(level.error().message);
  HttpApi api(connection, {*timeout, *level >= kTraceFrom});
  return run_verb(verb, flags, given, *config, connection.name_space, api, console);
}

}  // namespace

std::unique_ptr<Console, void (*)(Console*)> real_console() {
  return {new RealConsole, [](Console* console) { delete static_cast<RealConsole*>(console); }};
}

bool is_cluster_verb(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (find_verb(words)) return true;
  for (const Verb& verb : all_verbs()) {
    if (!words.empty() && std::string_view(verb.name).starts_with(words[0] + " ")) return true;
  }
  return false;
}

std::string cluster_usage() {
  std::string text;
  std::set<std::string> seen;
  for (const Verb& verb : all_verbs()) {
    const std::string name = verb.name, first = name.substr(0, name.find(' '));
    if (name.starts_with("__") || !seen.insert(first).second) continue;
    const bool family = first != name;
    std::string what = verb.what;
    if (family) {
      what.clear();
      for (const Verb& one : all_verbs()) {
        const std::string_view other = one.name;
        if (other.starts_with(first + " "))
          what += (what.empty() ? "" : ", ") + std::string(other.substr(first.size() + 1));
      }
    }
    text += fmt::format("  keelson {}\t{}\n", first, what);
  }
  return align_tabs(text, {0, 2});
}

int cluster(int argc, char** argv) {
  std::vector<std::string> words = words_of(argc, argv);
  const std::vector<std::string> given = words;
  const Verb* verb = find_verb(words);
  if (!verb) {
    if (print_family(given)) return 0;
    return complain(fmt::format("error: unknown command \"{}\" for \"keelson\"",
                                given.empty() ? "" : given[0]));
  }
  auto flags = Flags::parse({verb->flags, global_flags()}, words);
  if (!flags) {
    return complain(
        fmt::format("{}\nSee 'keelson {} --help' for usage.", flags.error().message, verb->name));
  }
  if (flags->on("help")) {
    print_help(*verb);
    return 0;
  }
  return run_connected(*verb, *flags);
}

}  // namespace keelson::cli
