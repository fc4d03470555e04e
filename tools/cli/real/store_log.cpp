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
    const auto meta = redis_.ask({"HMGET", prefix_ + ":meta", "rev", "compact"});
    if (!meta) return meta.error();
    if (meta->at(0).empty()) return Error{Code::invalid, "there is no store of Keelson's at this address"};
    const bool whole = meta->number(1) == 0;
    lines_ = json::serialize(json::object{{"store", "keelson"}, {"whole", whole}}) + '\n';
    if (Status status = read_log(whole); !status) return status.error();
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

  // What has not changed since the log begins.
  Status read_found() {
    for (const api::KindInfo& info : api::all_kinds()) {
      const std::string kind = redis::kind_name(info.kind);
      const auto values = redis_.ask({"HGETALL", prefix_ + ":v:" + kind});
      if (!values) return values.error();
      const auto heads = redis_.ask({"HGETALL", prefix_ + ":m:" + kind});
      if (!heads) return heads.error();
      std::map<std::string, uint64_t> revisions;
      for (std::size_t i = 0; i + 1 < heads->items.size(); i += 2) {
        const std::string& head = heads->items[i + 1].text;
        revisions[heads->items[i].text] = redis::number_of(std::string_view(head).substr(0, head.find(' ')));
      }
      for (std::size_t i = 0; i + 1 < values->items.size(); i += 2) {
        const std::string& name = values->items[i].text;
        const std::size_t slash = name.find('/');
        if (slash == name.npos) continue;
        if (touched_.contains({info.kind, name.substr(0, slash), name.substr(slash + 1)})) continue;
        // Of which epoch it is nobody tells, and nobody asks.
        const auto object = redis::read_object(info.kind, values->items[i + 1].text, {1, revisions[name]});
        if (object) lines_ += found_line(**object) + '\n';
      }
    }
    return {};
  }

  void damage(std::string what) {
    lines_ += json::serialize(json::object{{"damage", std::move(what)}}) + '\n';
  }

  Asker redis_;
  const std::string prefix_;
  std::string lines_;
  std::set<api::ObjectKey> touched_;
};

}  // namespace

Result<std::string> read_store(const redis::Address& address, const std::string& prefix) {
  return Reader(address, prefix).read();
}

}  // namespace keelson::real
