// One connection, on its IO thread: reads requests, hands them to the core one after the other,
// writes the answers, and becomes a pipe when a request is upgraded.
//
// It owns no buffers while it waits: bytes are read into the thread's scratch space and kept only as
// far as they are a part of something.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/rest/http.hpp"
#include "runtime/http/lane.hpp"
#include "runtime/http/outbox.hpp"
#include "runtime/http/request_parser.hpp"
#include "runtime/http/transport.hpp"
#include "runtime/http/websocket.hpp"

namespace keelson::http {

class Shard;

class Connection final : public std::enable_shared_from_this<Connection>, private WebSocketSink {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Owns `fd`. `ssl` may be null: plain HTTP.
  Connection(Shard& shard, int fd, SslPtr ssl, std::string peer);
  ~Connection();

  void start();
  // Looks at the clock: what has taken too long is ended.
  void check(Time now);
  // No further request is taken; what runs may end, streams are ended now.
  void drain();
  // Drops it at once, whatever it is doing.
  void drop();

  // What the core wants, brought here by the lane.
  void name_user(std::string name) { running_.user = std::move(name); }
  void answer(rest::HttpResponse response);
  void answer_finished(rest::HttpResponse response, bool compressed);
  void begin_stream(int status, const std::vector<rest::Header>& headers);
  void stream(std::vector<rest::Bytes> pieces, std::size_t bytes);
  void flush_stream();
  void finish_stream();
  void abandon();
  void upgrade(const rest::Upgrade& upgrade);
  void pipe_send(std::string data);
  void pipe_close(uint16_t code);
  void pause_reading(bool paused);
  void resume_reading();

  std::size_t place = 0;  // in the shard's list; the shard's

 private:
  enum class Phase : uint8_t {
    handshake,  // TLS
    idle,       // between requests
    head,       // a part of a request's head has come
    body,       // of its body
    waiting,    // the core has the request
    streaming,  // and streams the answer
    raw,        // upgraded
    websocket,
    closing,    // the last bytes are going out
    lingering,  // they have gone: reads what still comes, so that a reset does not destroy them
    dead,
  };

  // reading
  void arm_read();
  void on_readable();
  void read_some();
  bool wants_bytes() const;
  void handshake();
  void take(std::string_view data);
  void on_end_of_input();
  // requests
  void parse(std::string_view data);
  std::size_t parse_one(std::string_view data);
  void head_done();
  void request_done();
  void note_upgrade(const RequestHead& head);
  void refuse(int status, std::string_view message);
  void end_request();
  std::string request_id(const RequestHead& head);
  // answers
  std::string head_of(int status, const std::vector<rest::Header>& headers,
                      std::optional<uint64_t> length, bool chunked, bool compressed);
  bool bodiless(int status) const;
  bool hold_body();
  bool hold_answer(std::size_t bytes);
  void write_access_log();
  void end_stream_count();
  // pipes (connection_pipe.cpp)
  void deliver(std::string data);
  void on_message(std::string message) override { deliver(std::move(message)); }
  void on_ping(std::string payload) override;
  void on_close(uint16_t code) override;
  void check_websocket(Time now);
  void leave_pipe();
  // writing
  void send(std::string bytes, std::size_t credit = 0);
  void flush();
  void all_sent();
  void close_after_sending();
  void detach_lane(bool tell);
  void to_core(Work work);

  Shard& shard_;
  boost::asio::posix::stream_descriptor socket_;
  Transport transport_;
  const std::string peer_;

  Phase phase_;
  bool read_armed_ = false;
  bool write_armed_ = false;
  bool write_wants_read_ = false;  // TLS
  bool read_wants_write_ = false;  // TLS
  bool input_ended_ = false;
  bool reading_paused_ = false;  // by the core
  bool keep_alive_ = false;
  bool draining_ = false;
  bool chunked_ = false;
  bool is_head_ = false;   // the method
  bool http_1_0_ = false;
  bool gzip_ok_ = false;
  bool bad_certificate_ = false;
  bool counted_stream_ = false;
  WsOp message_op_ = WsOp::binary;  // of what is sent after an upgrade to WebSocket
  bool parsing_ = false;
  bool unflushed_ = false;  // the shard will call flush_stream()
  bool pinged_ = false;

  Time deadline_ = Time::max();
  Time body_since_{};
  Time last_received_{};
  Time last_sent_{};  // or when something began to wait to be sent

  std::string input_;  // received, and not yet used
  Outbox out_;
  std::optional<BudgetShare> answer_;  // the answer in `out_`, as far as it counts for all connections
  std::unique_ptr<RequestParser> parser_;
  std::unique_ptr<BudgetShare> body_;  // of the request that `parser_` reads
  std::unique_ptr<WebSocketReader> websocket_;
  std::optional<auth::UserInfo> user_;  // of the client certificate
  LanePtr lane_;

  // What the access log says of the request at hand.
  struct Running {
    std::string id, websocket_key;
    std::string method, target, agent, user;
    Time since{};
    int status = 0;
    uint64_t bytes = 0;
  };
  Running running_;
};

}  // namespace keelson::http
