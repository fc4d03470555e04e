#include "core/rest/streams/log_session.hpp"

#include "core/api/json_text.hpp"
#include "core/rest/streams/answers.hpp"

namespace keelson::rest {

LogSession::LogSession(Keeper& keeper, std::optional<Upgrade> upgrade)
    : keeper_(keeper), upgrade_(std::move(upgrade)), base64_(upgrade_ && upgrade_->text) {}

void LogSession::begin(agent::ContainerStreams& node, agent::ContainerRef container,
                       agent::LogOptions options, ExchangePtr exchange) {
  exchange_ = std::move(exchange);
  keeper_.keep(shared_from_this());
  exchange_->on_gone([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->log_.reset();
    self->exchange_.reset();
    self->keeper_.release(self.get());
  });
  log_ = node.logs(std::move(container), options, *this);
}

void LogSession::on_open() {
  open_ = true;
  if (!exchange_) return;
  if (upgrade_) {
    log_->pause(true);  // until the pipe is there
    upgraded_ = true;
    const auto self = shared_from_this();
    const ExchangePtr exchange = std::move(exchange_);
    keeper_.release(this);
    exchange->upgrade(std::move(*upgrade_), self);
    return;
  }
  exchange_->on_drained([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && self->log_) self->log_->pause(false);
  });
  exchange_->begin(200, {{"Content-Type", "text/plain"}});
}

void LogSession::on_log(std::string_view text) {
  if (upgraded_) {
    if (pipe_ == nullptr) return;
    pipe_->send(base64_ ? api::encode_base64(text) : std::string(text));
    if (log_ && pipe_->blocked()) log_->pause(true);
    return;
  }
  if (!exchange_) return;
  exchange_->write({std::make_shared<const std::string>(text)});
  if (log_ && exchange_ && exchange_->blocked()) log_->pause(true);
}

void LogSession::on_log_end(Status why) {
  const auto self = shared_from_this();
  log_.reset();
  if (upgraded_) {
    if (pipe_ != nullptr) std::exchange(pipe_, nullptr)->close();
    return;
  }
  if (exchange_) {
    const ExchangePtr exchange = std::move(exchange_);
    if (open_) {
      exchange->finish();
    } else if (why.code() == Code::unavailable) {
      answer_unreachable(*exchange, why.message());
    } else if (why.code() == Code::invalid || why.code() == Code::not_found) {
      answer_error(*exchange, api::bad_request(why.message()));
    } else {
      answer_error(*exchange, api::internal_error(why.message()));
    }
  }
  keeper_.release(this);
}

void LogSession::on_open(Pipe& pipe) {
  pipe_ = &pipe;
  if (log_) {
    log_->pause(false);
  } else {
    std::exchange(pipe_, nullptr)->close();
  }
}

void LogSession::on_writable() {
  if (log_) log_->pause(false);
}

void LogSession::on_closed() {
  pipe_ = nullptr;
  log_.reset();
}

}  // namespace keelson::rest
