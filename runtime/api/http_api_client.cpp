#include "runtime/api/http_api_client.hpp"

#include "runtime/api/wire.hpp"

namespace keelson::runtime {

namespace {

// An object is at most 1.5 MiB, and JSON may be some times what is stored.
constexpr std::size_t kLineMax = 16u << 20;

api::ApiError not_sent(const Error& error) {
  if (error.code == Code::unknown) return api::unknown_outcome(error.message);
  return api::service_unavailable(error.message);
}

}  // namespace

// One watch: lines to events, in batches as they come.
class HttpApiClient::Watch final : public http::AnswerUser {
 public:
  Watch(HttpApiClient& owner, uint64_t id, api::Kind kind, api::WatchSink& sink)
      : owner_(owner), id_(id), kind_(kind), sink_(sink) {}

  // Nothing reaches the sink after this.
  void stop() { call_.reset(); }
  void start(http::Request request) { call_ = owner_.http_.start(std::move(request), *this); }

  void on_head(const http::Response& head) override { head_ = head; }

  void on_data(std::string_view data) override {
    received_ += data;
    if (head_.status != 200) return;  // until its end: a Status
    if (received_.size() > kLineMax) return finish();
    std::vector<api::WatchEvent> events;
    std::size_t begin = 0;
    for (std::size_t end; (end = received_.find('\n', begin)) != received_.npos; begin = end + 1) {
      events.push_back(read_event(kind_, std::string_view(received_).substr(begin, end - begin)));
      if (events.back().type == api::WatchType::error) return finish_with(std::move(events));
    }
    received_.erase(0, begin);
    if (!events.empty()) sink_.on_events(events);  // may destroy this
  }

  void on_end(Status how) override {
    if (how.ok() && head_.status != 200 && head_.status != 0) {
      head_.body = std::move(received_);
      api::WatchEvent event;
      event.type = api::WatchType::error;
      event.error = error_of(head_);
      return finish_with({event});
    }
    finish();
  }

 private:
  void finish() {
    api::WatchSink& sink = sink_;
    owner_.ended(id_);  // destroys this, later
    sink.on_closed();
  }
  void finish_with(std::vector<api::WatchEvent> events) {
    api::WatchSink& sink = sink_;
    owner_.ended(id_);
    sink.on_events(events);
  }

  HttpApiClient& owner_;
  const uint64_t id_;
  const api::Kind kind_;
  api::WatchSink& sink_;
  http::Response head_;
  std::string received_;
  std::unique_ptr<http::AsyncCall> call_;
};

HttpApiClient::HttpApiClient(AsioLoop& loop, http::AsyncClient& http, Options options)
    : loop_(loop), http_(http), options_(options) {}
HttpApiClient::HttpApiClient(AsioLoop& loop, http::AsyncClient& http)
    : HttpApiClient(loop, http, Options()) {}
HttpApiClient::~HttpApiClient() = default;

void HttpApiClient::call(api::Request request, Callback<void(api::Response)> done) {
  http::Request out = to_http(request);
  out.timeout = options_.timeout;
  // Only these say how the answer is to be read.
  api::Request asked;
  asked.verb = request.verb;
  asked.kind = request.kind;
  asked.subresource = request.subresource;
  http_.send(std::move(out), [alive = std::weak_ptr<char>(life_), asked = std::move(asked),
                              done = std::move(done)](Result<http::Response> answer) mutable {
    if (alive.expired()) return;
    api::Response response;
    if (answer) {
      response = from_http(asked, *answer);
    } else {
      response.error = not_sent(answer.error());
    }
    done(std::move(response));
  });
}

api::WatchId HttpApiClient::watch(api::WatchRequest request, api::WatchSink& sink) {
  const uint64_t id = ++last_watch_;
  http::Request out = to_http(request);
  out.timeout = options_.watch_silence;
  auto watch = std::make_unique<Watch>(*this, id, request.kind, sink);
  watch->start(std::move(out));
  watches_.emplace(id, std::move(watch));
  return {id};
}

void HttpApiClient::unwatch(api::WatchId watch) { ended(watch.id); }

void HttpApiClient::ended(uint64_t id) {
  auto node = watches_.extract(id);
  if (node.empty()) return;
  node.mapped()->stop();
  // Not freed at once: it may be its own function that asks for it.
  loop_.post([watch = std::move(node.mapped())]() mutable { watch.reset(); });
}

}  // namespace keelson::runtime
