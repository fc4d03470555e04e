#include "tools/hosts/load.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tools/hosts/hosts.hpp"

namespace keelson::hosts {

namespace {

using Clock = std::chrono::steady_clock;

bool ready(int fd, short events, Clock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  pollfd waiting{fd, events, 0};
  return left > 0 && ::poll(&waiting, 1, static_cast<int>(left)) > 0;
}

// What went wrong; empty: a good answer.
std::string request(const sockaddr_in& to, std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::string("socket: ") + std::strerror(errno);
  const auto over = [fd](std::string why) {
    ::close(fd);
    return why;
  };
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    if (errno != EINPROGRESS) return over(std::string("connect: ") + std::strerror(errno));
    if (!ready(fd, POLLOUT, deadline)) return over("connect: no answer in time");
    int failed = 0;
    socklen_t size = sizeof failed;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed != 0) return over(std::string("connect: ") + std::strerror(failed));
  }
  constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: kel\r\nConnection: close\r\n\r\n";
  if (::send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(kRequest.size())) {
    return over(std::string("send: ") + std::strerror(errno));
  }
  std::string answer;
  for (;;) {
    if (!ready(fd, POLLIN, deadline)) return over("no answer in time");
    char buffer[4096];
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got < 0) return over(std::string("receive: ") + std::strerror(errno));
    if (got == 0) break;
    answer.append(buffer, static_cast<std::size_t>(got));
  }
  return over(answer.starts_with("HTTP/1.1 200") ? "" : "answered " + answer.substr(0, 60));
}

}  // namespace

Load::Load(const std::string& network, std::vector<std::string> urls,
           std::chrono::milliseconds patience, std::chrono::milliseconds pause)
    : patience_(patience), pause_(pause) {
  for (const std::string& url : urls) {
    clients_.emplace_back([this, network, url] { run(network, url); });
  }
}

Load::~Load() { stop(); }

Load::Tally Load::stop() {
  over_ = true;
  for (std::thread& client : clients_) client.join();
  clients_.clear();
  return tally_;
}

void Load::run(const std::string& network, const std::string& url) {
  const InNetwork there(network);
  const std::string place = url.substr(url.find("//") + 2);
  const std::size_t colon = place.find(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(place.substr(colon + 1))));
  ::inet_pton(AF_INET, place.substr(0, colon).c_str(), &to.sin_addr);
  auto last_good = Clock::now();
  while (!over_) {
    const auto begun = Clock::now();
    const std::string why = request(to, patience_);
    {
      const std::lock_guard lock(mutex_);
      if (why.empty()) {
        if (tally_.good++ == 0) tally_.first_good = begun;
        const auto gap = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - last_good);
        tally_.longest_gap = std::max(tally_.longest_gap, gap);
        last_good = Clock::now();
      } else {
        if (tally_.failed++ == 0) tally_.first_failure = url + ": " + why;
        if (tally_.failures.size() < 10'000) tally_.failures.push_back({begun, url, why});
      }
    }
    std::this_thread::sleep_for(pause_);
  }
}

}  // namespace keelson::hosts
