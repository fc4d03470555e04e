// The query of a request's target, and header values, as the streaming subresources read them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.hpp"

namespace keelson::rest {

// Equal, whatever the case (ASCII).
bool same_word(std::string_view a, std::string_view b);
// The values of a header that may come several times and hold several, separated by commas.
std::vector<std::string> split_list(std::string_view value);

class Query {
 public:
  // Of "/path?a=1&b=x%20y". What is wrongly escaped is taken as it stands.
  static Query of(std::string_view target);

  const std::string* find(std::string_view name) const;
  std::string text(std::string_view name) const;  // empty if absent
  std::vector<std::string> all(std::string_view name) const;
  // Anything but "0" and "false" is true, as Kubernetes' conversion has it; absent is false.
  bool flag(std::string_view name) const;
  // Nothing if absent or empty. Error: no number; the message is Go's.
  Result<std::optional<int64_t>> number(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace keelson::rest
