#include "sim/live/exchanges.hpp"

#include "sim/live/answers.hpp"

namespace keelson::sim {

class LiveExchange final : public rest::Exchange,
                           public rest::Pipe,
                           public std::enable_shared_from_this<LiveExchange> {
 public:
  LiveExchange(Exchanges& table, uint64_t number, Process& process, rest::ExchangePtr connection)
      : table_(&table), number_(number), process_(process), connection_(std::move(connection)) {}

  // --- What the API server does
  // -------------------------------------------------------------------

  void name_user(const auth::UserInfo& user, const auth::UserInfo* acting_as) override {
    if (state_ == State::open && connection_) connection_->name_user(user, acting_as);
  }
  void respond(rest::HttpResponse response) override {
    if (state_ != State::open) return;
    answered(response.status);
    // Out of reach first: the connection may end within the call.
    const auto connection = std::move(connection_);
    end();
    if (connection) connection->respond(std::move(response));
  }
  void begin(int status, std::vector<rest::Header> headers) override {
    if (state_ != State::open) return;
    answered(status);
    state_ = State::streaming;
    if (const auto connection = connection_) connection->begin(status, std::move(headers));
  }
  void write(std::vector<rest::Bytes> pieces) override {
    const auto connection = connection_;
    if (state_ != State::streaming || !connection) return;
    connection->write(std::move(pieces));
    wrote();
  }
  void finish() override {
    if (state_ != State::streaming) return;
    const auto connection = std::move(connection_);
    end();
    if (connection) connection->finish();
  }
  // Both Exchange's and Pipe's: there is one connection.
  bool blocked() const override { return blocked_; }
  void on_drained(Callback<void()> drained) override { on_drained_ = std::move(drained); }
  void on_gone(Callback<void()> gone) override { on_gone_ = std::move(gone); }
  void upgrade(rest::Upgrade upgrade, std::shared_ptr<rest::PipeUser> user) override;

  void send(std::string data) override {
    if (pipe_ == nullptr) return;
    pipe_->send(std::move(data));
    wrote();
  }
  void close() override {
    if (pipe_ != nullptr) pipe_->close();
  }
  void pause_reading(bool paused) override {
    if (pipe_ != nullptr) pipe_->pause_reading(paused);
  }

  // --- What enters, as an event of the process
  // ----------------------------------------------------

  void enter(const Input& input) {
    if (state_ == State::ended) return;
    const auto self = shared_from_this();
    switch (input.kind) {
      case Input::Kind::gone: {
        Callback<void()> gone = std::move(on_gone_);
        end();
        if (gone) gone();
        return;
      }
      case Input::Kind::blocked:
      case Input::Kind::pipe_blocked: blocked_ = true; return;
      case Input::Kind::drained:
        blocked_ = false;
        if (Callback<void()> drained = std::move(on_drained_)) {
          drained();
          if (state_ != State::ended && !on_drained_) on_drained_ = std::move(drained);
        }
        return;
      default: break;
    }
    const std::shared_ptr<rest::PipeUser> user = user_;
    if (!user) return;
    switch (input.kind) {
      case Input::Kind::opened: return user->on_open(*this);
      case Input::Kind::data: return user->on_data(input.text);
      case Input::Kind::writable: blocked_ = false; return user->on_writable();
      case Input::Kind::closed: user->on_closed(); return end();
      default: return;
    }
  }

  // --- What the connection does
  // --------------------------------------------------------------------

  void listen() {
    if (!connection_) return;
    connection_->on_gone([weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        self->connection_.reset();
        self->tell(Input::Kind::gone);
      }
    });
    connection_->on_drained([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self && std::exchange(self->told_blocked_, false)) self->tell(Input::Kind::drained);
    });
  }
  void tell(Input::Kind kind, std::string text = {}) {
    if (table_ != nullptr && state_ != State::ended) {
      table_->outside_({kind, number_, {}, std::move(text)});
    }
  }
  void poll() {
    wrote_ = false;
    if (told_blocked_ || state_ == State::ended) return;
    const bool streams = connection_ && state_ == State::streaming && connection_->blocked();
    if (!streams && (pipe_ == nullptr || !pipe_->blocked())) return;
    told_blocked_ = true;
    tell(streams ? Input::Kind::blocked : Input::Kind::pipe_blocked);
  }
  void pipe_opened(rest::Pipe& pipe) {
    pipe_ = &pipe;
    tell(Input::Kind::opened);
  }
  void pipe_writable() {
    if (std::exchange(told_blocked_, false)) tell(Input::Kind::writable);
  }
  void pipe_closed() {
    pipe_ = nullptr;
    tell(Input::Kind::closed);
  }

  // The process has died: its side is forgotten, the connection is ended.
  void cut() {
    const auto connection = std::move(connection_);
    const State was = state_;
    rest::Pipe* pipe = pipe_;
    forget();
    if (connection && was == State::open) {
      connection->respond(failure(503, "ServiceUnavailable", "the API server has crashed"));
    }
    if (connection && was == State::streaming) connection->finish();
    if (pipe != nullptr) pipe->close();
  }
  // Nothing is called any more, in either direction.
  void forget() {
    state_ = State::ended;
    table_ = nullptr;
    on_gone_.reset();
    on_drained_.reset();
    user_.reset();
    connection_.reset();
    pipe_ = nullptr;
  }
  Process& process() const { return process_; }

 private:
  enum class State : uint8_t { open, streaming, piped, ended };

  void answered(int status) {
    if (table_ == nullptr) return;
    table_->unanswered_.erase(number_);
    table_->engine_.digest().add(number_);
    table_->engine_.digest().add(static_cast<uint64_t>(status));
  }
  void wrote() {
    if (!std::exchange(wrote_, true)) table_->written_.push_back(number_);
  }
  void end() {
    const auto self = shared_from_this();
    Exchanges* table = table_;
    forget();
    if (table == nullptr) return;
    table->unanswered_.erase(number_);
    table->all_.erase(number_);
  }

  Exchanges* table_;
  uint64_t number_;
  Process& process_;
  rest::ExchangePtr connection_;
  State state_ = State::open;
  bool blocked_ = false;       // as the API server sees it
  bool told_blocked_ = false;  // as it has been told, or soon will be
  bool wrote_ = false;
  Callback<void()> on_gone_, on_drained_;
  std::shared_ptr<rest::PipeUser> user_;
  rest::Pipe* pipe_ = nullptr;  // the connection's, while it is open
};

namespace {

// The connection's end of an upgraded exchange.
class Outer final : public rest::PipeUser {
 public:
  explicit Outer(std::shared_ptr<LiveExchange> exchange) : exchange_(std::move(exchange)) {}
  void on_open(rest::Pipe& pipe) override { exchange_->pipe_opened(pipe); }
  void on_data(std::string_view data) override {
    exchange_->tell(Input::Kind::data, std::string(data));
  }
  void on_writable() override { exchange_->pipe_writable(); }
  void on_closed() override { exchange_->pipe_closed(); }

 private:
  std::shared_ptr<LiveExchange> exchange_;
};

}  // namespace

void LiveExchange::upgrade(rest::Upgrade upgrade, std::shared_ptr<rest::PipeUser> user) {
  if (state_ != State::open) return;
  answered(101);
  state_ = State::piped;
  user_ = std::move(user);
  if (connection_)
    connection_->upgrade(std::move(upgrade), std::make_shared<Outer>(shared_from_this()));
}

Exchanges::Exchanges(Engine& engine, std::function<void(Input)> outside)
    : engine_(engine), outside_(std::move(outside)) {}

Exchanges::~Exchanges() {
  for (auto& [number, exchange] : all_) exchange->forget();
}

rest::ExchangePtr Exchanges::open(uint64_t number, Process& process, rest::ExchangePtr connection) {
  auto exchange = std::make_shared<LiveExchange>(*this, number, process, std::move(connection));
  all_[number] = exchange;
  unanswered_[number] = engine_.now();
  exchange->listen();
  return exchange;
}

void Exchanges::apply(const Input& input) {
  const auto it = all_.find(input.exchange);
  if (it == all_.end()) return;
  it->second->process().deliver(Duration::zero(),
                                [exchange = it->second, input] { exchange->enter(input); });
}

void Exchanges::cut(const Process& process) {
  for (auto it = all_.begin(); it != all_.end();) {
    if (&it->second->process() != &process) {
      ++it;
      continue;
    }
    const auto exchange = it->second;
    unanswered_.erase(it->first);
    it = all_.erase(it);
    exchange->cut();
  }
}

void Exchanges::poll() {
  const std::vector<uint64_t> written = std::exchange(written_, {});
  for (const uint64_t number : written) {
    if (const auto it = all_.find(number); it != all_.end()) it->second->poll();
  }
}

std::optional<Instant> Exchanges::waiting_since() const {
  if (unanswered_.empty()) return std::nullopt;
  return unanswered_.rbegin()->second;
}

}  // namespace keelson::sim
