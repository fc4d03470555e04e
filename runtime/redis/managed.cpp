#include "runtime/redis/managed.hpp"

#include <algorithm>
#include <string_view>

namespace keelson::redis {

namespace {

Status check_path(std::string_view what, std::string_view path) {
  const auto told = [&](const char* why) {
    return Status(Code::invalid, "redis " + std::string(what) + ": " + why);
  };
  if (!path.starts_with('/')) return told("the path is not absolute");
  if (std::any_of(path.begin(), path.end(), [](unsigned char c) { return c < ' ' || c == 127; })) {
    return told("the path has control characters");
  }
  return {};
}

// As redis.conf takes it.
std::string quoted(std::string_view path) {
  std::string out = "\"";
  for (const char c : path) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// What does not depend on anything.
constexpr std::string_view kAlways = R"(
unixsocketperm 600
timeout 0
daemonize no
logfile ""

# The append-only file is the disk; snapshots would only cost a second copy.
save ""
appendonly yes
no-appendfsync-on-rewrite no
aof-use-rdb-preamble yes
# A transaction that was cut off at the end vanishes as a whole: nobody was told of it.
aof-load-truncated yes

# An eviction would be a silent loss: rather refuse writes.
maxmemory-policy noeviction

# Should replicas be added: room for them to fall behind without a full copy.
repl-backlog-size 256mb
client-output-buffer-limit replica 1gb 1gb 0
)";

bool made_of(std::string_view text, std::string_view letters) {
  return !text.empty() && text.find_first_not_of(letters) == text.npos;
}

// What README, "Rights", grants.
constexpr std::string_view kRights =
    "~{keelson}* +fcall +fcall_ro +function|load +xread +wait +role +ping +hset +hget +hmget +hdel "
    "+hincrby +hlen +hscan +xadd +xrange +xtrim +del +exists";

Result<std::string> doors(const ManagedOptions& options) {
  if (options.port == 0) return std::string("# Reached by its socket alone.\nport 0\n");
  constexpr std::string_view kHex = "0123456789abcdef";
  if (!made_of(options.bind_address, "0123456789.") ||
      !made_of(options.user, "abcdefghijklmnopqrstuvwxyz0123456789-") ||
      options.password_sha256.size() != 64 || !made_of(options.password_sha256, kHex)) {
    return Error{Code::invalid, "redis: to be reached by TCP it needs an IPv4 address, a user of small "
                                "letters, digits and dashes, and the SHA-256 of a password"};
  }
  // Without a right or a password of its own the default user is nobody.
  return "bind " + options.bind_address + "\nport " + std::to_string(options.port) +
         "\nuser default reset\nuser " + options.user + " on #" + options.password_sha256 + ' ' +
         std::string(kRights) + '\n';
}

}  // namespace

Result<std::string> managed_config(const ManagedOptions& options) {
  if (Status status = check_path("directory", options.directory); !status) return status.error();
  if (Status status = check_path("socket", options.socket); !status) return status.error();
  constexpr std::size_t socket_path_max = 107;  // sockaddr_un::sun_path, with its end
  if (options.socket.size() > socket_path_max) {
    return {Code::invalid, "redis socket: the path is longer than " +
                               std::to_string(socket_path_max) + " bytes: " + options.socket};
  }
  std::string text = "# Written by Keelson: changes are lost when it writes this again.\n";
  text += kAlways;
  const auto reached = doors(options);
  if (!reached) return reached.error();
  text += '\n' + *reached;
  text += "\ndir " + quoted(options.directory) + "\nunixsocket " + quoted(options.socket) + '\n';
  const bool durable = options.profile == ManagedOptions::Profile::durable;
  text += std::string("appendfsync ") + (durable ? "always" : "everysec") + '\n';
  if (options.memory_max > 0) text += "maxmemory " + std::to_string(options.memory_max) + '\n';
  return text;
}

}  // namespace keelson::redis
