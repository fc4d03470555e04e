#include "core/apiserver/continue_token.hpp"

#include <boost/json.hpp>

namespace keelson::apiserver {

namespace {

namespace json = boost::json;

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode_base64url(std::string_view bytes) {
  std::string text;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) text += kAlphabet[bits >> (held - 6) & 63];
  }
  if (held > 0) text += kAlphabet[bits << (6 - held) & 63];
  return text;
}

std::optional<std::string> decode_base64url(std::string_view text, std::size_t* bad) {
  std::string bytes;
  uint32_t bits = 0;
  int held = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t value = kAlphabet.find(text[i]);
    if (value == kAlphabet.npos || (i + 1 == text.size() && text.size() % 4 == 1)) {
      *bad = i;
      return std::nullopt;
    }
    bits = bits << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>(bits >> held & 255);
    }
  }
  return bytes;
}

Error not_valid(const std::string& why) {
  return {Code::invalid, "continue key is not valid: " + why};
}

}  // namespace

std::string ContinueToken::encode() const {
  json::object token;
  token["v"] = "meta.k8s.io/v1";
  token["rv"] = at ? static_cast<int64_t>(at->value) : int64_t{-1};
  if (at && at->epoch > 0) token["epoch"] = at->epoch;
  if (!after.ns.empty()) token["ns"] = after.ns;
  token["start"] = after.name;
  return encode_base64url(json::serialize(token));
}

Result<ContinueToken> ContinueToken::decode(std::string_view text) {
  std::size_t bad = 0;
  const auto bytes = decode_base64url(text, &bad);
  if (!bytes) return not_valid("illegal base64 data at input byte " + std::to_string(bad));
  if (bytes->empty()) return not_valid("unexpected end of JSON input");
  if (bytes->front() != '{') {
    std::string why = "invalid character '";
    (why += bytes->front()) += "' looking for beginning of value";
    return not_valid(why);
  }
  boost::system::error_code failure;
  const json::value parsed = json::parse(*bytes, failure);
  if (failure || !parsed.is_object()) return not_valid("unexpected end of JSON input");
  const json::object& object = parsed.as_object();
  const auto string = [&](const char* key) -> std::string {
    const json::value* value = object.if_contains(key);
    return value && value->is_string() ? std::string(value->as_string()) : std::string();
  };
  const auto number = [&](const char* key) -> int64_t {
    const json::value* value = object.if_contains(key);
    return value && value->is_int64() ? value->as_int64() : 0;
  };
  if (string("v") != "meta.k8s.io/v1") {
    return not_valid("server does not recognize this encoded version \"" + string("v") + "\"");
  }
  const int64_t revision = number("rv");
  if (revision == 0)
    return not_valid("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  ContinueToken token;
  if (revision > 0) {
    token.at = Revision{static_cast<uint64_t>(number("epoch")), static_cast<uint64_t>(revision)};
  }
  token.after = {string("ns"), string("start")};
  if (token.after.name.empty()) {
    return not_valid("encoded start key empty (version meta.k8s.io/v1)");
  }
  return token;
}

}  // namespace keelson::apiserver
