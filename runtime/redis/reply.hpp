// What Redis answers, as a value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace keelson::redis {

struct Reply {
  enum class Type : uint8_t { nil, error, integer, text, array };
  Type type = Type::nil;
  int64_t integer = 0;
  std::string text;  // of an error, too: "NOPERM ..."
  std::vector<Reply> items;

  bool is_error() const { return type == Type::error; }
  // The i-th item's text; empty where there is none.
  std::string_view at(std::size_t i) const {
    return i < items.size() ? std::string_view(items[i].text) : std::string_view();
  }
  // The i-th item's text as a number; 0 where it is none.
  uint64_t number(std::size_t i) const;
};

uint64_t number_of(std::string_view text);

}  // namespace keelson::redis
