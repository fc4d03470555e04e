// The Kubernetes API as the verbs call it: one request at a time, blocking. main() gives them real
// connections (connection.hpp), tests give them answers.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "tools/cli/cluster/tree.hpp"

namespace keelson::cli {

struct ApiRequest {
  std::string method = "GET";
  std::string path;  // with the query: "/api/v1/pods?limit=500"
  std::string content_type;
  std::string body;
  std::string accept = "application/json";
};

struct ApiReply {
  int status = 0;
  std::string content_type;
  std::string body;
  std::vector<std::string> warnings;  // the texts of Warning headers
};

// A connection that speaks WebSocket.
class Socket {
 public:
  enum class Wake : uint8_t { message, other, timeout };

  virtual ~Socket() = default;
  virtual Status send(std::string_view message) = 0;
  // The next message; none: the other side has closed.
  virtual Result<std::optional<std::string>> receive() = 0;
  // Waits until there is something to receive, or `other_fd` (-1: none) is readable, or the time
  // has passed, or a signal came (which counts as timeout).
  virtual Wake wait(int other_fd, Duration timeout) = 0;
  virtual void close() = 0;
};

// Errors of all calls mean that no answer came; their messages are complete lines for people. An
// answer of status 400 and above is an answer: see failure_of().
class Api {
 public:
  virtual Result<ApiReply> call(const ApiRequest& request) = 0;
  // Hands a successful answer's body to `take` as it comes, until it ends or take() returns false.
  // Other answers come back whole, as from call().
  virtual Result<ApiReply> stream(const ApiRequest& request,
                                  const std::function<bool(std::string_view)>& take) = 0;
  // Speaks that subprotocol. An answer that is no upgrade is told in the error, as failure_of()
  // does.
  virtual Result<std::unique_ptr<Socket>> connect(const std::string& path,
                                                  const std::string& protocol) = 0;
  // Where it is: "https://10.0.0.1:6443".
  virtual std::string server() const = 0;

 protected:
  ~Api() = default;
};

// What kubectl prints for an answer of status 400 and above: `Error from server (NotFound): pods
// "x" not found`. `doing`: what stands before the server's words ("error when creating
// \"x.yaml\""). The code is not_found, exists, conflict, compacted, denied, or else invalid or
// unavailable.
Error failure_of(const ApiReply& reply, std::string_view doing = {});

// Percent-encodes what is not unreserved.
std::string encode_query(std::string_view text);

}  // namespace keelson::cli
