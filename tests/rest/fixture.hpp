// The HTTP front over an API server in memory: requests as a client's bytes would have brought them.
#pragma once

#include <boost/json.hpp>

#include "core/rest/front.hpp"
#include "tests/apiserver/fixture.hpp"

namespace keelson::test {

// What a client got.
class FakeExchange final : public rest::Exchange {
 public:
  void respond(rest::HttpResponse response) override {
    EXPECT_EQ(status, 0) << "answered twice";
    status = response.status;
    headers = std::move(response.headers);
    body = text_of(response.body);
    finished = true;
  }
  void begin(int code, std::vector<rest::Header> head) override {
    EXPECT_EQ(status, 0) << "answered twice";
    status = code;
    headers = std::move(head);
  }
  void write(std::vector<rest::Bytes> pieces) override {
    EXPECT_FALSE(finished);
    for (const rest::Bytes& piece : pieces) body += *piece;
  }
  void finish() override { finished = true; }
  bool blocked() const override { return is_blocked; }
  void on_drained(Callback<void()> drained) override { drained_ = std::move(drained); }
  void upgrade(rest::Upgrade to, std::shared_ptr<rest::PipeUser> user) override {
    status = 101;
    upgraded = std::move(to);
    pipe_user = std::move(user);
  }
  void on_gone(Callback<void()> gone) override { gone_ = std::move(gone); }

  void leave() {
    if (gone_) std::exchange(gone_, nullptr)();
  }
  void drain() {
    is_blocked = false;
    if (drained_) drained_();
  }
  std::string header(std::string_view name) const {
    for (const rest::Header& h : headers) {
      if (h.name == name) return h.value;
    }
    return {};
  }
  boost::json::value json() const {
    boost::system::error_code failure;
    boost::json::value value = boost::json::parse(body, failure);
    EXPECT_FALSE(failure) << body;
    return value;
  }
  std::string message() const {
    const boost::json::value value = json();
    return value.is_object() && value.as_object().contains("message")
               ? std::string(value.at("message").as_string())
               : std::string();
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    std::size_t at = 0;
    while (at < body.size()) {
      const std::size_t end = std::min(body.find('\n', at), body.size());
      out.push_back(body.substr(at, end - at));
      at = end + 1;
    }
    return out;
  }

  int status = 0;
  std::vector<rest::Header> headers;
  std::string body;
  bool finished = false;
  bool is_blocked = false;
  std::optional<rest::Upgrade> upgraded;
  std::shared_ptr<rest::PipeUser> pipe_user;

 private:
  static std::string text_of(const rest::Body& body) {
    if (const auto* text = std::get_if<std::string>(&body)) return *text;
    if (const auto* shared = std::get_if<rest::Bytes>(&body)) return **shared;
    return std::get<std::function<std::string()>>(body)();
  }
  Callback<void()> drained_, gone_;
};

class FrontTest : public ApiServerTest {
 protected:
  FrontTest() { renew_front(); }

  void renew_front(rest::FrontOptions options = {}) {
    front = std::make_unique<rest::Front>(*server, loop, log, nullptr, nullptr, options);
  }
  std::shared_ptr<FakeExchange> open(const std::string& method, const std::string& target,
                                     std::string body = {}, std::vector<rest::Header> headers = {}) {
    rest::HttpRequest request;
    request.method = method;
    request.target = target;
    request.headers = std::move(headers);
    request.headers.push_back({"User-Agent", "golden/1"});
    request.body = std::move(body);
    request.peer.user = auth::UserInfo{"admin", "", {auth::kMasters}, {}};
    auto exchange = std::make_shared<FakeExchange>();
    front->handle(std::move(request), exchange);
    loop.settle();
    return exchange;
  }
  std::shared_ptr<FakeExchange> send(const std::string& method, const std::string& target,
                                     std::string body = {}, std::vector<rest::Header> headers = {}) {
    auto exchange = open(method, target, std::move(body), std::move(headers));
    for (int i = 0; i < 40 && !exchange->finished; ++i) loop.run_for(500ms);
    EXPECT_TRUE(exchange->finished) << "not answered: " << method << " " << target;
    return exchange;
  }
  std::shared_ptr<FakeExchange> get(const std::string& target, const std::string& accept = {}) {
    return send("GET", target, {}, accept.empty() ? std::vector<rest::Header>{}
                                                  : std::vector<rest::Header>{{"Accept", accept}});
  }

  std::unique_ptr<rest::Front> front;
};

}  // namespace keelson::test
