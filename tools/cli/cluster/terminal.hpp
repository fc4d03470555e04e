// The terminal as exec needs it: raw while a program on the other side owns it, and its size.
#pragma once

#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>

namespace keelson::cli {

struct TerminalSize {
  uint16_t columns = 0, rows = 0;
  friend bool operator==(const TerminalSize&, const TerminalSize&) = default;
};

bool is_terminal(int fd);
// None if it is no terminal.
std::optional<TerminalSize> terminal_size(int fd);

// Raw from construction to destruction: keys go through as they are, Ctrl-C too. Does nothing where
// standard input is no terminal. Also asks for SIGWINCH, which wakes whoever waits.
class RawTerminal {
 public:
  RawTerminal();
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  struct Saved;
  std::unique_ptr<Saved> saved_;
};

}  // namespace keelson::cli
