#include "runtime/redis/protocol.hpp"

#include <boost/json.hpp>
#include <map>
#include <set>

#include "core/api/kinds.hpp"
#include "runtime/redis/provenance.hpp"

namespace keelson::redis {

namespace json = boost::json;
using api::ObjectKey;

std::string kind_name(api::Kind kind) {
  return api::info(kind).qualified;
}

std::optional<api::Kind> kind_of(std::string_view name) {
  static const std::map<std::string, api::Kind, std::less<>> kinds = [] {
    std::map<std::string, api::Kind, std::less<>> all;
    for (const api::KindInfo& info : api::all_kinds()) all.emplace(info.qualified, info.kind);
    return all;
  }();
  const auto found = kinds.find(name);
  if (found == kinds.end()) return std::nullopt;
  return found->second;
}

namespace {

std::string name_of(const ObjectKey& key) {
  return key.ns + '/' + key.name;
}

// The preconditions of a write or a check, as both have them.
template <class Precondition>
void add_conditions(const Precondition& wanted, Connection::Arguments& into) {
  into.push_back(kind_name(wanted.key.kind));
  into.push_back(name_of(wanted.key));
  into.push_back(wanted.absent ? "1" : "");
  into.push_back(wanted.revision ? std::to_string(wanted.revision->value) : "");
  into.push_back(wanted.uid);
}

}  // namespace

Connection::Arguments call_of(const std::string& prefix, const char* function,
                              std::vector<std::string> arguments, bool read_only) {
  Connection::Arguments all{read_only ? "FCALL_RO" : "FCALL", function, "1", prefix};
  for (std::string& argument : arguments) all.push_back(std::move(argument));
  return all;
}

Status check_form(const store::Transaction& transaction) {
  if (transaction.writes.empty()) return {Code::invalid, "a transaction without writes"};
  // Redis does nothing else while it executes one.
  constexpr std::size_t keys_max = 1000;
  if (transaction.writes.size() + transaction.checks.size() > keys_max) {
    return {Code::invalid, "a transaction of more than " + std::to_string(keys_max) + " keys"};
  }
  std::set<ObjectKey> keys;
  for (const store::Write& write : transaction.writes) {
    if (keys.insert(write.key).second) continue;
    return {Code::invalid, to_string(write.key) + " is written twice in one transaction"};
  }
  return {};
}

Connection::Arguments transact_call(const Caller& caller, uint64_t epoch) {
  return call_of(caller.prefix, "keelson_transact",
                 {std::to_string(epoch), caller.client, std::to_string(caller.session)});
}

void add_transaction(const std::string& id, const store::Transaction& transaction, WallTime at,
                     Connection::Arguments& into) {
  const std::size_t begin = into.size();
  into.emplace_back();  // the number of arguments that follow
  into.push_back(id);
  into.push_back(transaction.fence.role);
  into.push_back(std::to_string(transaction.fence.token));
  into.push_back(transaction.grant_role);
  into.push_back(write_provenance(transaction.provenance.get(), at));
  into.push_back(std::to_string(transaction.writes.size()));
  into.push_back(std::to_string(transaction.checks.size()));
  for (const store::Write& write : transaction.writes) {
    const bool put = write.op == store::Write::Op::put;
    into.emplace_back(put ? "p" : "r");
    add_conditions(write, into);
    if (!put) continue;
    into.push_back(write.object->uid());
    into.push_back(write.object->message().SerializeAsString());
  }
  for (const store::Check& check : transaction.checks) add_conditions(check, into);
  into[begin] = std::to_string(into.size() - begin - 1);
}

Status check_answers(const Reply& reply, std::size_t count) {
  if (reply.is_error()) {
    // Refusals of Redis itself come before the script has begun; an error inside it may have come
    // after a write.
    const bool begun = reply.text.find("script:") != std::string::npos;
    return {begun ? Code::unknown : Code::unavailable, "Redis refused: " + reply.text};
  }
  if (reply.at(0) == "epoch" || reply.at(0) == "session") {
    return {Code::unavailable, "the store has moved on: another " + std::string(reply.at(0))};
  }
  if (reply.items.size() != count) return {Code::unknown, "Redis answered something unexpected"};
  return {};
}

Result<uint64_t> read_answer(const Reply& answer, const store::Transaction& transaction) {
  const std::string_view why = answer.at(0);
  if (why == "ok") return answer.number(1);
  if (why == "fenced") {
    return {Code::fenced, "token " + std::to_string(transaction.fence.token) + " of role " +
                              transaction.fence.role +
                              " is not current: another has taken the role over"};
  }
  const std::size_t index = answer.number(1);
  const std::size_t writes = transaction.writes.size();
  if (index >= writes + transaction.checks.size()) {
    return {Code::unknown, "Redis answered something unexpected"};
  }
  const ObjectKey& key =
      index < writes ? transaction.writes[index].key : transaction.checks[index - writes].key;
  if (why == "not_found") return {Code::not_found, to_string(key) + " does not exist"};
  if (why == "exists") return {Code::exists, to_string(key) + " exists already"};
  if (why != "conflict") return {Code::unknown, "Redis answered something unexpected"};
  return {Code::conflict, to_string(key) + " is at revision " + std::string(answer.at(2)) +
                              " with uid " + std::string(answer.at(3))};
}

Result<LogEntry> read_entry(const Reply& id, const Reply& fields) {
  LogEntry entry;
  entry.revision = number_of(id.text);
  std::string kind, name;
  for (std::size_t i = 0; i + 1 < fields.items.size(); i += 2) {
    const std::string& field = fields.items[i].text;
    const std::string& value = fields.items[i + 1].text;
    if (field == "k") kind = value;
    if (field == "n") name = value;
    if (field == "o") entry.op = value == "p" ? store::Write::Op::put : store::Write::Op::remove;
    if (field == "v") entry.bytes = value;
    if (field == "h") entry.chain = value;
    if (field == "e") entry.epoch = number_of(value);
    if (field == "t") entry.transaction = value;
    if (field == "a") entry.by = value;
    if (field == "l") entry.left = number_of(value);
  }
  const auto known = kind_of(kind);
  const std::size_t slash = name.find('/');
  if (entry.revision == 0 || entry.epoch == 0 || slash == std::string::npos) {
    return {Code::invalid, "entry " + id.text + " of the log is none of Keelson's"};
  }
  if (!known) {
    return {Code::invalid,
            "entry " + id.text + " of the log is a " + kind +
                ", which this version does not know: it is older than another server"};
  }
  entry.key = {*known, name.substr(0, slash), name.substr(slash + 1)};
  return entry;
}

Result<api::ObjectPtr> read_object(api::Kind kind, std::string_view bytes, api::Revision revision) {
  std::unique_ptr<api::Message> message = api::new_message(kind);
  if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return {Code::invalid, "an object of kind " + api::info(kind).name + " at revision " +
                               to_string(revision) + " cannot be read"};
  }
  return std::make_shared<const api::Object>(kind, api::MessagePtr(std::move(message)), revision);
}

std::string write_beat(const api::Beat& beat) {
  json::array reports;
  for (const api::PeerReport& report : beat.reports) {
    reports.push_back({report.node, report.round, report.reachable});
  }
  return json::serialize(
      json::array{beat.node, beat.seq, beat.renew_time.unix_ns, std::move(reports)});
}

std::optional<api::Beat> read_beat(std::string_view text) {
  boost::system::error_code error;
  const json::value tree = json::parse(text, error);
  if (error || !tree.is_array() || tree.get_array().size() != 4) return std::nullopt;
  const json::array& parts = tree.get_array();
  if (!parts[0].is_string() || !parts[1].is_number() || !parts[2].is_number() ||
      !parts[3].is_array()) {
    return std::nullopt;
  }
  api::Beat beat;
  beat.node = std::string(parts[0].get_string());
  beat.seq = parts[1].to_number<uint64_t>(error);
  beat.renew_time.unix_ns = parts[2].to_number<int64_t>(error);
  for (const json::value& one : parts[3].get_array()) {
    if (!one.is_array() || one.get_array().size() != 3) return std::nullopt;
    const json::array& report = one.get_array();
    if (!report[0].is_string() || !report[1].is_number() || !report[2].is_bool())
      return std::nullopt;
    beat.reports.push_back({std::string(report[0].get_string()),
                            report[1].to_number<uint64_t>(error), report[2].get_bool()});
  }
  return beat;
}

}  // namespace keelson::redis
