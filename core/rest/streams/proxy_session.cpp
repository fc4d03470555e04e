#include "core/rest/streams/proxy_session.hpp"

#include "core/rest/streams/answers.hpp"
#include "core/rest/streams/query.hpp"

namespace keelson::rest {

namespace {

// Of the connection to us alone, or a proof of identity that pods must not see.
bool kept_back(std::string_view name) {
  for (const char* other : {"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "TE",
                            "Trailer", "Upgrade", "Content-Length", "Host", "Authorization", "Expect"}) {
    if (same_word(name, other)) return true;
  }
  return name.size() >= 12 && same_word(name.substr(0, 12), "Impersonate-");
}

}  // namespace

ProxySession::ProxySession(Keeper& keeper, HttpRequest request, std::string host, std::string target)
    : keeper_(keeper),
      request_(std::move(request)),
      host_(std::move(host)),
      target_(std::move(target)),
      reader_(request_.method == "HEAD") {}

void ProxySession::begin(const Connect& connect, ExchangePtr exchange) {
  exchange_ = std::move(exchange);
  keeper_.keep(shared_from_this());
  exchange_->on_gone([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->stream_.reset();
    self->exchange_.reset();
    self->keeper_.release(self.get());
  });
  stream_ = connect(*this);
}

void ProxySession::on_open() {
  std::string head = request_.method + " " + target_ + " HTTP/1.1\r\nHost: " + host_ + "\r\n";
  for (const Header& header : request_.headers) {
    if (!kept_back(header.name)) head += header.name + ": " + header.value + "\r\n";
  }
  if (!request_.body.empty()) {
    head += "Content-Length: " + std::to_string(request_.body.size()) + "\r\n";
  }
  stream_->send(head + "Connection: close\r\n\r\n" + std::exchange(request_.body, {}));
}

void ProxySession::on_bytes(std::string_view data) {
  const auto self = shared_from_this();
  if (!exchange_) return;
  std::string body;
  if (const Status read = reader_.feed(data, body); !read.ok()) return fail(read.message());
  if (!reader_.head_done()) return;
  if (!begun_) {
    begun_ = true;
    exchange_->on_drained([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self && self->stream_) self->stream_->pause(false);
    });
    exchange_->begin(reader_.status(), reader_.headers());
  }
  if (!body.empty()) {
    exchange_->write({std::make_shared<const std::string>(std::move(body))});
    if (exchange_ && stream_ && exchange_->blocked()) stream_->pause(true);
  }
  if (reader_.done()) finish();
}

void ProxySession::on_end(Status why) {
  const auto self = shared_from_this();
  if (!exchange_) return;
  if (!why.ok()) return fail(why.message());
  if (const Status end = reader_.end(); !end.ok()) return fail(end.message());
  finish();
}

void ProxySession::fail(const std::string& why) {
  stream_.reset();
  const ExchangePtr exchange = std::move(exchange_);
  if (begun_) {
    exchange->finish();  // too late to say anything
  } else {
    answer_error(*exchange, api::service_unavailable("error trying to reach service: " + why));
  }
  keeper_.release(this);
}

void ProxySession::finish() {
  stream_.reset();
  std::move(exchange_)->finish();
  exchange_.reset();
  keeper_.release(this);
}

}  // namespace keelson::rest
