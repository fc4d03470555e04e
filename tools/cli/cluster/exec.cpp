// exec and attach, over WebSocket (v5.channel.k8s.io): the first byte of a message says which
// stream it is of.
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>

#include "tools/cli/cluster/pods.hpp"
#include "tools/cli/cluster/terminal.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

constexpr char kInput = 0, kOutput = 1, kErrors = 2, kStatus = 3, kResize = 4, kClose = '\xff';
constexpr auto kSizeEvery = std::chrono::milliseconds(500);  // at the terminal's size

struct Streams {
  bool input = false, tty = false;
};

// The command's end, as its Status tells it: its exit code, or what went wrong.
Status ended(Session& session, std::string_view text) {
  const Json status = parse_tree(text);
  if (text_at(status, "status") == "Success") return {};
  if (text_at(status, "reason") == "NonZeroExitCode") {
    for (const Json& cause : list_at(status, "details.causes")) {
      if (text_at(cause, "reason") != "ExitCode") continue;
      const std::string number = text_at(cause, "message");
      int code = 1;
      std::from_chars(number.data(), number.data() + number.size(), code);
      session.exit_code = code;
      session.io.err(fmt::format("command terminated with exit code {}\n", code));
      return {};
    }
  }
  const std::string message = text_at(status, "message");
  return usage_error(message.empty() ? "the command was ended without a word" : message);
}

// Sends what standard input has; false: it has ended, which is told.
Result<bool> forward_input(Socket& socket) {
  char buffer[32 * 1024];
  const ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);
  std::string message;
  if (n > 0) {
    message.push_back(kInput);
    message.append(buffer, static_cast<std::size_t>(n));
  } else {
    message = {kClose, kInput};
  }
  if (auto ok = socket.send(message); !ok) return ok.error();
  return n > 0;
}

Status converse(Session& session, Socket& socket, const Streams& streams) {
  bool input_open = streams.input;
  std::optional<TerminalSize> told_size;
  for (;;) {
    if (streams.tty) {
      if (const auto size = terminal_size(STDOUT_FILENO); size && size != told_size) {
        told_size = size;
        std::string message(1, kResize);
        message += fmt::format("{{\"Width\":{},\"Height\":{}}}", size->columns, size->rows);
        if (auto ok = socket.send(message); !ok) return ok;
      }
    }
    const auto wake = socket.wait(input_open ? STDIN_FILENO : -1, kSizeEvery);
    if (wake == Socket::Wake::timeout) continue;
    if (wake == Socket::Wake::other) {
      auto more = forward_input(socket);
      if (!more) return more.error();
      input_open = *more;
      continue;
    }
    auto message = socket.receive();
    if (!message) return message.error();
    if (!*message) return usage_error("the connection was closed before the command had ended");
    if ((*message)->empty()) continue;
    const std::string_view rest = std::string_view(**message).substr(1);
    switch ((**message)[0]) {
      case kOutput: session.io.out(rest); break;
      case kErrors: session.io.err(rest); break;
      case kStatus:
        if (rest.empty()) break;
        socket.close();
        return ended(session, rest);
      default: break;  // what later versions of the protocol may add
    }
  }
}

Status stream(Session& session, const Found& pod, std::string_view subresource, std::string query,
              Streams streams) {
  if (streams.tty && (!is_terminal(STDIN_FILENO) || !streams.input)) {
    if (streams.input)
      session.io.err("Unable to use a TTY - input is not a terminal or the right kind of file\n");
    streams.tty = false;
  }
  if (streams.input) query += "&stdin=true";
  query += "&stdout=true";
  // A terminal has one output.
  query += streams.tty ? "&tty=true" : "&stderr=true";
  auto socket = session.api.connect(pod.path(subresource) + "?" + query, "v5.channel.k8s.io");
  if (!socket) return socket.error();
  std::optional<RawTerminal> raw;
  if (streams.tty) raw.emplace();
  return converse(session, **socket, streams);
}

Result<Found> running_pod(Session& session, const std::string& word) {
  auto pods = pods_of(session, word);
  if (!pods) return pods.error();
  const std::string phase = text_at(pods->front().object, "status.phase");
  if (phase == "Succeeded" || phase == "Failed") {
    return usage_error(
        fmt::format("cannot exec into a container in a completed pod; current phase is {}", phase));
  }
  return std::move(pods->front());
}

Status exec(Session& session) {
  const Flags& flags = session.flags;
  std::vector<std::string> command = flags.tail();
  const auto& args = flags.args();
  if (args.empty()) return usage_error("pod, type/name or --filename must be specified");
  if (!flags.has_tail() && args.size() > 1) command.assign(args.begin() + 1, args.end());
  if (command.empty())
    return usage_error("you must specify at least one command for the container");
  auto pod = running_pod(session, args[0]);
  if (!pod) return pod.error();
  auto container = container_of(session, pod->object, flags.get("container"));
  if (!container) return container.error();
  std::string query;
  for (const std::string& word : command) query += "command=" + encode_query(word) + "&";
  query += "container=" + encode_query(*container);
  return stream(session, *pod, "exec", query, {flags.on("stdin"), flags.on("tty")});
}

Status attach(Session& session) {
  if (session.flags.args().empty())
    return usage_error("at least 1 argument is required for attach");
  auto pod = running_pod(session, session.flags.args()[0]);
  if (!pod) return pod.error();
  auto container = container_of(session, pod->object, session.flags.get("container"));
  if (!container) return container.error();
  return stream(session, *pod, "attach", "container=" + encode_query(*container),
                {session.flags.on("stdin"), session.flags.on("tty")});
}

}  // namespace

std::vector<Verb> exec_verbs() {
  const std::vector<FlagSpec> flags = {{"c,container", "NAME", "of the pod"},
                                       {"i,stdin", "", "pass standard input on"},
                                       {"t,tty", "", "as a terminal"}};
  return {
      {"exec", "POD | TYPE/NAME [-c CONTAINER] -- COMMAND ARGS...", "run a command in a container",
       flags, exec, "  keelson exec kel-7d9c-x2x4z -- date\n  keelson exec -it deploy/kel -- sh\n"},
      {"attach", "POD | TYPE/NAME [-c CONTAINER]", "connect to what a container is running", flags,
       attach}};
}

}  // namespace keelson::cli
