#include "tools/cli/real/store_log.hpp"

#include <openssl/evp.h>

#include <boost/json.hpp>
#include <optional>
#include <set>

#include "core/api/kinds.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/redis/connection.hpp"
#include "tools/cli/real/record_files.hpp"

namespace keelson::real {

namespace json = boost::json;

namespace {

constexpr const char* kPage = "500";
constexpr Duration kPatience = 10s;

std::string sha1_hex(const std::string& bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha1(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    constexpr char digits[] = "0123456789abcdef";
    hex += digits[digest[i] >> 4];
    hex += digits[digest[i] & 15];
  }
  return hex;
}

// One question at a time.
class Asker {
 public:
  explicit Asker(const redis::Address& address)
      : connection_(loop_, address, kPatience, [this] { open_ = true; },
                    [this](Error why) { lost_ = std::move(why); }) {
    while (!open_ && !lost_) loop_.run_round(100ms);
  }
  Result<redis::Reply> ask(const redis::Connection::Arguments& question) {
    if (lost_) return *lost_;
    std::optional<Result<redis::Reply>> answer;
    connection_.call(question, [&](Result<redis::Reply> reply) { answer.emplace(std::move(reply)); });
    while (!answer && !lost_) loop_.run_round(100ms);
    if (!answer) return *lost_;
    if (*answer && (*answer)->is_error()) {
      return Error{Code::unavailable, "Redis refused: " + (*answer)->text};
    }
    return std::move(*answer);
  }

 private:
  runtime::AsioLoop loop_;
  bool open_ = false;
  std::optional<Error> lost_;
  redis::Connection connection_;
};

class Reader {
 public:
  Reader(const redis::Address& address, const std::string& prefix) : redis_(address), prefix_(prefix) {}

  Result<std::string> read() {
    const int64_t began =
        std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
    const auto meta = redis_.ask({"HMGET", prefix_ + ":meta", "rev", "compact"});
    if (!meta) return meta.error();
    if (meta->at(0).empty()) return Error{Code::invalid, "there is no store of Keelson's at this address"};
    const bool whole = meta->number(1) == 0;
    lines_ = json::serialize(json::object{
                 {"store", "keelson"}, {"whole", whole}, {"at", std::to_string(began)}}) +
             '\n';
    if (Status status = read_log(whole); !status) return status.error();
    lines_ += json::serialize(json::object{{"hashes", std::to_string(followed_)}}) + '\n';
    if (Status status = read_beats(); !status) return status.error();
    if (whole) return std::move(lines_);
    if (Status status = read_found(); !status) return status.error();
    return std::move(lines_);
  }

 private:
  Status read_log(bool whole) {
    std::string from = "-";
    std::optional<std::string> chain;
    if (whole) chain = "";
    for (;;) {
      const auto page = redis_.ask({"XRANGE", prefix_ + ":log", from, "+", "COUNT", kPage});
      if (!page) return page.error();
      for (const redis::Reply& one : page->items) {
        if (one.items.size() != 2) continue;
        const auto entry = redis::read_entry(one.items[0], one.items[1]);
        if (!entry) {
          damage(entry.error().message);
          continue;
        }
        follow(*entry, chain);
        touched_.insert(entry->key);
        last_ = entry->revision;
        lines_ += line_of(*entry) + '\n';
      }
      if (page->items.empty()) return {};
      from = "(" + page->items.back().items[0].text;
    }
  }

  // As library.lua makes it.
  void follow(const redis::LogEntry& entry, std::optional<std::string>& chain) {
    if (chain) {
      const std::string made = sha1_hex(*chain + std::to_string(entry.revision) +
                                        redis::kind_name(entry.key.kind) + '/' + entry.key.ns + '/' +
                                        entry.key.name + sha1_hex(entry.bytes));
      ++followed_;
      if (made != entry.chain) {
        damage("entry " + std::to_string(entry.revision) + " of the log, " + api::to_string(entry.key) +
               ", is not what was written there, or not after what stands before it");
      }
    }
    chain = entry.chain;
  }

  Status read_beats() {
    const auto all = redis_.ask({"XRANGE", prefix_ + ":beats", "-", "+"});
    if (!all) return all.error();
    // Without the oldest, silences cannot be told from what was forgotten.
    if (all->items.empty() || all->items[0].items.empty() || all->items[0].items[0].text != "1-0") return {};
    for (const redis::Reply& one : all->items) {
      if (one.items.size() != 2) continue;
      lines_ += json::serialize(json::object{{"beat", std::string(one.items[1].at(1))}}) + '\n';
    }
    return {};
  }

  // What has not changed since the log begins. Through the library: its users may do little else.
  Status read_found() {
    for (const api::KindInfo& info : api::all_kinds()) {
      std::string cursor = "0";
      do {
        const auto page = redis_.ask(
            redis::call_of(prefix_, "keelson_page", {redis::kind_name(info.kind), cursor, kPage}, true));
        if (!page) return page.error();
        if (page->items.size() != 2) return {Code::unavailable, "a page of the store's objects cannot be read"};
        cursor = page->items[0].text;
        const auto& items = page->items[1].items;
        for (std::size_t i = 0; i + 2 < items.size(); i += 3) {
          found(info.kind, items[i].text, items[i + 1].text, items[i + 2].text);
        }
      } while (cursor != "0");
    }
    return {};
  }

  void found(api::Kind kind, const std::string& name, std::string_view head, const std::string& bytes) {
    const std::size_t slash = name.find('/');
    if (slash == name.npos) return;
    const uint64_t revision = redis::number_of(head.substr(0, head.find(' ')));
    // What has changed since the log was read was something else when it began.
    if (revision > last_ || !met_.insert({kind, name}).second) return;
    if (touched_.contains({kind, name.substr(0, slash), name.substr(slash + 1)})) return;
    // Of which epoch it is nobody tells, and nobody asks.
    const auto object = redis::read_object(kind, bytes, {1, revision});
    if (object) lines_ += found_line(**object) + '\n';
  }

  void damage(std::string what) {
    lines_ += json::serialize(json::object{{"damage", std::move(what)}}) + '\n';
  }

  Asker redis_;
  const std::string prefix_;
  std::string lines_;
  std::set<api::ObjectKey> touched_;
  std::set<std::pair<api::Kind, std::string>> met_;  // a scan may show one twice
  uint64_t last_ = 0, followed_ = 0;
};

}  // namespace

Result<std::string> read_store(const redis::Address& address, const std::string& prefix) {
  return Reader(address, prefix).read();
}

}  // namespace keelson::real
