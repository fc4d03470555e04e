// The first lines of a request as a client sends them.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "runtime/http/client.hpp"
#include "runtime/http/dial.hpp"

namespace keelson::http {

struct HeadDefaults {
  std::string user_agent;
  std::string bearer_token;  // sent over TLS only
};

// With the empty line at its end. Code::invalid: something in it would break out of its line.
Result<std::string> request_head(const ServerUrl& server, const HeadDefaults& defaults,
                                 const Request& request, const std::vector<Header>& extra);

}  // namespace keelson::http
