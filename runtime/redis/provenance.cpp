#include "runtime/redis/provenance.hpp"

#include <charconv>

#include "core/api/kinds.hpp"
#include "runtime/redis/protocol.hpp"

namespace keelson::redis {

namespace {

template <class Number>
Number number(std::string_view text) {
  Number value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string_view take_until(std::string_view& rest, char separator) {
  const std::size_t at = rest.find(separator);
  const std::string_view word = rest.substr(0, at);
  rest = at == rest.npos ? std::string_view() : rest.substr(at + 1);
  return word;
}

// "pods@1.230,nodes@1.228"
api::BasisPtr read_basis(std::string_view text) {
  auto basis = std::make_shared<api::Basis>();
  while (!text.empty()) {
    std::string_view entry = take_until(text, ',');
    const auto kind = kind_of(take_until(entry, '@'));
    const auto epoch = number<uint64_t>(take_until(entry, '.'));
    if (kind) basis->read(*kind, {epoch, number<uint64_t>(entry)});
  }
  return basis;
}

}  // namespace

std::string write_provenance(const store::Provenance* by, WallTime at) {
  std::string text = by == nullptr ? std::string() : by->actor;
  text += " at=" + std::to_string(at.unix_ns);
  if (by == nullptr) return text;
  if (!by->fence.role.empty()) {
    text += " role=" + by->fence.role + " token=" + std::to_string(by->fence.token);
  }
  if (by->request_id != 0) text += " call=" + std::to_string(by->request_id);
  if (by->basis) {
    text += " knows=";
    bool first = true;
    for (const api::KindInfo& info : api::all_kinds()) {
      const api::Revision seen = by->basis->of(info.kind);
      if (!seen) continue;
      if (!std::exchange(first, false)) text += ',';
      text += info.qualified + '@' + std::to_string(seen.epoch) + '.' + std::to_string(seen.value);
    }
  }
  // Names of users may contain anything, so this one comes last.
  if (!by->user.empty()) text += " user=" + by->user;
  return text;
}

Told read_provenance(std::string_view text) {
  Told told;
  auto by = std::make_shared<store::Provenance>();
  by->actor = take_until(text, ' ');
  while (!text.empty()) {
    if (text.starts_with("user=")) {
      by->user = text.substr(5);
      break;
    }
    std::string_view value = take_until(text, ' ');
    const std::string_view key = take_until(value, '=');
    if (key == "at") told.at.unix_ns = number<int64_t>(value);
    if (key == "role") by->fence.role = value;
    if (key == "token") by->fence.token = number<uint64_t>(value);
    if (key == "call") by->request_id = number<uint64_t>(value);
    if (key == "knows") by->basis = read_basis(value);
  }
  if (!by->actor.empty()) told.by = std::move(by);
  return told;
}

}  // namespace keelson::redis
