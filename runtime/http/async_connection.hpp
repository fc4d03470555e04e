// One connection of the asynchronous client: made, used for one request after the other, closed.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/loop.hpp"
#include "runtime/http/answer_parser.hpp"
#include "runtime/http/dial.hpp"
#include "runtime/http/tls.hpp"
#include "runtime/loop/asio_loop.hpp"

namespace keelson::http {

class AsyncConnection : public std::enable_shared_from_this<AsyncConnection> {
 public:
  struct Target {
    ServerUrl url;
    TlsContext tls;
    std::string tls_name;  // empty: the URL's host
  };
  // `done` says how an exchange ended; with success the connection may be used again if reusable().
  struct Exchange {
    std::string text;  // what is sent
    bool bodiless = false;
    Duration patience{};
    Client::OnHead on_head;
    Client::OnData on_data;
    std::function<void(Status)> done;
  };

  AsyncConnection(runtime::AsioLoop& loop, Target target);
  ~AsyncConnection();

  void connect(Duration patience, std::function<void(Status)> done);
  // REQUIRES: connected, no exchange under way.
  void exchange(Exchange exchange);
  // Nobody uses it now: `on_closed` is called when the server ends it, or after that time.
  void idle(Duration patience, std::function<void()> on_closed);
  // Nothing is called after this.
  void close();

  bool reusable() const { return fd_ >= 0 && reusable_; }
  const Target& target() const { return target_; }
  // Whether the present exchange has got any byte of its answer.
  bool got_bytes() const { return got_bytes_; }

 private:
  enum class Phase { none, connecting, shaking_hands, sending, receiving, idle };

  void try_next_address();
  void on_connected();
  void go();  // does what can be done in this phase
  void shake_hands();
  void send();
  void receive();
  void wait(bool for_write);
  void fail(Code code, std::string why);
  void end(Status status);
  void close_socket();

  runtime::AsioLoop& loop_;
  Target target_;
  Phase phase_ = Phase::none;
  boost::asio::ip::tcp::resolver resolver_;
  std::vector<boost::asio::ip::tcp::endpoint> addresses_;
  std::size_t next_address_ = 0;
  std::string last_failure_;
  int fd_ = -1;
  boost::asio::posix::stream_descriptor descriptor_;
  Transport transport_;
  Timer patience_timer_;
  std::function<void(Status)> done_;
  Exchange exchange_;
  std::size_t sent_ = 0;
  std::unique_ptr<AnswerParser> parser_;
  std::string received_;
  bool got_bytes_ = false, reusable_ = false;
  uint64_t turn_ = 0;  // handlers of an earlier wait are void
};

}  // namespace keelson::http
