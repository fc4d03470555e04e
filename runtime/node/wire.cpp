#include "runtime/node/wire.hpp"

#include <array>
#include <boost/json.hpp>

#include "core/api/json.hpp"
#include "core/api/json_text.hpp"

namespace keelson::node {

namespace json = boost::json;

namespace {

constexpr std::size_t kHead = 4;

constexpr std::array<std::string_view, 5> kKinds = {"logs", "exec", "attach", "find", "connect"};

// Codes by name: their numbers are nobody's business but one program's.
constexpr std::array<Code, 10> kCodes = {
    Code::not_found, Code::exists,      Code::conflict, Code::fenced, Code::invalid,
    Code::compacted, Code::unavailable, Code::unknown,  Code::denied, Code::cancelled};

api::Pod named_part(const api::Pod& pod, const std::string& container) {
  api::Pod part;
  part.mutable_metadata()->set_namespace_(pod.metadata().namespace_());
  part.mutable_metadata()->set_name(pod.metadata().name());
  part.mutable_metadata()->set_uid(pod.metadata().uid());
  const auto copy = [&](const auto& from, auto* into) {
    for (const api::ContainerStatus& status : from) {
      if (status.name() == container) *into->Add() = status;
    }
  };
  const api::PodStatus& from = pod.status();
  api::PodStatus* const into = part.mutable_status();
  copy(from.container_statuses(), into->mutable_container_statuses());
  copy(from.init_container_statuses(), into->mutable_init_container_statuses());
  copy(from.ephemeral_container_statuses(), into->mutable_ephemeral_container_statuses());
  return part;
}

// The members of an object that may not be what they should be.
class Members {
 public:
  explicit Members(const json::value* value)
      : object_(value != nullptr ? value->if_object() : nullptr) {}

  const json::value* find(const char* name) const {
    return object_ != nullptr ? object_->if_contains(name) : nullptr;
  }
  std::string text(const char* name) const {
    const json::value* value = find(name);
    const json::string* text = value != nullptr ? value->if_string() : nullptr;
    return text != nullptr ? std::string(text->data(), text->size()) : std::string();
  }
  bool flag(const char* name) const {
    const json::value* value = find(name);
    const bool* flag = value != nullptr ? value->if_bool() : nullptr;
    return flag != nullptr && *flag;
  }
  std::optional<int64_t> number(const char* name) const {
    const json::value* value = find(name);
    const int64_t* number = value != nullptr ? value->if_int64() : nullptr;
    return number != nullptr ? std::optional(*number) : std::nullopt;
  }

 private:
  const json::object* object_;
};

json::object log_json(const agent::LogOptions& log) {
  json::object out;
  out["follow"] = log.follow;
  out["previous"] = log.previous;
  out["timestamps"] = log.timestamps;
  out["source"] = static_cast<int64_t>(log.source);
  if (log.tail_lines) out["tailLines"] = *log.tail_lines;
  if (log.limit_bytes) out["limitBytes"] = *log.limit_bytes;
  if (log.since_ago) out["sinceAgoNanos"] = static_cast<int64_t>(log.since_ago->count());
  if (log.since) out["sinceUnixNanos"] = log.since->unix_ns;
  return out;
}

agent::LogOptions read_log(const Members& from) {
  agent::LogOptions log;
  log.follow = from.flag("follow");
  log.previous = from.flag("previous");
  log.timestamps = from.flag("timestamps");
  const int64_t source = from.number("source").value_or(0);
  log.source = source == 1   ? agent::LogSource::standard_output
               : source == 2 ? agent::LogSource::standard_error
                             : agent::LogSource::all;
  log.tail_lines = from.number("tailLines");
  log.limit_bytes = from.number("limitBytes");
  if (const auto ago = from.number("sinceAgoNanos")) log.since_ago = Duration(*ago);
  if (const auto since = from.number("sinceUnixNanos")) log.since = WallTime{*since};
  return log;
}

json::object command_json(const agent::CommandOptions& command) {
  json::object out;
  json::array words;
  for (const std::string& word : command.command) words.emplace_back(word);
  out["command"] = std::move(words);
  out["input"] = command.input;
  out["output"] = command.output;
  out["errors"] = command.errors;
  out["tty"] = command.tty;
  return out;
}

agent::CommandOptions read_command(const Members& from) {
  agent::CommandOptions command;
  const json::value* words = from.find("command");
  if (words != nullptr && words->is_array()) {
    for (const json::value& word : words->get_array()) {
      if (word.is_string())
        command.command.emplace_back(word.get_string().c_str(), word.get_string().size());
    }
  }
  command.input = from.flag("input");
  command.output = from.flag("output");
  command.errors = from.flag("errors");
  command.tty = from.flag("tty");
  return command;
}

}  // namespace

std::string frame(FrameType type, std::string_view payload) {
  KEELSON_ASSERT(payload.size() <= kFrameMax);
  std::string out;
  out.reserve(kHead + payload.size());
  out += static_cast<char>(type);
  for (const int shift : {16, 8, 0}) out += static_cast<char>((payload.size() >> shift) & 0xff);
  out += payload;
  return out;
}

std::string data_frames(FrameType type, std::string_view data) {
  std::string out;
  for (; !data.empty(); data.remove_prefix(std::min(kFrameData, data.size()))) {
    out += frame(type, data.substr(0, kFrameData));
  }
  return out;
}

Result<std::optional<Frame>> FrameReader::next() {
  const std::string_view rest = std::string_view(bytes_).substr(at_);
  std::size_t size = 0;
  if (rest.size() >= kHead) {
    for (std::size_t i = 1; i < kHead; ++i) size = size << 8 | static_cast<unsigned char>(rest[i]);
    const auto type = static_cast<uint8_t>(rest[0]);
    if (type < static_cast<uint8_t>(FrameType::open) ||
        type > static_cast<uint8_t>(FrameType::over) || size > kFrameMax) {
      return Error{Code::invalid, "malformed frame"};
    }
  }
  if (rest.size() < kHead || rest.size() - kHead < size) {
    bytes_.erase(0, at_);
    at_ = 0;
    return std::optional<Frame>();
  }
  Frame frame{static_cast<FrameType>(rest[0]), std::string(rest.substr(kHead, size))};
  at_ += kHead + size;
  return std::optional(std::move(frame));
}

std::string_view to_string(StreamKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

std::optional<StreamKind> stream_kind(std::string_view name) {
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (kKinds[i] == name) return static_cast<StreamKind>(i);
  }
  return std::nullopt;
}

std::string encode_open(const OpenRequest& request) {
  json::object out;
  if (request.container.pod) {
    out["pod"] = api::to_json(named_part(*request.container.pod, request.container.container));
  }
  out["container"] = request.container.container;
  out["log"] = log_json(request.log);
  out["command"] = command_json(request.command);
  out["port"] = static_cast<int64_t>(request.port);
  return json::serialize(out);
}

Result<OpenRequest> decode_open(std::string_view text) {
  const api::ParsedJson parsed = api::parse_json(text, nullptr);
  if (!parsed.error.empty()) return Error{Code::invalid, "malformed request: " + parsed.error};
  const Members members(&parsed.value);
  OpenRequest request;
  const json::value* pod = members.find("pod");
  if (pod == nullptr || !pod->is_object()) return Error{Code::invalid, "malformed request: no pod"};
  api::Pod message;
  if (Status read = api::from_json(*pod, message); !read) return read.error();
  request.container.pod = api::Ref<api::Pod>(api::make_object(std::move(message)));
  request.container.container = members.text("container");
  request.log = read_log(Members(members.find("log")));
  request.command = read_command(Members(members.find("command")));
  const int64_t port = members.number("port").value_or(0);
  if (port < 0 || port > UINT16_MAX) return Error{Code::invalid, "malformed request: no port"};
  request.port = static_cast<uint16_t>(port);
  return request;
}

std::string encode_ending(const Ending& ending) {
  json::object out;
  if (!ending.why.ok()) {
    out["code"] = json::string(keelson::to_string(ending.why.code()));
    out["message"] = ending.why.message();
  }
  out["exitCode"] = ending.exit_code;
  return json::serialize(out);
}

Ending decode_ending(std::string_view text) {
  const api::ParsedJson parsed = api::parse_json(text, nullptr);
  if (!parsed.error.empty() || !parsed.value.is_object()) {
    return {{Code::unavailable, "the node's answer cannot be read"}, 0};
  }
  const Members members(&parsed.value);
  Ending ending;
  ending.exit_code = static_cast<int32_t>(members.number("exitCode").value_or(0));
  if (members.find("code") == nullptr) return ending;
  const std::string name = members.text("code");
  Code code = Code::unknown;
  for (const Code known : kCodes) {
    if (keelson::to_string(known) == name) code = known;
  }
  ending.why = {code, members.text("message")};
  return ending;
}

std::string encode_size(uint16_t columns, uint16_t rows) {
  return {static_cast<char>(columns >> 8), static_cast<char>(columns & 0xff),
          static_cast<char>(rows >> 8), static_cast<char>(rows & 0xff)};
}

bool decode_size(std::string_view payload, uint16_t& columns, uint16_t& rows) {
  if (payload.size() != 4) return false;
  const auto byte = [&](std::size_t i) {
    return static_cast<unsigned>(static_cast<unsigned char>(payload[i]));
  };
  columns = static_cast<uint16_t>(byte(0) << 8 | byte(1));
  rows = static_cast<uint16_t>(byte(2) << 8 | byte(3));
  return true;
}

}  // namespace keelson::node
