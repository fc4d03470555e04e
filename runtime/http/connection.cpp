#include "runtime/http/connection.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <iterator>
#include <utility>

#include "runtime/http/response.hpp"
#include "runtime/http/shard.hpp"

namespace keelson::http {
namespace asio = boost::asio;

namespace {

// How long a connection that has said its last word waits for the other side's.
constexpr auto kLinger = std::chrono::seconds(2);
// Reads of one connection in a row, before others get their turn.
constexpr int kReadsPerTurn = 4;

Connection::Time clock_now() { return std::chrono::steady_clock::now(); }

}  // namespace

Connection::Connection(Shard& shard, int fd, SslPtr ssl, std::string peer)
    : shard_(shard),
      socket_(shard.context(), fd),
      transport_(fd, std::move(ssl)),
      peer_(std::move(peer)),
      phase_(transport_.secure() ? Phase::handshake : Phase::idle) {}

Connection::~Connection() = default;

void Connection::start() {
  const ServerLimits& limits = shard_.shared().options.limits;
  deadline_ = clock_now() + (phase_ == Phase::handshake ? limits.handshake : limits.header_read);
  arm_read();
}

void Connection::to_core(Work work) { shard_.to_core(std::move(work)); }

// ---- reading

bool Connection::wants_bytes() const {
  const ServerLimits& limits = shard_.shared().options.limits;
  if (input_ended_) return false;
  switch (phase_) {
    case Phase::handshake:
    case Phase::head:
    case Phase::body:
    case Phase::lingering: return true;
    case Phase::idle: return out_.empty();  // no further request while an answer is still going out
    case Phase::waiting:
    case Phase::streaming: return input_.size() < limits.pipelined_bytes;
    case Phase::raw:
    case Phase::websocket: return !reading_paused_ && lane_->unread < limits.unread_bytes;
    case Phase::closing:
    case Phase::dead: return false;
  }
  return false;
}

void Connection::arm_read() {
  if (read_armed_ || phase_ == Phase::dead || (!wants_bytes() && !write_wants_read_)) return;
  read_armed_ = true;
  socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->read_armed_ = false;
                       if (!error) self->on_readable();
                     });
}

void Connection::on_readable() {
  if (std::exchange(write_wants_read_, false)) flush();
  if (phase_ == Phase::handshake) handshake();
  read_some();
}

void Connection::handshake() {
  switch (transport_.handshake().what) {
    case Io::done: break;
    case Io::want_read: return arm_read();
    case Io::want_write:
      read_wants_write_ = true;
      return flush();
    case Io::closed:
    case Io::failed:
      ++shard_.shared().count.failed_handshakes;
      return drop();
  }
  PeerCertificate certificate = peer_certificate(transport_.ssl());
  bad_certificate_ = certificate.rejected;
  user_ = std::move(certificate.user);
  phase_ = Phase::idle;
  deadline_ = clock_now() + shard_.shared().options.limits.header_read;
}

void Connection::read_some() {
  if (phase_ == Phase::handshake) return;
  std::string& scratch = shard_.scratch();
  for (int reads = 0; wants_bytes(); ++reads) {
    if (reads == kReadsPerTurn) {
      // TLS may hold bytes that the socket will not announce again.
      read_armed_ = true;
      return asio::post(shard_.context(), [self = shared_from_this()] {
        self->read_armed_ = false;
        self->read_some();
      });
    }
    const IoResult result = transport_.read(scratch.data(), scratch.size());
    if (result.what == Io::want_read) break;
    if (result.what == Io::want_write) {
      read_wants_write_ = true;
      return flush();
    }
    if (result.what == Io::closed) return on_end_of_input();
    if (result.what == Io::failed) return drop();
    shard_.shared().count.bytes_received.fetch_add(result.bytes, std::memory_order_relaxed);
    take(std::string_view(scratch).substr(0, result.bytes));
    if (!transport_.secure() && result.bytes < scratch.size()) break;  // nothing is left
  }
  arm_read();
}

void Connection::take(std::string_view data) {
  switch (phase_) {
    case Phase::idle:
    case Phase::head:
    case Phase::body: return parse(data);
    case Phase::waiting:
    case Phase::streaming: input_.append(data); return;
    case Phase::raw: return deliver(std::string(data));
    case Phase::websocket: {
      last_received_ = clock_now();
      pinged_ = false;
      if (const uint16_t error = websocket_->put(data, *this)) pipe_close(error);
      return;
    }
    case Phase::handshake:
    case Phase::closing:
    case Phase::lingering:
    case Phase::dead: return;
  }
}

void Connection::on_end_of_input() {
  input_ended_ = true;
  // A client may end its direction after the request; it still gets a ready answer. A stream or a
  // pipe has nobody to go on for.
  if (phase_ != Phase::waiting) drop();
}

// ---- requests

void Connection::parse(std::string_view data) {
  std::string held;
  if (!input_.empty()) {
    held = std::exchange(input_, {});
    held.append(data);
    data = held;
  }
  while (!data.empty() && (phase_ == Phase::idle || phase_ == Phase::head || phase_ == Phase::body)) {
    if (phase_ == Phase::idle && !out_.empty()) break;
    const std::size_t used = parse_one(data);
    data.remove_prefix(used);
    if (used == 0) break;
  }
  if (phase_ == Phase::dead || phase_ == Phase::closing || phase_ == Phase::lingering) return;
  input_.assign(data);
}

std::size_t Connection::parse_one(std::string_view data) {
  const ServerLimits& limits = shard_.shared().options.limits;
  if (!parser_) {
    parser_ = std::make_unique<RequestParser>(
        RequestLimits{limits.header_bytes, limits.headers, limits.body_bytes});
  }
  const std::size_t used = parser_->put(data);
  if (phase_ == Phase::idle && parser_->started()) {
    phase_ = Phase::head;
    running_ = {};
    running_.since = clock_now();
    deadline_ = running_.since + limits.header_read;
  }
  if (parser_->state() == RequestParser::State::bad) {
    auto& count = shard_.shared().count;
    const int status = parser_->status();
    ++(status == 413 ? count.refused_bodies
                     : status == 431 ? count.refused_headers : count.bad_requests);
    refuse(status, parser_->why());
    return used;
  }
  if (phase_ == Phase::head && parser_->state() != RequestParser::State::head) head_done();
  if (phase_ == Phase::body && !hold_body()) {
    ++shard_.shared().count.waiting_bodies;
    refuse(429, "too many large requests are under way, please try again later");
    return used;
  }
  if (phase_ == Phase::body && parser_->state() == RequestParser::State::done) {
    request_done();
  } else if (phase_ == Phase::body && parser_->head().expect_continue &&
             parser_->body_bytes() == 0 && used == data.size() && body_since_ == Time{}) {
    send("HTTP/1.1 100 Continue\r\n\r\n");
  }
  if (phase_ == Phase::body && body_since_ == Time{}) body_since_ = clock_now();
  return used;
}

// False: all connections together have too many bodies.
bool Connection::hold_body() {
  SharedState& shared = shard_.shared();
  const ServerLimits& limits = shared.options.limits;
  if (!body_) body_ = std::make_unique<BudgetShare>(shared.bodies);
  return body_->grow_to(parser_->body_bytes(), limits.small_body_bytes, limits.bodies_bytes);
}

void Connection::head_done() {
  const RequestHead& head = parser_->head();
  phase_ = Phase::body;
  body_since_ = {};
  deadline_ = Time::max();  // check() computes the body's
  keep_alive_ = head.keep_alive;
  http_1_0_ = head.http_1_0;
  is_head_ = head.method == "HEAD";
  gzip_ok_ = accepts_gzip(head.header("Accept-Encoding"));
  running_.id = request_id(head);
  if (shard_.shared().access_log.enabled()) {
    running_.method = head.method;
    running_.target = head.target;
    running_.agent = head.header("User-Agent");
  }
  // Kubernetes tries a token next, and refuses if there is none.
  if (bad_certificate_ && head.header("Authorization").empty()) {
    ++shard_.shared().count.bad_certificates;
    refuse(401, "Unauthorized");
  }
}

std::string Connection::request_id(const RequestHead& head) {
  for (const std::string_view name : {"X-Request-Id", "Audit-Id"}) {
    const std::string_view theirs = head.header(name);
    const bool usable =
        !theirs.empty() && theirs.size() <= 64 && std::ranges::all_of(theirs, [](unsigned char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '_' || c == '.';
        });
    if (usable) return std::string(theirs);
  }
  static constexpr char kHex[] = "0123456789abcdef";
  const uint64_t words[2] = {shard_.rng().next(), shard_.rng().next()};
  std::string id;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) id += '-';
    id += kHex[words[i / 16] >> (i % 16 * 4) & 15];
  }
  id[14] = '4';  // a random UUID, as its readers expect one
  id[19] = kHex[8 | (words[1] >> 60 & 3)];
  return id;
}

void Connection::note_upgrade(const RequestHead& head) {
  if (head.http_1_0 || !has_token(head.header("Connection"), "upgrade")) return;
  lane_->upgradable = !head.header("Upgrade").empty();
  if (!has_token(head.header("Upgrade"), "websocket") || head.method != "GET" ||
      head.header("Sec-WebSocket-Version") != "13") {
    return;
  }
  const std::string_view key = head.header("Sec-WebSocket-Key");
  if (!websocket_key_valid(key)) return;
  lane_->websocket = true;
  running_.websocket_key = key;
}

void Connection::request_done() {
  SharedState& shared = shard_.shared();
  shared.count.requests.fetch_add(1, std::memory_order_relaxed);
  lane_ = std::make_shared<Lane>(shard_.to_io(), shared.options.limits);
  lane_->connection = this;
  lane_->wants_user = shared.access_log.enabled();
  running_.user = user_ ? user_->name : std::string();
  lane_->body = std::move(body_);
  note_upgrade(parser_->head());

  rest::HttpRequest request;
  RequestHead head = parser_->take_head();
  request.method = std::move(head.method);
  request.target = std::move(head.target);
  request.headers = std::move(head.headers);
  request.body = parser_->take_body();
  request.peer = {peer_, transport_.secure(), user_};
  request.id = running_.id;
  parser_.reset();
  phase_ = Phase::waiting;
  deadline_ = Time::max();
  to_core([handler = shared.handler, lane = lane_, request = std::move(request)]() mutable {
    handler->handle(std::move(request), std::make_shared<LaneExchange>(std::move(lane)));
  });
}

void Connection::refuse(int status, std::string_view message) {
  const std::string body = failure_status(status, message);
  parser_.reset();  // the message may be its own
  body_.reset();
  keep_alive_ = false;
  std::vector<rest::Header> headers = {{"Content-Type", "application/json"}};
  if (status == 429) headers.push_back({"Retry-After", "1"});
  out_.push(head_of(status, headers, body.size(), false, false));
  if (!is_head_) out_.push(body);
  running_.status = status;
  running_.bytes = body.size();
  detach_lane(true);
  end_request();
}

// ---- answers

std::string Connection::head_of(int status, const std::vector<rest::Header>& headers,
                                std::optional<uint64_t> length, bool chunked, bool compressed) {
  if (draining_ || input_ended_) keep_alive_ = false;
  ResponseHead head;
  head.status = status;
  head.headers = &headers;
  head.content_length = length;
  head.chunked = chunked;
  head.gzip = compressed;
  head.close = !keep_alive_;
  head.keep_alive_1_0 = keep_alive_ && http_1_0_;
  head.date = shard_.date();
  head.id = running_.id;
  return response_head(head);
}

bool Connection::bodiless(int status) const {
  return is_head_ || status == 204 || status == 304 || status < 200;
}

void Connection::answer(rest::HttpResponse response) {
  if (phase_ != Phase::waiting) return;
  std::optional<std::size_t> gzip_above;
  if (gzip_ok_) gzip_above = shard_.shared().options.gzip_bytes;
  if (response.laborious) {
    Callback<Work()> work = [lane = lane_, gzip_above, response = std::move(response)]() mutable {
      const bool compressed = finish_body(response, gzip_above);
      return Work([lane = std::move(lane), response = std::move(response), compressed]() mutable {
        if (lane->connection) lane->connection->answer_finished(std::move(response), compressed);
      });
    };
    return shard_.labour(std::move(work));
  }
  const bool compressed = finish_body(response, gzip_above);
  answer_finished(std::move(response), compressed);
}

void Connection::answer_finished(rest::HttpResponse response, bool compressed) {
  if (phase_ != Phase::waiting) return;
  const bool has_length = response.status >= 200 && response.status != 204 && response.status != 304;
  const std::size_t size = body_text(response).size();
  if (std::holds_alternative<std::string>(response.body) && !hold_answer(size)) {
    ++shard_.shared().count.refused_answers;
    return refuse(429, "too many large answers are not read, please try again later");
  }
  out_.push(head_of(response.status, response.headers,
                    has_length ? std::optional<uint64_t>(size) : std::nullopt, false, compressed));
  if (!bodiless(response.status)) {
    if (const auto* bytes = std::get_if<rest::Bytes>(&response.body)) {
      out_.push(*bytes);
    } else {
      // Other bodies are shared, so that many who read them slowly cost no more than one.
      out_.push(std::get<std::string>(std::move(response.body)));
    }
    running_.bytes = size;
  }
  running_.status = response.status;
  end_request();
}

// False: all connections together have too much that nobody takes.
bool Connection::hold_answer(std::size_t bytes) {
  SharedState& shared = shard_.shared();
  const ServerLimits& limits = shared.options.limits;
  answer_.emplace(shared.unsent_answers);
  if (answer_->grow_to(bytes, limits.unsent_bytes, limits.unsent_answers_bytes)) return true;
  answer_.reset();
  return false;
}

void Connection::begin_stream(int status, const std::vector<rest::Header>& headers) {
  if (phase_ != Phase::waiting) return;
  auto& count = shard_.shared().count;
  if (input_ended_) return drop();
  if (++count.streams > shard_.shared().options.limits.streams) {
    --count.streams;
    ++count.refused_streams;
    return refuse(429, "too many open streams, please try again later");
  }
  counted_stream_ = true;
  chunked_ = !http_1_0_ && !bodiless(status);
  if (http_1_0_) keep_alive_ = false;  // the end of the connection is the end of the body
  phase_ = Phase::streaming;
  running_.status = status;
  send(head_of(status, headers, std::nullopt, chunked_, false));
  if (draining_ && phase_ == Phase::streaming) drain();
}

void Connection::stream(std::vector<rest::Bytes> pieces, std::size_t bytes) {
  if (phase_ != Phase::streaming) return;
  if (is_head_ || bodiless(running_.status)) {
    if (lane_->sent(bytes)) to_core([lane = lane_] { lane->drained(); });
    return;
  }
  if (out_.bytes() + bytes > shard_.shared().options.limits.unsent_bytes_max) {
    ++shard_.shared().count.slow_readers;
    return drop();
  }
  if (out_.empty()) last_sent_ = clock_now();
  if (chunked_) out_.push(chunk_head(bytes));
  for (rest::Bytes& piece : pieces) {
    const std::size_t size = piece->size();
    out_.push(std::move(piece), size);
  }
  if (chunked_) out_.push("\r\n");
  running_.bytes += bytes;
  if (!std::exchange(unflushed_, true)) shard_.flush_soon(shared_from_this());
}

void Connection::flush_stream() {
  unflushed_ = false;
  flush();
}

void Connection::finish_stream() {
  if (phase_ != Phase::streaming) return;
  if (chunked_) out_.push(std::string(kLastChunk));
  end_request();
}

void Connection::abandon() {
  if (phase_ == Phase::streaming) return drop();
  if (phase_ == Phase::waiting) {
    answer({500, {{"Content-Type", "application/json"}},
            failure_status(500, "the request was given up by the server")});
  }
}

void Connection::end_request() {
  write_access_log();
  end_stream_count();
  detach_lane(false);
  if (!keep_alive_) return close_after_sending();
  phase_ = Phase::idle;
  deadline_ = clock_now() + shard_.shared().options.limits.idle;
  last_sent_ = clock_now();
  if (input_.empty()) std::string().swap(input_);
  flush();
}

void Connection::end_stream_count() {
  if (std::exchange(counted_stream_, false)) --shard_.shared().count.streams;
}

void Connection::write_access_log() {
  const AccessLog& log = shard_.shared().access_log;
  if (!log.enabled() || running_.status == 0) return;
  AccessEntry entry;
  entry.method = running_.method;
  entry.target = running_.target;
  entry.user = running_.user;
  entry.agent = running_.agent;
  entry.id = running_.id;
  entry.peer = peer_;
  entry.status = running_.status;
  entry.bytes = running_.bytes;
  entry.took = std::chrono::duration_cast<Duration>(clock_now() - running_.since);
  log.write(entry);
}

// ---- writing

void Connection::send(std::string bytes, std::size_t credit) {
  if (phase_ == Phase::dead) return;
  if (out_.empty()) last_sent_ = clock_now();
  out_.push(std::move(bytes), credit);
  flush();
}

void Connection::flush() {
  if (phase_ == Phase::dead || write_armed_) return;
  bool must_wait = std::exchange(read_wants_write_, false);
  std::string_view pieces[64];
  while (!must_wait && !out_.empty()) {
    const std::size_t count = out_.front(pieces, std::size(pieces));
    const IoResult result = transport_.write({pieces, count});
    if (result.what == Io::want_write) {
      must_wait = true;
    } else if (result.what == Io::want_read) {
      write_wants_read_ = true;
      return arm_read();
    } else if (result.what != Io::done) {
      return drop();
    } else {
      shard_.shared().count.bytes_sent.fetch_add(result.bytes, std::memory_order_relaxed);
      last_sent_ = clock_now();
      const std::size_t credit = out_.pop(result.bytes);
      if (credit > 0 && lane_ && lane_->sent(credit)) to_core([lane = lane_] { lane->drained(); });
    }
  }
  if (!must_wait) return all_sent();
  write_armed_ = true;
  socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->write_armed_ = false;
                       if (error || self->phase_ == Phase::dead) return;
                       self->flush();
                       self->on_readable();  // TLS may have waited for this to read
                     });
}

void Connection::all_sent() {
  answer_.reset();
  if (phase_ == Phase::closing) {
    if (lane_) leave_pipe();
    transport_.shutdown();
    phase_ = Phase::lingering;
    deadline_ = clock_now() + kLinger;
    if (input_ended_) return drop();
  } else if (phase_ == Phase::idle && !parsing_ && !input_.empty()) {
    // The next of several pipelined requests; not from within itself, they may be many.
    parsing_ = true;
    asio::post(shard_.context(), [self = shared_from_this()] {
      self->parsing_ = false;
      if (self->phase_ == Phase::idle) self->parse({});
      self->arm_read();
    });
  }
  arm_read();
}

void Connection::close_after_sending() {
  if (phase_ == Phase::dead) return;
  phase_ = Phase::closing;
  deadline_ = Time::max();
  last_sent_ = clock_now();
  input_ = {};
  flush();
}

// ---- ends

void Connection::detach_lane(bool tell) {
  if (!lane_) return;
  const LanePtr lane = std::exchange(lane_, nullptr);
  lane->connection = nullptr;
  if (tell) to_core([lane] { lane->gone(); });
}

void Connection::drop() {
  if (phase_ == Phase::dead) return;
  auto& count = shard_.shared().count;
  if (lane_) {
    ++count.gone;
    write_access_log();
  }
  end_stream_count();
  detach_lane(true);
  phase_ = Phase::dead;
  out_.clear();
  answer_.reset();
  parser_.reset();
  body_.reset();
  if (transport_.secure()) transport_.shutdown();
  boost::system::error_code ignored;
  socket_.close(ignored);
  // Whoever called this may still be inside.
  asio::post(shard_.context(), [self = shared_from_this()] {});
  shard_.remove(*this);
}

void Connection::drain() {
  draining_ = true;
  switch (phase_) {
    case Phase::handshake: return drop();
    case Phase::idle: return close_after_sending();
    case Phase::streaming:
      keep_alive_ = false;
      detach_lane(true);
      return finish_stream();
    default: return;
  }
}

void Connection::check(Time now) {
  SharedState& shared = shard_.shared();
  const ServerLimits& limits = shared.options.limits;
  if (!out_.empty() && now - last_sent_ > limits.write_stall) {
    ++shared.count.slow_readers;
    return drop();
  }
  if (phase_ == Phase::websocket) return check_websocket(now);
  Time deadline = deadline_;
  if (phase_ == Phase::body) {
    const auto earned = std::chrono::nanoseconds(std::chrono::seconds(1)) *
                        static_cast<int64_t>(parser_->body_bytes() / limits.body_bytes_per_second);
    deadline = body_since_ + limits.body_read + earned;
  }
  if (now < deadline) return;
  switch (phase_) {
    case Phase::handshake: ++shared.count.failed_handshakes; return drop();
    case Phase::idle: ++shared.count.idle_closed; return close_after_sending();
    case Phase::head:
    case Phase::body:
      ++shared.count.slow_requests;
      return refuse(408, "the request did not arrive in time");
    default: return drop();
  }
}

}  // namespace keelson::http
