#include "sim/world/api_link.hpp"

#include "core/apiserver/api_server.hpp"

namespace keelson::sim {

namespace {

// What a client is told when the server's host answers but nothing listens there.
constexpr Duration kRefusedAfter = 400us;

api::Response failed(api::ApiError error) {
  api::Response response;
  response.error = std::move(error);
  return response;
}

}  // namespace

// --- Streams, server side ---------------------------------------------------------------------------

// Sends the hub's batches to the client, in order. Held back while the path is cut or stalled; a stream
// that holds back too much is closed, as a server drops a reader that does not read.
class ApiEndpoint::Stream final : public api::WatchSink {
 public:
  Stream(ApiEndpoint& endpoint, ApiLink& link, uint32_t life, uint64_t id, api::Kind kind)
      : endpoint_(endpoint), link_(link), life_(life), id_(id), kind_(kind) {}

  void on_events(std::span<const api::WatchEvent> events) override {
    held_.insert(held_.end(), events.begin(), events.end());
    if (held_.size() > kHeldMax) {
      overflown_ = true;
      held_.clear();
    }
    flush();
  }
  void on_closed() override {
    closing_ = true;
    flush();
  }

  void flush() {
    if (endpoint_.stalled_) return;
    if (!closing_ && !overflown_ && held_.empty()) return;
    ApiFabric& fabric = endpoint_.fabric_;
    const auto transit = fabric.network.stream_transit(endpoint_.host_, link_.host());
    if (!transit) return;
    const Instant now = fabric.engine.now();
    const Duration late = fabric.watch_delay(link_.process().name(), kind_);
    last_arrival_ = std::max(last_arrival_, now + *transit + late);
    if (link_.process().incarnation() != life_) return;
    if (!held_.empty()) {
      auto batch = std::make_unique<std::vector<api::WatchEvent>>(std::move(held_));
      held_.clear();
      link_.process().deliver(last_arrival_ - now,
                              [link = &link_, id = id_, batch = std::move(batch)] {
                                link->deliver_events(id, *batch);
                              });
    }
    if (closing_ || overflown_) {
      link_.process().deliver(last_arrival_ - now,
                              [link = &link_, id = id_] { link->deliver_close(id); });
      closing_ = overflown_ = false;
      finished_ = true;
    }
  }

  bool finished() const { return finished_; }
  ApiLink& link() { return link_; }
  api::WatchId watch;

 private:
  static constexpr std::size_t kHeldMax = 100'000;
  ApiEndpoint& endpoint_;
  ApiLink& link_;
  uint32_t life_;
  uint64_t id_;
  api::Kind kind_;
  std::vector<api::WatchEvent> held_;
  Instant last_arrival_{};
  bool closing_ = false, overflown_ = false, finished_ = false;
};

// --- Server side ------------------------------------------------------------------------------------

ApiEndpoint::ApiEndpoint(ApiFabric& fabric, Process& process, HostId host)
    : fabric_(fabric), process_(process), host_(host) {}
ApiEndpoint::~ApiEndpoint() = default;

bool ApiEndpoint::up() const { return server_ != nullptr && process_.alive(); }

void ApiEndpoint::attach(apiserver::ApiServer* server) { server_ = server; }

void ApiEndpoint::detach() {
  for (auto& [id, call] : inflight_) {
    // The connection breaks: the caller knows that it does not know.
    const auto transit = fabric_.network.transit(host_, call.link->host());
    if (!transit || call.link->process().incarnation() != call.life) continue;
    call.link->process().deliver(*transit, [link = call.link, number = call.call] {
      link->finish(number, failed(api::unknown_outcome("connection reset by the server")));
    });
  }
  inflight_.clear();
  for (auto& [id, stream] : streams_) {
    if (server_ != nullptr && stream->watch.id != 0) server_->unwatch(stream->watch);
    stream->on_closed();
  }
  streams_.clear();
  server_ = nullptr;
}

void ApiEndpoint::receive(ApiLink& link, uint32_t life, uint64_t call, api::Request&& request) {
  if (server_ == nullptr) return;
  const uint64_t id = next_inflight_++;
  inflight_.emplace(id, Inflight{&link, life, call});
  server_->handle(std::move(request),
                  [this, id, incarnation = process_.incarnation()](api::Response response) {
                    if (incarnation == process_.incarnation()) reply(id, std::move(response));
                  });
}

void ApiEndpoint::reply(uint64_t inflight, api::Response response) {
  const auto it = inflight_.find(inflight);
  if (it == inflight_.end()) return;
  const Inflight call = it->second;
  inflight_.erase(it);
  if (fabric_.lose_reply_ppm != 0 && fabric_.rng.chance(fabric_.lose_reply_ppm, 1'000'000)) {
    ++fabric_.fired.replies_lost;
    return;
  }
  const auto transit = fabric_.network.transit(host_, call.link->host());
  if (!transit || call.link->process().incarnation() != call.life) return;
  call.link->process().deliver(
      *transit, [link = call.link, number = call.call,
                 held = std::make_unique<api::Response>(std::move(response))]() mutable {
        link->finish(number, std::move(*held));
      });
}

void ApiEndpoint::open(ApiLink& link, uint32_t life, uint64_t id, api::WatchRequest request) {
  if (server_ == nullptr) return;
  auto stream = std::make_unique<Stream>(*this, link, life, id, request.kind);
  Stream& sink = *stream;
  streams_[id] = std::move(stream);
  sink.watch = server_->watch(std::move(request), sink);
}

void ApiEndpoint::close(uint64_t id) {
  const auto it = streams_.find(id);
  if (it == streams_.end()) return;
  if (server_ != nullptr) server_->unwatch(it->second->watch);
  streams_.erase(it);
}

void ApiEndpoint::break_streams(uint32_t one_in) {
  std::vector<uint64_t> broken;
  for (auto& [id, stream] : streams_) {
    if (fabric_.rng.chance(1, one_in)) broken.push_back(id);
  }
  for (const uint64_t id : broken) {
    ++fabric_.fired.watch_breaks;
    streams_[id]->on_closed();
    close(id);
  }
}

void ApiEndpoint::set_stalled(bool stalled) {
  stalled_ = stalled;
  if (!stalled) flush_held();
}

void ApiEndpoint::flush_held() {
  std::vector<uint64_t> done;
  for (auto& [id, stream] : streams_) {
    stream->flush();
    if (stream->finished()) done.push_back(id);
  }
  for (const uint64_t id : done) close(id);
}

// --- Client side ------------------------------------------------------------------------------------

ApiLink::ApiLink(ApiFabric& fabric, Process& process, HostId host, uint32_t preferred)
    : fabric_(fabric),
      process_(process),
      host_(host),
      current_(preferred % static_cast<uint32_t>(fabric.endpoints.size())) {}

ApiLink::~ApiLink() { reset(); }

void ApiLink::call(api::Request request, Callback<void(api::Response)> done) {
  const uint64_t number = next_call_++;
  request.request_id = ++fabric_.last_request;
  ++fabric_.fired.calls;
  Pending& pending = pending_[number];
  pending.done = std::move(done);
  pending.deadline = process_.now() + fabric_.call_timeout;
  pending.endpoint = current_;
  if (fabric_.observer != nullptr) {
    fabric_.observer->called(process_, request);
    if (request.verb == api::Verb::list || (request.kind == api::Kind::leases &&
                                            request.verb != api::Verb::renew &&
                                            request.verb != api::Verb::list_beats)) {
      pending.request = std::make_unique<api::Request>(request);
    }
  }
  if (!expiry_armed_) {
    if (!expiry_) expiry_ = Timer(process_, [this] { expire(); });
    expiry_.arm(fabric_.call_timeout);
    expiry_armed_ = true;
  }
  ApiEndpoint& endpoint = *fabric_.endpoints[current_];
  if (fabric_.lose_request_ppm != 0 && fabric_.rng.chance(fabric_.lose_request_ppm, 1'000'000)) {
    ++fabric_.fired.requests_lost;
    return;
  }
  const bool twice =
      fabric_.duplicate_ppm != 0 && fabric_.rng.chance(fabric_.duplicate_ppm, 1'000'000);
  if (twice) ++fabric_.fired.duplicated;
  for (int copy = 0; copy < (twice ? 2 : 1); ++copy) {
    const auto transit = fabric_.network.transit(host_, endpoint.host());
    if (!transit) continue;
    if (!endpoint.up()) {
      process_.deliver(*transit + kRefusedAfter, [this, number] {
        finish(number, failed(api::service_unavailable("connection refused")));
      });
      continue;
    }
    auto held = twice && copy == 0 ? std::make_unique<api::Request>(request)
                                   : std::make_unique<api::Request>(std::move(request));
    endpoint.process().deliver(*transit, [&endpoint, this, life = process_.incarnation(), number,
                                          held = std::move(held)]() mutable {
      endpoint.receive(*this, life, number, std::move(*held));
    });
  }
}

void ApiLink::finish(uint64_t call, api::Response response) {
  auto node = pending_.extract(call);
  if (node.empty()) return;  // it has timed out, or this is the second copy of the answer
  if (response.error.reason == api::Reason::service_unavailable ||
      response.error.reason == api::Reason::unknown_outcome) {
    fail_over(node.mapped().endpoint);
  }
  if (node.mapped().request && fabric_.observer != nullptr) {
    fabric_.observer->answered(process_, *node.mapped().request, response);
  }
  node.mapped().done(std::move(response));
}

void ApiLink::fail_over(uint32_t from) {
  if (pinned_ || current_ != from) return;
  current_ = (current_ + 1) % static_cast<uint32_t>(fabric_.endpoints.size());
}

void ApiLink::expire() {
  expiry_armed_ = false;
  const Instant now = process_.now();
  const uint32_t life = process_.incarnation();
  while (!pending_.empty() && pending_.begin()->second.deadline <= now) {
    ++fabric_.fired.timeouts;
    finish(pending_.begin()->first, failed(api::unknown_outcome("no answer within the deadline")));
    if (process_.incarnation() != life) return;
  }
  if (!pending_.empty() && !expiry_armed_) {
    expiry_.arm(pending_.begin()->second.deadline - now);
    expiry_armed_ = true;
  }
}

api::WatchId ApiLink::watch(api::WatchRequest request, api::WatchSink& sink) {
  const uint64_t id = fabric_.next_stream++;
  streams_.emplace(id, ClientStream{&sink, current_});
  if (fabric_.observer != nullptr) fabric_.observer->watch_opened(id, request, process_.name());
  ApiEndpoint& endpoint = *fabric_.endpoints[current_];
  const auto transit = fabric_.network.transit(host_, endpoint.host());
  if (!transit || !endpoint.up()) {
    // Cut: the connection attempt times out. Down: it is refused at once.
    const Duration after = transit ? *transit + kRefusedAfter : Duration{3s};
    fail_over(current_);
    process_.deliver(after, [this, id] { deliver_close(id); });
    return {id};
  }
  endpoint.process().deliver(
      *transit, [&endpoint, this, life = process_.incarnation(), id,
                 held = std::make_unique<api::WatchRequest>(std::move(request))]() mutable {
        endpoint.open(*this, life, id, std::move(*held));
      });
  return {id};
}

void ApiLink::unwatch(api::WatchId watch) {
  const auto it = streams_.find(watch.id);
  if (it == streams_.end()) return;
  ApiEndpoint& endpoint = *fabric_.endpoints[it->second.endpoint];
  streams_.erase(it);
  if (fabric_.observer != nullptr) fabric_.observer->watch_closed(watch.id);
  // The server notices at once in its own time: a closed connection needs no reply.
  if (endpoint.up()) {
    endpoint.process().deliver(1ms, [&endpoint, id = watch.id] { endpoint.close(id); });
  }
}

void ApiLink::deliver_events(uint64_t stream, std::span<const api::WatchEvent> events) {
  const auto it = streams_.find(stream);
  if (it == streams_.end()) return;
  fabric_.fired.watch_events += events.size();
  if (fabric_.observer != nullptr) fabric_.observer->watch_delivered(stream, events);
  api::WatchSink* sink = it->second.sink;
  // An error is the last that a stream brings: both sides are done with it.
  if (!events.empty() && events.back().type == api::WatchType::error) unwatch({stream});
  sink->on_events(events);
}

void ApiLink::deliver_close(uint64_t stream) {
  const auto it = streams_.find(stream);
  if (it == streams_.end()) return;
  api::WatchSink* sink = it->second.sink;
  fail_over(it->second.endpoint);
  streams_.erase(it);
  if (fabric_.observer != nullptr) fabric_.observer->watch_closed(stream);
  sink->on_closed();
}

void ApiLink::reset() {
  pending_.clear();
  expiry_ = Timer();
  expiry_armed_ = false;
  for (auto& [id, stream] : streams_) {
    if (fabric_.observer != nullptr) fabric_.observer->watch_closed(id);
    ApiEndpoint& endpoint = *fabric_.endpoints[stream.endpoint];
    if (endpoint.up()) {
      endpoint.process().deliver(1ms, [&endpoint, id = id] { endpoint.close(id); });
    }
  }
  streams_.clear();
}

}  // namespace keelson::sim
