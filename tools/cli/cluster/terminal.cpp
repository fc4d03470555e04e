#include "tools/cli/cluster/terminal.hpp"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace keelson::cli {

struct RawTerminal::Saved {
  termios settings;
};

bool is_terminal(int fd) {
  return isatty(fd) == 1;
}

std::optional<TerminalSize> terminal_size(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0) return std::nullopt;
  return TerminalSize{size.ws_col, size.ws_row};
}

RawTerminal::RawTerminal() {
  termios settings{};
  if (tcgetattr(STDIN_FILENO, &settings) != 0) return;
  saved_ = std::make_unique<Saved>(Saved{settings});
  cfmakeraw(&settings);
  tcsetattr(STDIN_FILENO, TCSADRAIN, &settings);
  struct sigaction action {};
  action.sa_handler = [](int) {};  // being interrupted is all that is wanted
  sigaction(SIGWINCH, &action, nullptr);
}

RawTerminal::~RawTerminal() {
  if (saved_) tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_->settings);
}

}  // namespace keelson::cli
