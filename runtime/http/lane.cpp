#include "runtime/http/lane.hpp"

#include "core/base/assert.hpp"
#include "runtime/http/connection.hpp"

namespace keelson::http {

Lane::~Lane() = default;

void Lane::add_unsent(std::size_t bytes) {
  if (unsent.fetch_add(bytes) + bytes > limits.unsent_bytes) blocked = true;
}

void Lane::drained() {
  // What has been written since may have filled it again; its own crossing will be reported then.
  if (!blocked || phase == Phase::over || unsent.load() > low_water()) return;
  blocked = false;
  if (user) {
    const auto keep = user;
    keep->on_writable();
  } else if (on_drained) {
    // The callback may end the exchange, and with it be replaced or dropped.
    Callback<void()> call = std::move(on_drained);
    const auto self = shared_from_this();
    call();
    if (phase == Phase::streaming && !on_drained) on_drained = std::move(call);
  }
}

void Lane::end() {
  phase = Phase::over;
  blocked = false;
  on_drained.reset();
  on_gone.reset();
}

void Lane::gone() {
  if (phase == Phase::over) return;
  if (user) return pipe_closed();
  Callback<void()> call = std::move(on_gone);
  const auto self = shared_from_this();
  end();
  if (call) call();
}

void Lane::opened() {
  if (phase != Phase::piped) return;
  pipe = std::make_unique<LanePipe>(*this);
  const auto keep = user;
  keep->on_open(*pipe);
}

void Lane::received(std::string data) {
  const auto self = shared_from_this();
  if (phase == Phase::piped && pipe) {
    const auto keep = user;
    keep->on_data(data);
  }
  const std::size_t before = unread.fetch_sub(data.size());
  if (before >= limits.unread_bytes && before - data.size() < limits.unread_bytes) {
    to_io->push([self] {
      if (self->connection) self->connection->resume_reading();
    });
  }
}

void Lane::pipe_closed() {
  if (phase != Phase::piped) return;
  const auto self = shared_from_this();
  end();
  const auto keep = std::move(user);
  user.reset();
  keep->on_closed();
  pipe.reset();
}

void LanePipe::send(std::string data) {
  if (lane_.phase != Lane::Phase::piped || data.empty()) return;
  lane_.add_unsent(data.size());
  lane_.to_io->push([lane = lane_.shared_from_this(), data = std::move(data)]() mutable {
    if (lane->connection) lane->connection->pipe_send(std::move(data));
  });
}

void LanePipe::close() {
  if (lane_.phase != Lane::Phase::piped) return;
  lane_.to_io->push([lane = lane_.shared_from_this()] {
    if (lane->connection) lane->connection->pipe_close(kWsNormal);
  });
}

void LanePipe::pause_reading(bool paused) {
  if (lane_.phase != Lane::Phase::piped) return;
  lane_.to_io->push([lane = lane_.shared_from_this(), paused] {
    if (lane->connection) lane->connection->pause_reading(paused);
  });
}

LaneExchange::~LaneExchange() {
  if (lane_->phase != Lane::Phase::open && lane_->phase != Lane::Phase::streaming) return;
  lane_->end();
  lane_->to_io->push([lane = lane_] {
    if (lane->connection) lane->connection->abandon();
  });
}

void LaneExchange::name_user(const auth::UserInfo& user, const auth::UserInfo* /*acting_as*/) {
  if (!lane_->wants_user || lane_->phase != Lane::Phase::open) return;
  lane_->to_io->push([lane = lane_, name = user.name]() mutable {
    if (lane->connection) lane->connection->name_user(std::move(name));
  });
}

void LaneExchange::respond(rest::HttpResponse response) {
  if (lane_->phase == Lane::Phase::over) return;  // the client has gone
  KEELSON_ASSERT(lane_->phase == Lane::Phase::open);
  lane_->end();
  lane_->to_io->push([lane = lane_, response = std::move(response)]() mutable {
    if (lane->connection) lane->connection->answer(std::move(response));
  });
}

void LaneExchange::begin(int status, std::vector<rest::Header> headers) {
  if (lane_->phase == Lane::Phase::over) return;
  KEELSON_ASSERT(lane_->phase == Lane::Phase::open);
  lane_->phase = Lane::Phase::streaming;
  lane_->body.reset();  // streams last, and those who serve them have read it
  lane_->to_io->push([lane = lane_, status, headers = std::move(headers)] {
    if (lane->connection) lane->connection->begin_stream(status, headers);
  });
}

void LaneExchange::write(std::vector<rest::Bytes> pieces) {
  if (lane_->phase != Lane::Phase::streaming) return;
  std::size_t bytes = 0;
  for (const rest::Bytes& piece : pieces) bytes += piece->size();
  if (bytes == 0) return;  // an empty chunk would end the stream
  lane_->add_unsent(bytes);
  lane_->to_io->push([lane = lane_, pieces = std::move(pieces), bytes]() mutable {
    if (lane->connection) lane->connection->stream(std::move(pieces), bytes);
  });
}

void LaneExchange::finish() {
  if (lane_->phase != Lane::Phase::streaming) return;
  lane_->end();
  lane_->to_io->push([lane = lane_] {
    if (lane->connection) lane->connection->finish_stream();
  });
}

void LaneExchange::on_drained(Callback<void()> drained) {
  if (lane_->phase != Lane::Phase::over) lane_->on_drained = std::move(drained);
}

void LaneExchange::upgrade(rest::Upgrade upgrade, std::shared_ptr<rest::PipeUser> user) {
  if (lane_->phase == Lane::Phase::over) {
    // The client has gone already; whoever waits for the end of the pipe must hear of it.
    lane_->to_io->later([user = std::move(user)] { user->on_closed(); });
    return;
  }
  KEELSON_ASSERT(lane_->phase == Lane::Phase::open);
  lane_->phase = Lane::Phase::piped;
  lane_->body.reset();
  lane_->user = std::move(user);
  lane_->on_gone.reset();
  lane_->to_io->push([lane = lane_, upgrade = std::move(upgrade)] {
    if (lane->connection) lane->connection->upgrade(upgrade);
  });
}

void LaneExchange::on_gone(Callback<void()> gone) {
  if (lane_->phase == Lane::Phase::open || lane_->phase == Lane::Phase::streaming) {
    lane_->on_gone = std::move(gone);
  }
}

}  // namespace keelson::http
