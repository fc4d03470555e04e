// A small shell with a few commands, for `kubectl exec` and `kubectl cp` on simulated containers. It
// computes at once what a command prints and when; whoever runs it lets that time pass.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.hpp"
#include "sim/inside/files.hpp"
#include "sim/inside/inside.hpp"

namespace keelson::sim {

// What a command does: prints pieces at their times, and ends.
struct Outcome {
  struct Piece {
    Duration at{};
    bool error = false;
    std::string text;
  };
  // "For ever": longer than any cluster is simulated, and far from where times overflow.
  static constexpr Duration kLengthMax = std::chrono::hours(24 * 365 * 100);

  std::vector<Piece> pieces;
  Duration length{};
  int32_t code = 0;
  bool exits = false;  // the shell that ran it ends

  void print(std::string text) { pieces.push_back({length, false, std::move(text)}); }
  void complain(std::string text) { pieces.push_back({length, true, std::move(text)}); }
  std::string printed() const;  // all of it, without errors
  // Does that after this.
  void then(Outcome next);
};

// A server, as far as it is known what it listens on and how long it is well: after that it answers HTTP
// requests with errors.
struct Serving {
  std::optional<int32_t> port;
  std::optional<Duration> well_for;
};

class Shell {
 public:
  // What it refers to must outlive it. `start`: when the first command runs.
  Shell(const Inside& inside, ContainerFiles& files, WallTime start);

  static constexpr std::size_t kOutputMax = 16 << 20;
  // Of the variables that a script sets, and of what one command's words are expanded to.
  static constexpr std::size_t kVariablesMax = 1 << 20;

  // Whether there is a command of that name (or path).
  static bool knows(const std::string& name);
  // Whether it is a shell that reads commands from its input: "sh", "bash -i".
  static bool is_interactive(const std::vector<std::string>& command);
  // Whether it does something with its input: "cat", "tar xf -", "sh -c 'cat > x'".
  static bool reads_input(const std::vector<std::string>& command);

  // Runs a program. What is unknown ends with 127 and no word: who asked knows how to say it.
  Outcome run(const std::vector<std::string>& command, const std::string& input);
  // Runs a line (or several) as a shell does.
  Outcome run_line(std::string_view line, const std::string& input);

  // Runs the program that a container was made for: it stops at the first command that is unknown.
  Outcome run_program(const std::vector<std::string>& command);
  bool goes_on() const { return unknown_ || serves_; }
  bool met_unknown() const { return unknown_; }
  // What the program does from here on cannot be told.
  void give_up() { unknown_ = true; }
  // For what does not end: a server, say.
  Outcome go_on_for_ever();
  Outcome serve(Serving serving);
  const Serving& serving() const { return serving_; }
  const std::string& hostname() const { return inside_.hostname; }

  WallTime now() const { return now_; }
  void pass(Duration time);
  void set_time(WallTime now) { now_ = now; }
  int32_t last_code() const { return last_code_; }
  const std::string& directory() const { return directory_; }

 private:
  friend struct Commands;
  using Arguments = std::vector<std::string>;

  struct Simple {
    Arguments words;
    std::string output_to, errors_to, input_from;
    bool append = false, errors_too = false, discard_errors = false, too_large = false;
  };
  struct Pipeline {
    std::string text;
    char joined_by = ';';  // how it depends on the one before: ';', '&' (and), '|' (or)
  };
  static std::vector<Pipeline> split(std::string_view line);
  Outcome run_pipeline(const std::string& text, const std::string& input);
  Outcome run_simple(const Simple& command, const std::string& input);
  bool parse(std::string_view text, Simple& command);
  std::string variable(const std::string& name) const;
  // "NAME=VALUE"; false: there is no room.
  bool assign(const std::string& word, std::size_t equals);
  // Ends a script that wants more than there is.
  Outcome out_of_memory();
  std::string path(const std::string& name) const {
    return ContainerFiles::absolute(directory_, name);
  }
  // A file's content; those that every container has are made up.
  bool read_file(const std::string& path, std::string& content) const;

  const Inside& inside_;
  ContainerFiles& files_;
  WallTime now_;
  std::map<std::string, std::string> variables_;
  std::size_t room_ = kVariablesMax;  // for more of them
  std::string called_ = "sh";  // how it was started, for its complaints
  std::string directory_ = "/";
  int32_t last_code_ = 0;
  int depth_ = 0;
  bool stops_at_unknown_ = false, unknown_ = false, serves_ = false;
  Serving serving_;
};

}  // namespace keelson::sim
