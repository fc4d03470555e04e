// One invocation of a verb: its flags, the cluster it talks to, and the terminal. Verbs are
// functions over a Session that return what went wrong; what they print goes through the Console.
//
// The message of an Error is the whole line that people see ("error: ...", "Error from server
// (NotFound):
// ..."): the words are kubectl's wherever kubectl has words for it. An empty message prints
// nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/time.hpp"
#include "tools/cli/cluster/api.hpp"
#include "tools/cli/cluster/discovery.hpp"
#include "tools/cli/cluster/flags.hpp"
#include "tools/cli/cluster/kubeconfig.hpp"

namespace keelson::cli {

// The terminal and the clock.
class Console {
 public:
  virtual void out(std::string_view text) = 0;
  virtual void err(std::string_view text) = 0;
  virtual std::string read_input() = 0;  // standard input to its end
  virtual WallTime now() = 0;
  virtual void sleep(Duration time) = 0;

 protected:
  ~Console() = default;
};

namespace patch {
inline constexpr const char* strategic = "application/strategic-merge-patch+json";
inline constexpr const char* merge = "application/merge-patch+json";
inline constexpr const char* json = "application/json-patch+json";
inline constexpr const char* apply = "application/apply-patch+yaml";
}  // namespace patch

class Session {
 public:
  struct Verb;

  Session(Api& api, Console& io, Flags flags, std::string ns)
      : api(api), io(io), flags(std::move(flags)), ns(std::move(ns)) {}

  Api& api;
  Console& io;
  Flags flags;
  std::string ns;  // the namespace of the context or of -n
  Json kubeconfig;
  ConnectionFlags connection_flags;
  int exit_code = 0;

  bool all_namespaces() const { return flags.on("all-namespaces"); }

  // Loaded at the first use.
  Result<const Discovery*> discovery();
  Result<Resource> resource(std::string_view word);  // discovery()->resolve()

  // call() with the server's warnings printed and answers of 400 and above as errors.
  Result<ApiReply> call(const ApiRequest& request, std::string_view doing = {});
  // Their answers are objects, and so are the items and rows of lists: others are errors or left
  // out.
  Result<Json> get(const std::string& path, const std::string& accept = "application/json");
  // A list with all its pages put together (also of a Table). `query`: "labelSelector=..." or "".
  Result<Json> list(const std::string& path, const std::string& query,
                    const std::string& accept = "application/json");
  // POST, PUT, PATCH or DELETE, with the field manager "keelson" and with --dry-run=server.
  Result<Json> send(const std::string& method, const std::string& path, const Json& body,
                    const char* content_type = "application/json", std::string_view doing = {},
                    std::string_view query = {});

  // Lines of a watch, {"type","object"} with an object that is one, until the end or until `take`
  // returns false.
  Status watch(const std::string& path, const std::string& query,
               const std::function<bool(const Json& event)>& take,
               const std::string& accept = "application/json");

  // --dry-run: "none", "client" or "server".
  std::string dry_run() const;

  // What a change prints: the object in the format of -o, or `deployment.apps/kel created`.
  Status report(const Resource& resource, const Json& object, std::string_view operation);

  // Prints the error and goes on; the exit code will be 1.
  void complain(const Error& error);

 private:
  std::optional<Discovery> discovery_;
  int reported_ = 0;
};

Error usage_error(std::string message);  // "error: " in front

}  // namespace keelson::cli
