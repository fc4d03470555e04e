#include "runtime/cri/http_check.hpp"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <charconv>

#include "runtime/cri/utf8.hpp"
#include "runtime/loop/asio_loop.hpp"

namespace keelson::cri {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kHeadMax = 64 * 1024;
constexpr int kRedirectsMax = 10;  // as Go's client
constexpr int kInterimMax = 5;     // so too

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::string bracketed(const std::string& host) {
  return host.find(':') == host.npos ? host : "[" + host + "]";
}

std::string authority(const HttpCheck& check) {
  return bracketed(check.host) + ":" + std::to_string(check.port);
}

struct Head {
  int status = 0;  // 0: it is no HTTP
  std::string location;
  std::size_t length = std::string::npos;  // of the body; npos: until the end
};

Head parse_head(std::string_view text) {
  Head out;
  const std::string_view first = text.substr(0, text.find('\n'));
  const std::size_t space = first.find(' ');
  if (!first.starts_with("HTTP/1.") || space == first.npos) return out;
  std::from_chars(first.data() + space + 1, first.data() + first.size(), out.status);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t colon = line.find(':');
    if (colon == line.npos) continue;
    const std::string name = lower(line.substr(0, colon));
    const std::string_view value = trim(line.substr(colon + 1));
    if (name == "location") out.location = value;
    if (name == "content-length") {
      std::from_chars(value.data(), value.data() + value.size(), out.length);
    }
  }
  if (out.status == 204 || out.status == 304 || out.status < 200) out.length = 0;
  return out;
}

// Plain text in a header or a path that could be read as another line of the request.
std::string one_line(std::string text) {
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
  return text;
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(runtime::AsioLoop& loop, HttpCheck check, bool http, Done<agent::ProbeAnswer> done)
      : context_(loop.context()),
        check_(std::move(check)),
        http_(http),
        done_(std::move(done)),
        deadline_(context_),
        resolver_(context_),
        socket_(context_) {}

  void start() {
    deadline_.expires_after(check_.timeout);
    deadline_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->fail("context deadline exceeded (Client.Timeout exceeded)");
    });
    begin();
  }

 private:
  using TlsStream = asio::ssl::stream<tcp::socket&>;

  void begin() {
    stream_.reset();
    socket_ = tcp::socket(context_);
    read_.clear();
    interim_ = 0;
    error_code not_literal;
    const auto address = asio::ip::make_address(check_.host, not_literal);
    if (!not_literal) {
      const tcp::endpoint to(address, check_.port);
      socket_.async_connect(
          to, [self = shared_from_this()](error_code error) { self->on_connected(error); });
      return;
    }
    resolver_.async_resolve(
        check_.host, std::to_string(check_.port),
        [self = shared_from_this()](error_code error, tcp::resolver::results_type found) {
          if (error) return self->fail("dial tcp: lookup " + self->check_.host + ": no such host");
          asio::async_connect(
              self->socket_, found,
              [self](error_code failed, const tcp::endpoint&) { self->on_connected(failed); });
        });
  }

  void on_connected(error_code error) {
    if (error)
      return fail("dial tcp " + authority(check_) + ": connect: " + lower(error.message()));
    if (!http_) return succeed();
    if (!check_.tls) return send();
    if (!tls_) {
      tls_.emplace(asio::ssl::context::tls_client);
      tls_->set_verify_mode(asio::ssl::verify_none);
    }
    stream_.emplace(socket_, *tls_);
    error_code literal;
    asio::ip::make_address(check_.host, literal);
    if (literal) SSL_set_tlsext_host_name(stream_->native_handle(), check_.host.c_str());
    stream_->async_handshake(asio::ssl::stream_base::client,
                             [self = shared_from_this()](error_code failed) {
                               if (failed) return self->fail("tls: " + failed.message());
                               self->send();
                             });
  }

  void send() {
    std::string host = authority(check_), agent = "kube-probe/keelson", accept = "*/*", rest;
    if (check_.port == (check_.tls ? 443 : 80)) host = bracketed(check_.host);
    for (const auto& [name, value] : check_.headers) {
      const std::string key = lower(name);
      if (key == "host")
        host = value;
      else if (key == "user-agent")
        agent = value;
      else if (key == "accept")
        accept = value;
      else if (key != "connection")
        rest += one_line(name) + ": " + one_line(value) + "\r\n";
    }
    request_ = "GET " + one_line(check_.path) + " HTTP/1.1\r\nHost: " + one_line(host) + "\r\n";
    if (!agent.empty()) request_ += "User-Agent: " + one_line(agent) + "\r\n";
    if (!accept.empty()) request_ += "Accept: " + one_line(accept) + "\r\n";
    request_ += rest + "Connection: close\r\n\r\n";
    with_stream([this](auto& stream) {
      asio::async_write(stream, asio::buffer(request_),
                        [self = shared_from_this()](error_code error, std::size_t) {
                          if (error) return self->fail("write: " + error.message());
                          self->read_head();
                        });
    });
  }

  void read_head() {
    with_stream([this](auto& stream) {
      asio::async_read_until(
          stream, asio::dynamic_buffer(read_, kHeadMax), "\r\n\r\n",
          [self = shared_from_this()](error_code error, std::size_t size) {
            if (error) return self->fail(error == asio::error::eof ? "EOF" : error.message());
            self->on_head(size);
          });
    });
  }

  void on_head(std::size_t size) {
    head_ = parse_head(std::string_view(read_).substr(0, size));
    if (head_.status == 0) return fail("malformed HTTP response");
    // "Continue", "Early Hints": the answer itself follows. After 101 no HTTP does.
    if (head_.status >= 100 && head_.status < 200 && head_.status != 101) {
      if (++interim_ > kInterimMax) return fail("net/http: too many 1xx informational responses");
      read_.erase(0, size);
      return read_head();
    }
    const std::size_t have = read_.size() - size;
    const std::size_t wanted = std::min(head_.length, agent::probe_output_max);
    if (have >= wanted) return judge();
    // The body is read for the server's sake: one that is cut off may count that as an error.
    body_.resize(wanted - have);
    with_stream([this](auto& stream) {
      asio::async_read(stream, asio::buffer(body_),
                       [self = shared_from_this()](error_code, std::size_t) { self->judge(); });
    });
  }

  void judge() {
    if (!done_) return;
    if (head_.status >= 300 && head_.status < 400 && !head_.location.empty()) {
      HttpCheck next = check_;
      if (!follow_location(check_, head_.location, next)) {
        return fail("failed to parse Location header \"" + head_.location + "\"");
      }
      if (next.host != check_.host) return succeed();
      if (++redirects_ > kRedirectsMax) return fail("stopped after 10 redirects");
      check_ = std::move(next);
      close();
      return begin();
    }
    if (head_.status >= 200 && head_.status < 400) return succeed();
    finish({agent::ProbeResult::failure,
            fmt::format("HTTP probe failed with statuscode: {}", head_.status)});
  }

  template <class F>
  void with_stream(F f) {
    if (check_.tls)
      f(*stream_);
    else
      f(socket_);
  }

  void close() {
    error_code ignored;
    socket_.close(ignored);
  }
  void succeed() { finish({agent::ProbeResult::success, {}}); }
  void fail(const std::string& why) {
    std::string said = why;
    if (http_) {
      said = fmt::format("Get \"{}://{}{}\": {}", check_.tls ? "https" : "http", authority(check_),
                         check_.path, why);
    }
    finish({agent::ProbeResult::failure, to_utf8(std::move(said))});
  }
  void finish(agent::ProbeAnswer answer) {
    if (!done_) return;
    Done<agent::ProbeAnswer> done = std::move(done_);
    deadline_.cancel();
    resolver_.cancel();
    close();
    done(std::move(answer));
  }

  asio::io_context& context_;
  HttpCheck check_;
  bool http_;
  Done<agent::ProbeAnswer> done_;
  asio::steady_timer deadline_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  std::optional<asio::ssl::context> tls_;  // made when first needed: it is large
  std::optional<TlsStream> stream_;
  std::string request_, read_, body_;
  Head head_;
  int redirects_ = 0, interim_ = 0;
};

}  // namespace

bool follow_location(const HttpCheck& from, std::string_view location, HttpCheck& to) {
  to = from;
  std::string_view rest = location;
  bool absolute = true;
  if (rest.starts_with("http://")) {
    to.tls = false;
    rest.remove_prefix(7);
  } else if (rest.starts_with("https://")) {
    to.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("//")) {
    rest.remove_prefix(2);
  } else {
    absolute = false;
  }
  if (absolute) {
    const std::string_view where = rest.substr(0, rest.find_first_of("/?#"));
    rest.remove_prefix(where.size());
    std::string_view host = where.substr(where.rfind('@') == where.npos ? 0 : where.rfind('@') + 1);
    std::string_view port;
    if (host.starts_with('[')) {
      const std::size_t end = host.find(']');
      if (end == host.npos) return false;
      port = host.substr(end + 1);
      host = host.substr(1, end - 1);
    } else if (const std::size_t colon = host.find(':'); colon != host.npos) {
      port = host.substr(colon);
      host = host.substr(0, colon);
    }
    to.port = to.tls ? 443 : 80;
    if (port.size() > 1) {
      port.remove_prefix(1);
      const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), to.port);
      if (error != std::errc() || end != port.data() + port.size() || to.port == 0) return false;
    }
    if (host.empty()) return false;
    to.host = host;
    // A Host header of the probe's belongs to the first server only.
    std::erase_if(to.headers, [](const auto& header) { return lower(header.first) == "host"; });
  }
  rest = rest.substr(0, rest.find('#'));
  if (rest.empty()) {
    to.path = "/";
  } else if (rest.front() == '/') {
    to.path = rest;
  } else if (rest.front() == '?') {
    to.path = (absolute ? "/" : from.path.substr(0, from.path.find('?'))) + std::string(rest);
  } else {
    const std::string base = from.path.substr(0, from.path.find('?'));
    to.path = base.substr(0, base.rfind('/') + 1) + std::string(rest);
  }
  return true;
}

void check_http(runtime::AsioLoop& loop, HttpCheck check, Done<agent::ProbeAnswer> done) {
  std::make_shared<Session>(loop, std::move(check), true, std::move(done))->start();
}

void check_tcp(runtime::AsioLoop& loop, const std::string& host, uint16_t port, Duration timeout,
               Done<agent::ProbeAnswer> done) {
  HttpCheck check{.host = host, .port = port, .timeout = timeout};
  std::make_shared<Session>(loop, std::move(check), false, std::move(done))->start();
}

}  // namespace keelson::cri
