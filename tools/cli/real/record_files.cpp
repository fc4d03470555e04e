#include "tools/cli/real/record_files.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "runtime/loop/entropy.hpp"
#include "runtime/redis/provenance.hpp"

namespace keelson::real {

namespace json = boost::json;

namespace {

std::string text_of(const json::object& line, std::string_view key) {
  const json::value* value = line.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}
uint64_t number_of(const json::object& line, std::string_view key) {
  const json::value* value = line.if_contains(key);
  if (value == nullptr) return 0;
  boost::system::error_code wrong;
  if (value->is_number()) return value->to_number<uint64_t>(wrong);
  return redis::number_of(text_of(line, key));
}
bool truth_of(const json::object& line, std::string_view key) {
  const json::value* value = line.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}
WallTime time_of(const json::object& line, std::string_view key) {
  return {static_cast<int64_t>(std::min<uint64_t>(number_of(line, key), INT64_MAX))};
}

std::optional<api::ObjectKey> key_of(const json::object& line) {
  const auto kind = redis::kind_of(text_of(line, "kind"));
  const std::string name = text_of(line, "name");
  const std::size_t slash = name.find('/');
  if (!kind || slash == name.npos) return std::nullopt;
  return api::ObjectKey{*kind, name.substr(0, slash), name.substr(slash + 1)};
}

Result<api::ObjectPtr> object_of(const json::value& tree, api::Revision at) {
  auto decoded = api::decode_object(json::serialize(tree));
  if (!decoded) return decoded.error();
  return decoded->object->at(at);
}

// For what must not be kept: the same for the same value within one record, and of no use to anybody else.
std::string hash_of(std::string_view value) {
  static const std::string salt = std::to_string(runtime::entropy_seed()) + std::to_string(runtime::entropy_seed());
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const std::string salted = salt + std::string(value);
  EVP_Digest(salted.data(), salted.size(), digest, &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    constexpr char digits[] = "0123456789abcdef";
    hex += digits[digest[i] >> 4];
    hex += digits[digest[i] & 15];
  }
  return hex;  // which is also base64 of something, as Secrets need it
}

// The object as JSON. A Secret's values, also those that kubectl repeats in its annotation, become hashes.
json::value tree_of(const api::Object& object) {
  json::value tree = json::parse(api::encode_object(object));
  if (object.kind() != api::Kind::secrets || !tree.is_object()) return tree;
  for (const char* key : {"data", "stringData"}) {
    json::value* values = tree.get_object().if_contains(key);
    if (values == nullptr || !values->is_object()) continue;
    for (auto& [name, value] : values->get_object()) {
      if (value.is_string()) value = hash_of(std::string(value.get_string()));
    }
  }
  json::value* meta = tree.get_object().if_contains("metadata");
  json::value* notes = meta != nullptr && meta->is_object() ? meta->get_object().if_contains("annotations") : nullptr;
  if (notes == nullptr || !notes->is_object()) return tree;
  for (auto& [name, value] : notes->get_object()) {
    if (value.is_string()) value = hash_of(std::string(value.get_string()));
  }
  return tree;
}

Error bad(std::string why) { return {Code::invalid, std::move(why)}; }

}  // namespace

std::string line_of(const redis::LogEntry& entry) {
  json::object line{{"revision", std::to_string(entry.revision)},
                    {"epoch", std::to_string(entry.epoch)},
                    {"op", entry.op == store::Write::Op::put ? "put" : "remove"},
                    {"kind", redis::kind_name(entry.key.kind)},
                    {"name", entry.key.ns + '/' + entry.key.name},
                    {"by", entry.by},
                    {"left", std::to_string(entry.left)}};
  if (entry.op == store::Write::Op::put) {
    const auto object =
        redis::read_object(entry.key.kind, entry.bytes, {entry.epoch, entry.revision});
    if (!object) {
      return json::serialize(json::object{{"damage", object.error().message}});
    }
    line["object"] = tree_of(**object);
  }
  return json::serialize(line);
}

std::string found_line(const api::Object& object) {
  return json::serialize(json::object{{"found", tree_of(object)},
                                      {"epoch", std::to_string(object.revision().epoch)},
                                      {"revision", std::to_string(object.revision().value)}});
}

Result<std::string> slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{Code::not_found, path + " cannot be read"};
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

Result<std::string> journal_text(const std::string& path) {
  auto text = slurp(path);
  if (!text) return text;
  if (auto before = slurp(path + ".1")) return *before + *text;
  return text;
}

Status RecordReader::read_directory(const std::string& directory) {
  std::error_code wrong;
  std::set<std::string> files;
  for (const auto& file : std::filesystem::directory_iterator(directory, wrong)) {
    if (file.path().extension() == ".jsonl") files.insert(file.path());
  }
  if (wrong) return {Code::invalid, directory + ": " + wrong.message()};
  if (files.empty()) return {Code::invalid, directory + ": there are no *.jsonl in it"};
  for (const std::string& file : files) {
    auto text = slurp(file);
    if (!text) return text.error();
    if (Status status = read(*text, file); !status) return status;
  }
  return {};
}

Status RecordReader::read(std::string_view text, const std::string& source) {
  Journal journal;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    // Whoever writes a journal may have been killed in the middle of its last line.
    if (end == text.npos) break;
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (one.empty()) continue;
    if (Status status = line(one, journal); !status) {
      return {Code::invalid, source + ":" + std::to_string(number) + ": " + status.message()};
    }
  }
  if (!journal.node.empty()) record_.told_until[journal.node] = journal.last;
  return {};
}

Status RecordReader::line(std::string_view text, Journal& journal) {
  boost::system::error_code wrong;
  const json::value tree = json::parse(text, wrong);
  // A line that a full disk or a crash has cut: journals go on behind it.
  if (wrong || !tree.is_object()) return journal.node.empty() ? bad("is no JSON object") : Status();
  const json::object& line = tree.get_object();
  const auto has = [&](std::string_view key) { return line.if_contains(key) != nullptr; };
  if (has("store")) {
    if (truth_of(line, "whole")) record_.facts |= sim::fact::whole;
    read_at_ = time_of(line, "at");
  } else if (has("hashes")) {
    record_.hashes += number_of(line, "hashes");
  } else if (has("op")) {
    return entry(line);
  } else if (has("found")) {
    return found(line);
  } else if (has("beat")) {
    const auto beat = redis::read_beat(text_of(line, "beat"));
    if (!beat) return bad("\"beat\" is none");
    record_.facts |= sim::fact::beats;
    record_.moments.push_back({beat->renew_time, *beat});
  } else if (has("damage")) {
    record_.damage.push_back(text_of(line, "damage"));
  } else if (has("machines")) {
    record_.facts |= sim::fact::machines;
  } else if (has("machine")) {
    record_.facts |= sim::fact::machines;
    record_.moments.push_back(
        {time_of(line, "at"), sim::RecordedMachine{text_of(line, "machine"), truth_of(line, "powered"),
                                                   truth_of(line, "reachable")}});
  } else if (has("promised")) {
    const auto key = key_of(line);
    if (!key) return bad("\"promised\" needs a kind and a name");
    // After everything: whether it is there is asked in the end.
    record_.moments.push_back(
        {WallTime{}, sim::RecordedPromise{*key, {0, number_of(line, "promised")}}});
  } else if (has("settled")) {
    record_.facts |= sim::fact::rest;
    record_.moments.push_back({time_of(line, "at"), sim::RecordedRest{}});
  } else if (has("profile")) {
    record_.kubernetes_profile = text_of(line, "profile") == "kubernetes";
  } else if (has("agent") || has("id") || has("gone") || has("all") || has("same")) {
    journal_line(line, journal);
  } else {
    return bad("tells nothing that is known");
  }
  return {};
}

Status RecordReader::found(const json::object& line) {
  auto object = object_of(line.at("found"), {number_of(line, "epoch"), number_of(line, "revision")});
  if (!object) return object.error();
  record_.beginning.push_back(std::move(*object));
  return {};
}

Status RecordReader::entry(const json::object& line) {
  sim::RecordedWrite write;
  const auto key = key_of(line);
  if (!key) return bad("an entry needs a kind and a name");
  write.key = *key;
  write.op = text_of(line, "op") == "put" ? store::Write::Op::put : store::Write::Op::remove;
  write.revision = {number_of(line, "epoch"), number_of(line, "revision")};
  if (write.op == store::Write::Op::put) {
    const json::value* tree = line.if_contains("object");
    if (tree == nullptr) return bad("a put needs an object");
    auto object = object_of(*tree, write.revision);
    if (!object) return object.error();
    write.object = std::move(*object);
  }
  const std::string by = text_of(line, "by");
  redis::Told told = redis::read_provenance(by);
  if (entries_++ == 0) first_ = write.revision.value;
  if (told.at.unix_ns == 0) provenance_ = false;
  if (told.by) {
    auto named = std::make_shared<store::Provenance>(*told.by);
    // Who comes through HTTP is known by the certificate alone.
    constexpr std::string_view kNode = "system:node:";
    if (named->actor == "http" && named->user.starts_with(kNode)) {
      named->actor = "agent/" + named->user.substr(kNode.size());
    }
    if (named->basis) {
      const std::size_t begin = by.find(" knows="), end = by.find(' ', begin + 1);
      const std::string knows = by.substr(begin, end - begin);
      Decision& last = decisions_[named->actor];
      if (last.knows != knows) last = {knows, named->basis};
      named->basis = last.basis;
    }
    open_.by = std::move(named);
  }
  open_at_ = told.at;
  open_.writes.push_back(std::move(write));
  if (number_of(line, "left") > 0) return {};
  record_.moments.push_back({open_at_, std::exchange(open_, {})});
  return {};
}

void RecordReader::journal_line(const json::object& line, Journal& journal) {
  if (line.if_contains("agent") != nullptr) {
    record_.facts |= sim::fact::containers;
    const std::string node = text_of(line, "agent");
    if (journal.node.empty()) {
      journal.node = node;
      for (const json::object& one : std::exchange(journal.nobodys, {})) of_node(one, journal);
    }
    journal.node = node;
    if (!truth_of(line, "continued")) {
      journal.agent_before = journal.last;
      record_.moments.push_back({time_of(line, "at"), sim::RecordedAgent{node}});
    }
  } else if (journal.node.empty()) {
    journal.nobodys.push_back(line);
    return;
  } else {
    of_node(line, journal);
  }
  journal.last = std::max(journal.last, time_of(line, "at"));
}

void RecordReader::of_node(const json::object& line, Journal& journal) {
  const WallTime at = time_of(line, "at");
  journal.last = std::max(journal.last, at);
  if (line.if_contains("same") != nullptr) return;
  if (line.if_contains("gone") != nullptr) {
    const auto life = journal.lives.find(text_of(line, "gone"));
    // It ended at some time since it was last seen: at the earliest, so that nobody is blamed wrongly.
    if (life != journal.lives.end()) ended(life->second, journal.node, time_of(line, "after"));
    return;
  }
  if (const json::value* all = line.if_contains("all")) {
    std::set<std::string> there;
    if (all->is_array()) {
      for (const json::value& id : all->get_array()) {
        if (id.is_string()) there.insert(std::string(id.get_string()));
      }
    }
    for (auto& [id, life] : journal.lives) {
      // The agent before this one has known of it until its own last line.
      if (!there.contains(id)) ended(life, journal.node, std::max(life.seen, journal.agent_before));
    }
    return;
  }
  agent::ContainerInfo info;
  info.id = text_of(line, "id");
  info.sandbox = text_of(line, "sandbox");
  info.pod_uid = text_of(line, "pod");
  info.name = text_of(line, "name");
  info.image = text_of(line, "image");
  info.attempt = static_cast<uint32_t>(number_of(line, "attempt"));
  info.init = truth_of(line, "init");
  info.started_at = time_of(line, "started");
  info.finished_at = time_of(line, "finished");
  info.exit_code = static_cast<int32_t>(number_of(line, "exit"));
  info.reason = text_of(line, "reason");
  const auto [it, is_new] = journal.lives.try_emplace(info.id);
  Life& life = it->second;
  life.info = info;
  life.seen = at;
  if (info.started_at.unix_ns != 0 && is_new) {
    life.info.state = agent::ContainerState::running;
    record_.moments.push_back({info.started_at, sim::RecordedContainer{journal.node, life.info, true}});
  }
  if (info.finished_at.unix_ns != 0) ended(life, journal.node, info.finished_at);
}

void RecordReader::ended(Life& life, const std::string& node, WallTime at) {
  if (std::exchange(life.ended, true) || life.info.started_at.unix_ns == 0) return;
  life.info.state = agent::ContainerState::exited;
  record_.moments.push_back(
      {std::max(at, life.info.started_at), sim::RecordedContainer{node, life.info, false}});
}

// One look at the cluster: the log is read first, so what is noted later than that tells of a history that
// is not here. Whatever the log says of later goes, too, that both end at the same time.
void RecordReader::cut() {
  std::erase_if(record_.beginning, [&](const api::ObjectPtr& object) {
    return entries_ > 0 && object->revision().value >= first_;
  });
  if (read_at_.unix_ns == 0) return;
  // A clock that is an hour ahead tells no time, and cuts nothing.
  const WallTime never = read_at_ + 1h;
  uint64_t end = UINT64_MAX;  // the first revision that is too late
  bool late = true;
  for (auto it = record_.moments.rbegin(); it != record_.moments.rend(); ++it) {
    const auto* one = std::get_if<sim::RecordedTransaction>(&it->what);
    if (one == nullptr) continue;
    if (it->at > never) it->at = {};
    late = late && it->at > read_at_;
    if (late) end = one->writes.front().revision.value;
  }
  std::erase_if(record_.moments, [&](const sim::Moment& moment) {
    const auto* one = std::get_if<sim::RecordedTransaction>(&moment.what);
    return one != nullptr ? one->writes.front().revision.value >= end : moment.at > read_at_;
  });
  std::erase_if(record_.moments, [&](const sim::Moment& moment) {
    const auto* one = std::get_if<sim::RecordedPromise>(&moment.what);
    return one != nullptr && one->revision.value >= end;
  });
}

sim::Record RecordReader::take() {
  cut();
  if (entries_ > 0 && provenance_) record_.facts |= sim::fact::provenance;
  // Whatever was played several times has settled several times: the last time counts.
  std::size_t rests = 0;
  for (const sim::Moment& moment : record_.moments) {
    rests += std::holds_alternative<sim::RecordedRest>(moment.what);
  }
  std::erase_if(record_.moments, [&](const sim::Moment& moment) {
    return std::holds_alternative<sim::RecordedRest>(moment.what) && --rests > 0;
  });
  // Promises are judged in the end.
  WallTime last;
  for (const sim::Moment& moment : record_.moments) last = std::max(last, moment.at);
  for (sim::Moment& moment : record_.moments) {
    if (std::holds_alternative<sim::RecordedPromise>(moment.what)) moment.at = last;
  }
  return std::move(record_);
}

}  // namespace keelson::real
