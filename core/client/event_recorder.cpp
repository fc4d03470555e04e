#include "core/client/event_recorder.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/api/json.hpp"
#include "core/api/kinds.hpp"

namespace keelson::client {
namespace {

// Kubernetes refuses longer notes (events.k8s.io validation).
constexpr std::size_t message_length_max = 1024;
// An object's name is a DNS subdomain of at most 253 characters; so is the Event's.
constexpr std::size_t name_length_max = 253;
constexpr std::size_t suffix_length = 17;

std::string hex16(uint64_t value) {
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; value >>= 4) text[i] = "0123456789abcdef"[value & 15];
  return text;
}

void append(std::string& key, const std::string& part) {
  key += part;
  key += '\0';
}

// Cuts at a character, not in the middle of one: Events are JSON.
std::string shortened(std::string text, std::size_t length_max) {
  if (text.size() <= length_max) return text;
  std::size_t end = length_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text;
}

// Kubernetes names events by the nanosecond, so that names sort by time. Here the millionth of a
// second or so is a random number: several components tell of one object at the same moment, and a
// name that is taken would count as an event that has arrived.
constexpr uint64_t random_part = (uint64_t{1} << 20) - 1;

uint64_t event_number(WallTime now, uint64_t random) {
  return (static_cast<uint64_t>(now.unix_ns) & ~random_part) | (random & random_part);
}

std::string event_name(const std::string& about, uint64_t number) {
  std::string name = about.substr(0, name_length_max - suffix_length);
  while (!name.empty() && (name.back() == '.' || name.back() == '-')) name.pop_back();
  return name + '.' + hex16(number);
}

}  // namespace

EventRecorder::EventRecorder(Loop& loop, ApiClient& client, Rng rng, EventRecorderOptions options)
    : loop_(loop),
      client_(client),
      rng_(rng),
      options_(std::move(options)),
      similar_(options_.remembered_max),
      seen_(options_.remembered_max),
      buckets_(options_.remembered_max),
      retry_timer_(loop, [this] { send(); }),
      alive_(std::make_shared<bool>(true)) {
  KEELSON_ASSERT(options_.queue_max > 0 && options_.similar_max > 0);
}

EventRecorder::~EventRecorder() {
  *alive_ = false;
}

// True: this is one too many of its like.
bool EventRecorder::combine(const std::string& similar_key, const std::string& message) {
  Similar& similar = similar_[similar_key];
  const Instant now = loop_.now();
  if (now - similar.last > options_.similar_interval) similar.messages.clear();
  similar.last = now;
  similar.messages.insert(message);
  if (similar.messages.size() < options_.similar_max) return false;
  // Once the limit is reached the set stays just below it, so that each further event is combined
  // until the interval passes without one.
  similar.messages.erase(similar.messages.begin());
  return true;
}

bool EventRecorder::take_token(const std::string& object_key) {
  Bucket& bucket = buckets_[object_key];
  const Instant now = loop_.now();
  if (bucket.refilled == Instant{}) bucket = {options_.burst, now};
  const int64_t refills = (now - bucket.refilled) / options_.refill;
  bucket.tokens = std::min(options_.burst, bucket.tokens + refills);
  bucket.refilled += options_.refill * refills;
  if (bucket.tokens == 0) return false;
  --bucket.tokens;
  return true;
}

std::shared_ptr<api::Event> EventRecorder::new_event(const api::Object& about, bool warning,
                                                     const std::string& reason,
                                                     std::string message) {
  auto event = std::make_shared<api::Event>();
  const api::KindInfo& kind = api::info(about.kind());
  // Events about objects without a namespace stand in "default", where kubectl looks for them.
  event->mutable_metadata()->set_namespace_(about.ns().empty() ? "default" : about.ns());
  auto& involved = *event->mutable_involved_object();
  involved.set_kind(kind.name);
  involved.set_api_version(kind.api_version);
  involved.set_namespace_(about.ns());
  involved.set_name(about.name());
  involved.set_uid(about.uid());
  if (about.revision()) involved.set_resource_version(to_string(about.revision()));
  event->set_reason(reason);
  event->set_message(std::move(message));
  event->set_type(warning ? "Warning" : "Normal");
  event->mutable_source()->set_component(options_.component);
  event->mutable_source()->set_host(options_.host);
  event->set_reporting_component(options_.component);
  event->set_reporting_instance(options_.host);
  return event;
}

void EventRecorder::record(const api::Object& about, bool warning, const std::string& reason,
                           const std::string& full_message, const std::string& field_path) {
  if (!warning && options_.warnings_only) return;
  std::string object_key;
  object_key += static_cast<char>(about.kind());
  for (const std::string& part : {about.ns(), about.name(), about.uid()}) append(object_key, part);
  std::string key = object_key;
  key += warning ? 'W' : 'N';
  append(key, reason);
  append(key, field_path);

  std::string message = shortened(full_message, message_length_max);
  if (combine(key, message)) {
    message = shortened("(combined from similar events): " + message, message_length_max);
  } else {
    append(key, message);
  }
  const WallTime now = loop_.wall_now();
  Seen& seen = seen_[key];
  const bool create = seen.count == 0;
  if (create) {
    last_number_ = std::max(last_number_ + 1, event_number(now, rng_.next()));
    seen = {0, event_name(about.name(), last_number_), now};
  }
  // Counted even when it is not sent, so that the next one that is sent says how many there were.
  ++seen.count;
  const bool admitted = take_token(object_key) && queue_.size() < options_.queue_max;
  if (!admitted) {
    ++dropped_;
    return;
  }
  auto event = new_event(about, warning, reason, std::move(message));
  event->mutable_metadata()->set_name(seen.name);
  event->mutable_involved_object()->set_field_path(field_path);
  event->set_count(seen.count);
  *event->mutable_first_timestamp() = api::to_time(seen.first);
  *event->mutable_last_timestamp() = api::to_time(now);
  queue_.push_back({std::move(event), create});
  if (!sending_) send();
}

void EventRecorder::send() {
  if (queue_.empty()) {
    sending_ = false;
    return;
  }
  sending_ = true;
  const Pending& next = queue_.front();
  api::Request request;
  request.verb = next.create ? api::Verb::create : api::Verb::update;
  request.kind = api::Kind::events;
  request.ns = next.event->metadata().namespace_();
  request.name = next.event->metadata().name();
  request.body = next.event;
  request.user = options_.user;
  request.actor = options_.actor;
  client_.call(std::move(request), [this, alive = alive_](api::Response response) {
    if (*alive) on_sent(std::move(response));
  });
}

void EventRecorder::on_sent(api::Response response) {
  Pending& sent = queue_.front();
  ++sent.attempts;
  bool again = false;
  switch (response.error.reason) {
    case api::Reason::none:
    case api::Reason::already_exists:  // an attempt without an answer got through after all
      break;
    case api::Reason::not_found:
      // An update of an Event that has expired meanwhile, or whose creation was dropped.
      again = !std::exchange(sent.create, true);
      if (!again) ++dropped_;  // its namespace is gone
      break;
    case api::Reason::service_unavailable:
    case api::Reason::unknown_outcome:
    case api::Reason::timeout:
    case api::Reason::server_timeout:
    case api::Reason::too_many_requests:
      if (sent.attempts < options_.attempts_max) {
        retry_timer_.arm(rng_.between(options_.retry_pause / 2, options_.retry_pause * 3 / 2));
        return;
      }
      ++dropped_;
      break;
    default:  // refused: more attempts would not help
      ++dropped_;
  }
  if (!again) queue_.pop_front();
  send();
}

}  // namespace keelson::client
