// Between the Store port and library.lua: arguments of its functions, and what they answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/store/store.hpp"
#include "runtime/redis/connection.hpp"

namespace keelson::redis {

// The text of library.lua, and what its `keelson_version` and the schema in `keelson_hello` must
// be.
std::string_view library();
inline constexpr int64_t kLibraryVersion = 1;
inline constexpr uint64_t kSchema = 1;

// "deployments.apps": names outlive the order of the kinds.
std::string kind_name(api::Kind kind);
std::optional<api::Kind> kind_of(std::string_view name);

// FCALL of a function of the library, on the store below this prefix ("{keelson}").
Connection::Arguments call_of(const std::string& prefix, const char* function,
                              std::vector<std::string> arguments, bool read_only = false);

// Who sends transactions: the session is the number of its connection.
struct Caller {
  std::string prefix, client;
  uint64_t session = 0;
};
// The head of a call that carries transactions, and each of them. `id` comes back in the log, and so does
// `at`, this server's clock.
Connection::Arguments transact_call(const Caller& caller, uint64_t epoch);
void add_transaction(const std::string& id, const store::Transaction& transaction, WallTime at,
                     Connection::Arguments& into);
// What `keelson_transact` answered as a whole: ok if it is one answer for each of `count`.
// Code::unknown: some may have happened.
Status check_answers(const Reply& reply, std::size_t count);
// One of those answers. Ok: the revision of the last write.
Result<uint64_t> read_answer(const Reply& answer, const store::Transaction& transaction);
// A transaction that the store refuses without asking Redis: no writes, a key twice, more than a
// call may carry.
Status check_form(const store::Transaction& transaction);

// An entry of the log.
struct LogEntry {
  uint64_t revision = 0, epoch = 0;
  store::Write::Op op{};
  api::ObjectKey key;
  std::string bytes;  // put: the object's
  std::string chain;
  std::string transaction;  // the id given to add_transaction()
  std::string by;           // who wrote it, knowing what: see provenance.hpp
  uint64_t left = 0;  // how many more events its transaction has
};
// Code::invalid: not an entry of ours, or of a kind that this version does not know.
Result<LogEntry> read_entry(const Reply& id, const Reply& fields);
Result<api::ObjectPtr> read_object(api::Kind kind, std::string_view bytes, api::Revision revision);

std::string write_beat(const api::Beat& beat);
std::optional<api::Beat> read_beat(std::string_view text);

}  // namespace keelson::redis
