#include "core/rest/watch_stream.hpp"

#include <algorithm>

#include "core/api/json.hpp"
#include "core/rest/versions.hpp"

namespace keelson::rest {

namespace {

// Batches above are sent line by line: they are lists of what there is, which are rarely shared.
constexpr std::size_t kBatchMax = 256;

std::string wrapped(api::WatchType type, std::string_view object) {
  std::string line = "{\"type\":\"";
  line.reserve(object.size() + 40);
  line.append(api::to_string(type)).append("\",\"object\":").append(object).append("}\n");
  return line;
}

}  // namespace

WatchStream::WatchStream(Setting setting, ExchangePtr exchange, std::function<void()> ended)
    : setting_(std::move(setting)),
      exchange_(std::move(exchange)),
      ended_(std::move(ended)),
      timeout_(setting_.loop, [this] { finish(); }) {}

WatchStream::~WatchStream() {
  if (watch_.id != 0) setting_.server.unwatch(watch_);
}

// The WebSocket's side of a watch that may have ended before.
class WatchStream::Socket final : public PipeUser {
 public:
  explicit Socket(std::weak_ptr<WatchStream> stream) : stream_(std::move(stream)) {}

  void on_open(Pipe& pipe) override {
    const auto stream = stream_.lock();
    if (!stream || stream->over_) return pipe.close();
    stream->pipe_ = &pipe;
    stream->watch_ = stream->setting_.server.watch(std::move(stream->request_), *stream);
  }
  void on_data(std::string_view) override {}  // a watcher has nothing to say
  void on_writable() override {
    if (const auto stream = stream_.lock()) stream->resume();
  }
  void on_closed() override {
    const auto stream = stream_.lock();
    if (!stream) return;
    stream->pipe_ = nullptr;
    stream->end();
  }

 private:
  std::weak_ptr<WatchStream> stream_;
};

void WatchStream::start(api::WatchRequest request) {
  timeout_.arm(setting_.timeout);
  if (setting_.websocket) {
    request_ = std::move(request);
    exchange_->upgrade(std::move(*setting_.websocket), std::make_shared<Socket>(weak_from_this()));
    return;
  }
  exchange_->on_gone([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->end();
  });
  exchange_->on_drained([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->resume();
  });
  exchange_->begin(200, {{"Content-Type", "application/json"}, {"Cache-Control", "no-cache, private"}});
  watch_ = setting_.server.watch(std::move(request), *this);
}

void WatchStream::resume() {
  if (watch_.id != 0) setting_.server.resumed(watch_);
}

void WatchStream::on_events(std::span<const api::WatchEvent> events) {
  if (over_) return;
  if (!setting_.websocket) {
    exchange_->write(pieces(events));
  } else if (pipe_ != nullptr) {
    for (const api::WatchEvent& event : events) pipe_->send(*line(event));
  }
  if (!events.empty() && events.back().type == api::WatchType::error) {
    watch_ = {};
    finish();
  }
}

void WatchStream::on_closed() {
  watch_ = {};
  finish();
}

bool WatchStream::blocked() const {
  if (!setting_.websocket) return exchange_->blocked();
  return pipe_ != nullptr && pipe_->blocked();
}

// A batch of objects is the same for all who watch the same in the same form.
std::vector<Bytes> WatchStream::pieces(std::span<const api::WatchEvent> events) {
  const bool alike = setting_.manner.accepted.shape != Shape::table || columns_sent_;
  if (alike && events.size() > 1 && events.size() <= kBatchMax &&
      std::ranges::all_of(events, [](const api::WatchEvent& event) { return event.object != nullptr; })) {
    return {setting_.encoder.lines(
        events, form(), [this](const api::WatchEvent& event) { return text(event, false); })};
  }
  std::vector<Bytes> pieces;
  pieces.reserve(events.size());
  for (const api::WatchEvent& event : events) pieces.push_back(line(event));
  return pieces;
}

// Tells apart what is made of the same event.
uint32_t WatchStream::form() const {
  return static_cast<uint32_t>(setting_.manner.accepted.shape) |
         static_cast<uint32_t>(setting_.include) << 4 |
         (setting_.manner.accepted.version == "v1beta1" ? 1u << 8 : 0u) |
         (setting_.resource.converted() ? 1u << 9 : 0u) |
         // Rows tell ages, so those of another second are not the same.
         (setting_.manner.accepted.shape == Shape::table
              ? static_cast<uint32_t>(setting_.loop.wall_now().unix_ns / 1'000'000'000) << 10
              : 0u);
}

Bytes WatchStream::line(const api::WatchEvent& event) {
  const bool table = setting_.manner.accepted.shape == Shape::table;
  if (table && !columns_sent_) {
    columns_sent_ = true;
    return std::make_shared<const std::string>(text(event, true));
  }
  if (!event.object) return std::make_shared<const std::string>(text(event, false));
  return setting_.encoder.line(event, form(), [&] { return text(event, false); });
}

std::string WatchStream::text(const api::WatchEvent& event, bool with_columns) {
  if (event.type == api::WatchType::error) {
    return wrapped(event.type, api::encode_message(api::to_status_message(event.error)));
  }
  if (event.object && setting_.manner.accepted.shape == Shape::object) {
    return wrapped(event.type, *setting_.encoder.object(setting_.resource, event.object));
  }
  api::ObjectPtr object = event.object;
  if (!object) {
    // A bookmark is an object of the kind that says nothing but how far the stream has come.
    std::unique_ptr<api::Message> message = api::new_message(setting_.resource.info->kind);
    if (event.initial_end) {
      api::ObjectMeta& meta = api::mutable_meta_of(setting_.resource.info->kind, *message);
      (*meta.mutable_annotations())["k8s.io/initial-events-end"] = "true";
    }
    object = std::make_shared<const api::Object>(setting_.resource.info->kind, std::move(message),
                                                 event.revision);
  }
  return wrapped(event.type, shown(setting_.resource, object, setting_.manner,
                                   {setting_.include, setting_.loop.wall_now()}, with_columns));
}

void WatchStream::finish() {
  if (over_) return;
  if (!setting_.websocket) {
    exchange_->finish();
  } else if (pipe_ != nullptr) {
    std::exchange(pipe_, nullptr)->close();
  }
  end();
}

void WatchStream::end() {
  if (over_) return;
  over_ = true;
  if (watch_.id != 0) setting_.server.unwatch(std::exchange(watch_, {}));
  timeout_.disarm();
  // Whoever keeps this stream may forget it, but not while it is at work.
  setting_.loop.post([ended = std::move(ended_)] { ended(); });
}

}  // namespace keelson::rest
