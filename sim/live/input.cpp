#include "sim/live/input.hpp"

#include <boost/json.hpp>

#include <array>
#include <string_view>

namespace keelson::sim {

namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 13> kNames = {
    "request",     "gone",   "blocked", "drained", "opened",  "data", "writable",
    "pipeBlocked", "closed", "fault",   "heal",    "signing", "end"};

// JSON texts are UTF-8, bodies are anything: bytes are kept as the code points of the same numbers,
// which leaves ASCII readable.
std::string widen(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (const char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    if (b < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0 | (b >> 6));
      out += static_cast<char>(0x80 | (b & 0x3f));
    }
  }
  return out;
}

std::string narrow(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto b = static_cast<unsigned char>(text[i]);
    if (b < 0x80 || i + 1 == text.size()) {
      out += text[i];
    } else {
      out += static_cast<char>(((b & 0x3) << 6) | (static_cast<unsigned char>(text[++i]) & 0x3f));
    }
  }
  return out;
}

json::array to_json(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& text : texts) out.push_back(json::value(widen(text)));
  return out;
}

std::vector<std::string> texts_of(const json::value& value) {
  std::vector<std::string> out;
  for (const json::value& item : value.as_array()) out.push_back(narrow(item.as_string()));
  return out;
}

json::object user_to_json(const auth::UserInfo& user) {
  json::object out;
  out["name"] = widen(user.name);
  if (!user.uid.empty()) out["uid"] = widen(user.uid);
  if (!user.groups.empty()) out["groups"] = to_json(user.groups);
  if (!user.extra.empty()) {
    json::object& extra = out["extra"].emplace_object();
    for (const auto& [key, values] : user.extra) extra[widen(key)] = to_json(values);
  }
  return out;
}

auth::UserInfo user_of(const json::object& object) {
  auth::UserInfo user;
  user.name = narrow(object.at("name").as_string());
  if (const auto* uid = object.if_contains("uid")) user.uid = narrow(uid->as_string());
  if (const auto* groups = object.if_contains("groups")) user.groups = texts_of(*groups);
  if (const auto* extra = object.if_contains("extra")) {
    for (const auto& item : extra->as_object()) {
      user.extra[narrow(item.key())] = texts_of(item.value());
    }
  }
  return user;
}

json::object request_to_json(const rest::HttpRequest& request) {
  json::object out;
  out["method"] = widen(request.method);
  out["target"] = widen(request.target);
  json::array& headers = out["headers"].emplace_array();
  for (const rest::Header& header : request.headers) {
    headers.push_back(
        json::array{json::value(widen(header.name)), json::value(widen(header.value))});
  }
  if (!request.body.empty()) out["body"] = widen(request.body);
  out["from"] = request.peer.address;
  out["secure"] = request.peer.secure;
  if (request.peer.user) out["user"] = user_to_json(*request.peer.user);
  out["id"] = widen(request.id);
  return out;
}

rest::HttpRequest request_of(const json::object& object) {
  rest::HttpRequest request;
  request.method = narrow(object.at("method").as_string());
  request.target = narrow(object.at("target").as_string());
  for (const json::value& item : object.at("headers").as_array()) {
    request.headers.push_back(
        {narrow(item.as_array().at(0).as_string()), narrow(item.as_array().at(1).as_string())});
  }
  if (const auto* body = object.if_contains("body")) request.body = narrow(body->as_string());
  request.peer.address = object.at("from").as_string();
  request.peer.secure = object.at("secure").as_bool();
  if (const auto* user = object.if_contains("user")) request.peer.user = user_of(user->as_object());
  request.id = narrow(object.at("id").as_string());
  return request;
}

}  // namespace

std::string to_line(const Entry& entry) {
  json::object out;
  out["at"] = entry.at.time_since_epoch().count();
  out["events"] = entry.events;
  out["digest"] = entry.digest;
  out["input"] = kNames[static_cast<std::size_t>(entry.input.kind)];
  if (entry.input.exchange != 0) out["number"] = entry.input.exchange;
  if (entry.input.kind == Input::Kind::request)
    out["request"] = request_to_json(entry.input.request);
  if (!entry.input.text.empty()) out["text"] = widen(entry.input.text);
  return json::serialize(out) + "\n";
}

Result<Entry> parse_entry(const std::string& line) {
  json::error_code error;
  const json::value value = json::parse(line, error);
  if (error || !value.is_object()) return Error{Code::invalid, "is no recorded input"};
  Entry entry;
  try {
    const json::object& object = value.as_object();
    entry.at = Instant{Duration{object.at("at").to_number<int64_t>()}};
    entry.events = object.at("events").to_number<uint64_t>();
    entry.digest = object.at("digest").to_number<uint64_t>();
    const std::string_view name = object.at("input").as_string();
    std::size_t kind = 0;
    while (kind < kNames.size() && kNames[kind] != name) ++kind;
    if (kind == kNames.size()) {
      return Error{Code::invalid, "has an input of an unknown kind, \"" + std::string(name) + "\""};
    }
    entry.input.kind = static_cast<Input::Kind>(kind);
    if (const auto* number = object.if_contains("number")) {
      entry.input.exchange = number->to_number<uint64_t>();
    }
    if (entry.input.kind == Input::Kind::request) {
      entry.input.request = request_of(object.at("request").as_object());
    }
    if (const auto* text = object.if_contains("text")) entry.input.text = narrow(text->as_string());
  } catch (const std::exception& e) {
    return Error{Code::invalid, std::string("is no recorded input: ") + e.what()};
  }
  return entry;
}

}  // namespace keelson::sim
