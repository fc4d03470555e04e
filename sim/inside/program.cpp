#include "sim/inside/program.hpp"

#include <algorithm>

namespace keelson::sim {

namespace {

// kubelet's bounds.
constexpr std::size_t kMessageMax = 4096;
constexpr std::size_t kMessageFromLogMax = 2048;
constexpr std::ptrdiff_t kMessageFromLogLines = 80;
// What is kept of a program's output: its log is read from there.
constexpr std::size_t kPrintedMax = 1 << 20;
// What is kept of its changes to files: each holds the whole file that it leaves.
constexpr std::size_t kChangesMax = 2 * ContainerFiles::kBytesMax;

std::string last_words(const Program& program, Duration ran) {
  std::string all;
  for (const Outcome::Piece& piece : program.pieces) {
    if (piece.at <= ran) all += piece.text;
  }
  if (all.size() > kMessageFromLogMax) all.erase(0, all.size() - kMessageFromLogMax);
  auto lines = std::count(all.begin(), all.end(), '\n') + (all.ends_with('\n') || all.empty() ? 0 : 1);
  for (; lines > kMessageFromLogLines; --lines) all.erase(0, all.find('\n') + 1);
  return all;
}

}  // namespace

bool lives_off_input(const api::Container& container, const std::vector<std::string>& command) {
  if (Shell::is_interactive(command)) return container.stdin() || container.tty();
  return container.stdin() && Shell::reads_input(command);
}

std::shared_ptr<const Program> program_of(const api::Container& container,
                                          const std::vector<std::string>& command,
                                          const Inside& inside, WallTime start) {
  if (command.empty() || !Shell::knows(command[0]) || lives_off_input(container, command)) {
    return nullptr;
  }
  auto program = std::make_shared<Program>();
  ContainerFiles files;
  Shell shell(inside, files, start);
  program->writable = inside.writable;
  if (inside.writable) files.make_read_only(*inside.writable);
  std::size_t kept = 0;
  files.observe([&](const FileChange& change) {
    kept += sizeof(Program::Change) + change.path.size() + change.content.size();
    if (kept > kChangesMax) {
      shell.give_up();
      return;
    }
    program->changes.push_back({Duration{shell.now().unix_ns - start.unix_ns}, change});
  });
  Outcome outcome = shell.run_program(command);
  program->length = outcome.length;
  program->code = outcome.code;
  program->ends = !shell.goes_on();
  program->known = !shell.met_unknown();
  program->serving = shell.serving();
  std::size_t size = 0;
  for (Outcome::Piece& piece : outcome.pieces) {
    size += piece.text.size();
    if (size > kPrintedMax) break;
    program->pieces.push_back(std::move(piece));
  }
  return program;
}

std::string termination_message(const api::Container& container, const Program& program,
                                const ContainerFiles& files, Duration ran, int32_t code) {
  const std::string path = ContainerFiles::absolute("/", container.termination_message_path());
  if (const std::string* written = files.read(path); written != nullptr && !written->empty()) {
    return readable(std::string_view(*written).substr(0, kMessageMax));
  }
  const bool from_log = container.termination_message_policy() == "FallbackToLogsOnError";
  return from_log && code != 0 ? readable(last_words(program, ran)) : std::string();
}

std::string readable(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const auto first = static_cast<unsigned char>(bytes[0]);
    const std::size_t length = first < 0x80    ? 1
                               : first < 0xc2  ? 0
                               : first < 0xe0  ? 2
                               : first < 0xf0  ? 3
                               : first <= 0xf4 ? 4
                                               : 0;
    bool good = length > 0 && length <= bytes.size();
    for (std::size_t i = 1; good && i < length; ++i) good = (bytes[i] & 0xc0) == 0x80;
    if (good && length > 2) {
      // Overlong forms, surrogates and what is beyond Unicode.
      const auto second = static_cast<unsigned char>(bytes[1]);
      good = !(first == 0xe0 && second < 0xa0) && !(first == 0xed && second > 0x9f) &&
             !(first == 0xf0 && second < 0x90) && !(first == 0xf4 && second > 0x8f);
    }
    out += good ? bytes.substr(0, length) : std::string_view("\xef\xbf\xbd");
    bytes.remove_prefix(good ? length : 1);
  }
  return out;
}

}  // namespace keelson::sim
