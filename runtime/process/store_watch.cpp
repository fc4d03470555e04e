#include "runtime/process/store_watch.hpp"

#include <map>

namespace keelson::runtime {

namespace {

constexpr Duration kLookEvery = 5s;

// "# Memory\r\nused_memory:1048576\r\n..."
std::map<std::string, std::string> fields_of(const std::string& text) {
  std::map<std::string, std::string> out;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = text.find('\n', begin);
    if (end == text.npos) end = text.size();
    std::string line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.pop_back();
    if (const std::size_t colon = line.find(':'); colon != line.npos) {
      out[line.substr(0, colon)] = line.substr(colon + 1);
    }
    begin = end + 1;
  }
  return out;
}

}  // namespace

StoreWatch::StoreWatch(Loop& loop, redis::RedisStore& store, std::string address, int replicas)
    : loop_(loop), store_(store), replicas_(replicas), timer_(loop, [this] { look(); }) {
  facts_.address = std::move(address);
  store_.on_change([this] { note_trouble(); });
  timer_.arm(1s);
}

StoreWatch::~StoreWatch() {
  store_.on_change(nullptr);
}

void StoreWatch::note_trouble() {
  if (store_.serving()) return;
  facts_.last_trouble = store_.trouble();
  facts_.last_trouble_at = loop_.wall_now();
}

StoreFacts StoreWatch::facts() const {
  StoreFacts out = facts_;
  out.serving = store_.serving();
  out.trouble = out.serving ? std::string() : store_.trouble();
  if (!out.trouble.empty()) {
    out.last_trouble = out.trouble;
    out.last_trouble_at = loop_.wall_now();
  }
  return out;
}

void StoreWatch::look() {
  timer_.arm(kLookEvery);
  if (!store_.serving()) return note_trouble();
  const auto ask = [&](redis::Connection::Arguments question,
                       void (StoreWatch::*take)(const std::string&), std::size_t item) {
    store_.ask(question,
               [this, alive = std::weak_ptr<char>(life_), take, item](Result<redis::Reply> reply) {
                 // Refused by an ACL: not to be known.
                 if (alive.expired() || !reply || reply->is_error()) return;
                 (this->*take)(item == 0 ? reply->text : std::string(reply->at(item)));
               });
  };
  ask({"INFO"}, &StoreWatch::take_info, 0);
  ask({"CONFIG", "GET", "appendfsync"}, &StoreWatch::take_fsync, 1);
}

void StoreWatch::take_info(const std::string& text) {
  auto fields = fields_of(text);
  facts_.version = fields["redis_version"];
  facts_.memory_bytes = redis::number_of(fields["used_memory"]);
  facts_.memory_max_bytes = redis::number_of(fields["maxmemory"]);
  facts_.replicas = redis::number_of(fields["connected_slaves"]);
  aof_ = fields["aof_enabled"] == "1";
  const bool failing = aof_ && fields["aof_last_write_status"] == "err";
  facts_.append_failure =
      failing ? "Redis cannot write its append-only file (is its disk full?)" : std::string();
  if (!aof_) facts_.profile = "volatile";
}

void StoreWatch::take_fsync(const std::string& policy) {
  if (!aof_) return;
  facts_.profile = replicas_ > 0 ? "ha" : policy == "always" ? "durable" : "dev";
}

}  // namespace keelson::runtime
