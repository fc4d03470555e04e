// port-forward: ports of this machine that lead to ports of a pod. Each connection has a WebSocket
// of its own: channel 0 carries its bytes, channel 1 what goes wrong; the first message of each is
// the port.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <mutex>
#include <thread>

#include "tools/cli/cluster/describe.hpp"
#include "tools/cli/cluster/pods.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

constexpr auto kStopEvery = std::chrono::milliseconds(500);

struct Forward {
  uint16_t local = 0, remote = 0;
  int listener = -1;
};

// Closed at the end.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::optional<uint16_t> port_number(std::string_view text) {
  uint16_t port = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || end.ec != std::errc{} || end.ptr != text.data() + text.size())
    return std::nullopt;
  return port;
}

// A container's port by its name or number.
std::optional<uint16_t> container_port(const Json& pod, const std::string& text) {
  if (const auto number = port_number(text)) return number;
  for (const Json& container : list_at(pod, "spec.containers")) {
    for (const Json& port : list_at(container, "ports")) {
      if (text_at(port, "name") == text)
        return static_cast<uint16_t>(number_at(port, "containerPort"));
    }
  }
  return std::nullopt;
}

// "8080:80", "80", ":80"; of a service, the port behind its port.
Result<Forward> parse_ports(const std::string& text, const Json& pod, const Json& service) {
  const auto colon = text.find(':');
  const std::string local = text.substr(0, colon);
  std::string remote = colon == std::string::npos ? local : text.substr(colon + 1);
  Forward out;
  if (text_at(service, "kind") == "Service") {
    bool found = false;
    for (const Json& port : list_at(service, "spec.ports")) {
      if (text_at(port, "port") != remote && text_at(port, "name") != remote) continue;
      remote = text_at(port, "targetPort", text_at(port, "port"));
      found = true;
      break;
    }
    if (!found)
      return usage_error(fmt::format("Service {} does not have a service port {}",
                                     text_at(service, "metadata.name"), remote));
  }
  const auto port = container_port(pod, remote);
  if (!port || *port == 0)
    return usage_error(fmt::format("Pod '{}' does not have a named port '{}'",
                                   text_at(pod, "metadata.name"), remote));
  out.remote = *port;
  if (colon == std::string::npos) {
    out.local = port_number(local).value_or(*port);
  } else if (!local.empty()) {
    const auto number = port_number(local);
    if (!number) return usage_error(fmt::format("error parsing local port '{}'", local));
    out.local = *number;
  }
  return out;
}

Status listen_at(Forward& forward, const std::string& address) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(forward.local);
  if (inet_pton(AF_INET, address == "localhost" ? "127.0.0.1" : address.c_str(), &at.sin_addr) !=
      1) {
    return usage_error("invalid --address: " + address);
  }
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || listen(fd, 64) != 0) {
    if (fd >= 0) close(fd);
    return usage_error(
        fmt::format("unable to listen on port {}: address already in use", forward.local));
  }
  socklen_t size = sizeof at;
  getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
  forward.local = ntohs(at.sin_port);
  forward.listener = fd;
  return {};
}

bool write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t n = send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    data.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// One connection, until either side ends it. Returns what the other side has complained about.
std::string carry(Socket& socket, int connection) {
  bool skipped[2] = {false, false};  // the first message of a channel is the port
  std::string complaint;
  int local = connection;
  for (;;) {
    const auto wake = socket.wait(local, kStopEvery);
    if (wake == Socket::Wake::timeout) continue;
    if (wake == Socket::Wake::other) {
      char buffer[32 * 1024];
      const ssize_t n = ::read(connection, buffer, sizeof buffer);
      if (n < 0) break;
      if (n == 0) {
        // It has said all that it wants to say, and may still listen.
        local = -1;
        continue;
      }
      std::string message(1, '\0');
      message.append(buffer, static_cast<std::size_t>(n));
      if (!socket.send(message).ok()) break;
      continue;
    }
    auto message = socket.receive();
    if (!message || !*message) break;
    if ((*message)->empty() || static_cast<unsigned char>((**message)[0]) > 1) continue;
    const int channel = (**message)[0];
    const std::string_view data = std::string_view(**message).substr(1);
    if (!skipped[channel]) {
      skipped[channel] = true;
      continue;
    }
    if (channel == 1) {
      complaint += data;
    } else if (!write_all(connection, data)) {
      break;
    }
  }
  socket.close();
  return complaint;
}

// Until Ctrl-C ends the process, connections and all.
[[noreturn]] void serve(Session& session, const Found& pod, const std::vector<Forward>& forwards) {
  // Output comes from many connections.
  std::mutex printing;
  std::vector<pollfd> listeners;
  for (const Forward& one : forwards) listeners.push_back({one.listener, POLLIN, 0});
  for (;;) {
    if (poll(listeners.data(), listeners.size(), -1) <= 0) continue;
    for (std::size_t i = 0; i < listeners.size(); ++i) {
      if (!(listeners[i].revents & POLLIN)) continue;
      const int accepted = accept4(listeners[i].fd, nullptr, nullptr, SOCK_CLOEXEC);
      if (accepted < 0) continue;
      const Forward forward = forwards[i];
      {
        const std::lock_guard lock(printing);
        session.io.out(fmt::format("Handling connection for {}\n", forward.local));
      }
      std::thread([&session, &printing, pod, forward, accepted] {
        const Descriptor connection(accepted);
        auto socket =
            session.api.connect(pod.path("portforward") + fmt::format("?ports={}", forward.remote),
                                "v4.channel.k8s.io");
        const std::string wrong = socket ? carry(**socket, accepted) : socket.error().message;
        if (wrong.empty()) return;
        const std::lock_guard lock(printing);
        session.io.err(fmt::format("error forwarding port {} to pod {}: {}\n", forward.remote,
                                   pod.name, wrong));
      }).detach();
    }
  }
}

Status port_forward(Session& session) {
  const auto& args = session.flags.args();
  if (args.size() < 2)
    return usage_error("TYPE/NAME and list of ports are required for port-forward");
  auto pods = pods_of(session, args[0]);
  if (!pods) return pods.error();
  const Found& pod = pods->front();
  if (text_at(pod.object, "status.phase") != "Running") {
    return usage_error(
        fmt::format("unable to forward port because pod is not running. Current status={}",
                    text_at(pod.object, "status.phase")));
  }
  Json service;
  if (args[0].find('/') != std::string::npos) {
    auto object = fetch_one(session, {args[0]});
    if (!object) return object.error();
    service = object->object;
  }
  std::vector<Forward> forwards;
  for (std::size_t i = 1; i < args.size(); ++i) {
    auto forward = parse_ports(args[i], pod.object, service);
    if (!forward) return forward.error();
    const std::string address = session.flags.get("address", "127.0.0.1");
    if (auto ok = listen_at(*forward, address); !ok) return ok;
    session.io.out(
        fmt::format("Forwarding from {}:{} -> {}\n", address, forward->local, forward->remote));
    forwards.push_back(*forward);
  }
  serve(session, pod, forwards);
}

}  // namespace

std::vector<Verb> port_forward_verbs() {
  return {{"port-forward",
           "POD | TYPE/NAME [LOCAL:]REMOTE...",
           "let ports of this machine lead to a pod",
           {{"address", "IP", "to listen on (127.0.0.1)"}},
           port_forward,
           "  keelson port-forward deploy/kel 8080:80\n"}};
}

}  // namespace keelson::cli
