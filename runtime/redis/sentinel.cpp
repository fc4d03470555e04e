#include "runtime/redis/sentinel.hpp"

#include <utility>

namespace keelson::redis {

namespace {

Address at(const HostPort& sentinel) {
  Address address;
  address.tcp = sentinel;
  return address;
}

}  // namespace

SentinelQuery::SentinelQuery(runtime::AsioLoop& loop, const HostPort& sentinel, std::string master,
                             Duration patience, Done<HostPort> done)
    : master_(std::move(master)),
      done_(std::move(done)),
      connection_(
          loop, at(sentinel), patience, [this] { ask(); },
          [this, where = to_string(sentinel)](Error why) {
            finish({Code::unavailable, "sentinel " + where + ": " + why.message});
          }) {}

void SentinelQuery::ask() {
  connection_.call({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", master_}, [this](Result<Reply> reply) {
    if (!reply) return;  // finished when the connection was lost
    if (reply->is_error())
      return finish({Code::unavailable, "the sentinel refuses: " + reply->text});
    const uint64_t port = reply->number(1);
    if (reply->items.size() != 2 || port == 0 || port > UINT16_MAX) {
      return finish({Code::unavailable, "the sentinel knows no master \"" + master_ + "\""});
    }
    finish(HostPort{std::string(reply->at(0)), static_cast<uint16_t>(port)});
  });
}

void SentinelQuery::finish(Result<HostPort> result) {
  // The owner may destroy this from inside.
  if (Done<HostPort> done = std::exchange(done_, nullptr)) done(std::move(result));
}

}  // namespace keelson::redis
