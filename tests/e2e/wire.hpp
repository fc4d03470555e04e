// Plain HTTP/1.1 over sockets that do what they are told, right or wrong: for clients that behave
// badly, and for those that must see every byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/e2e/cluster.hpp"

namespace keelson::e2e {

struct Answer {
  int status = 0;  // 0: no answer, or not all of one, until the connection ended or fell silent
  std::string head;
  std::string body;

  // The status and how the body begins: for messages of failed assertions.
  std::string brief() const;
};

// A blocking connection to a port of this host. Closed with its object.
class Wire {
 public:
  Wire() = default;
  // `receive_buffer`: bytes that the kernel may hold for it; 0: its default.
  explicit Wire(uint16_t port, int receive_buffer = 0);
  ~Wire();
  Wire(Wire&& other) noexcept;
  Wire& operator=(Wire&& other) noexcept;

  bool connected() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  // False: the other side does not take it any more.
  bool send(std::string_view data);
  // As far as the other side takes it without being waited for.
  void send_what_fits(std::string_view data);
  // Waits for more and adds it to `into`; false: the end, or half a minute of silence.
  bool receive(std::string& into);
  bool ended() const { return ended_; }  // receive() has seen the other side's end
  // The next answer, whole. What comes behind it stays for the next call.
  Answer read_answer();
  void end_output();
  void close();
  // With a reset instead of a proper end.
  void reset();

 private:
  std::optional<std::string> read_chunks();
  bool fill(std::size_t bytes);

  int fd_ = -1;
  bool ended_ = false;
  std::string got_;  // and not yet used
};

// A request with Host and, where there is a body, its length. `headers`: whole lines, each with its
// "\r\n".
std::string request(std::string_view method, std::string_view target, std::string_view body = {},
                    std::string_view headers = {});

inline constexpr std::string_view kJson = "Content-Type: application/json\r\n";
inline constexpr std::string_view kMergePatch = "Content-Type: application/merge-patch+json\r\n";

// A well-behaved client with one connection, which is made anew when it has ended.
class Requester {
 public:
  explicit Requester(uint16_t port) : port_(port), wire_(port) {}
  Answer ask(std::string_view method, std::string_view target, std::string_view body = {},
             std::string_view headers = kJson);

 private:
  uint16_t port_;
  Wire wire_;
};

// Where a cluster that was started with --insecure-port serves plain HTTP; 0: nowhere.
uint16_t plain_port(Cluster& cluster);

// Lets virtual time pass at once; it runs on afterwards. False: the server refused.
bool step_clock(Requester& requester, const std::string& by);

// As many open files as this process and those that it starts may have; the limit that holds now.
std::size_t raise_file_limit();

}  // namespace keelson::e2e
