#include "tools/cli/cluster/api.hpp"

#include <fmt/format.h>

namespace keelson::cli {

namespace {

Code code_of(int status, std::string_view reason) {
  if (reason == "AlreadyExists") return Code::exists;
  switch (status) {
    case 404: return Code::not_found;
    case 409: return Code::conflict;
    case 410: return Code::compacted;
    case 401:
    case 403: return Code::denied;
    default: return status < 500 && status != 429 ? Code::invalid : Code::unavailable;
  }
}

// "The Pod "x" is invalid: spec.containers: Required value", one line for each cause if there are
// several.
std::string invalid_text(const Json& status) {
  const std::string kind = text_at(status, "details.kind"), name = text_at(status, "details.name");
  std::string text = "The request is invalid";
  if (!kind.empty() || !name.empty()) text = fmt::format("The {} \"{}\" is invalid", kind, name);
  const JsonArray& causes = list_at(status, "details.causes");
  if (causes.empty()) {
    const std::string message = text_at(status, "message");
    return kind.empty() && !message.empty() ? text + ": " + message : text;
  }
  for (const Json& cause : causes) {
    const std::string field = text_at(cause, "field"), message = text_at(cause, "message");
    text += causes.size() == 1 ? ": " : &cause == &causes.front() ? ": \n* " : "\n* ";
    text += field.empty() ? message : field + ": " + message;
  }
  return text;
}

}  // namespace

Error failure_of(const ApiReply& reply, std::string_view doing) {
  const Json status = parse_tree(reply.body);
  if (text_at(status, "kind") != "Status") {
    const std::string name = reply.status == 404   ? "NotFound"
                             : reply.status == 401 ? "Unauthorized"
                                                   : "";
    std::string text =
        name.empty() ? "Error from server" : fmt::format("Error from server ({})", name);
    std::string body = reply.body.substr(0, 2000);
    while (!body.empty() && body.back() == '\n') body.pop_back();
    if (body.empty() || reply.status == 404)
      body = "the server could not find the requested resource";
    if (reply.status != 404 && reply.body.empty()) {
      body = fmt::format("the server answered with status {}", reply.status);
    }
    if (!doing.empty()) body = fmt::format("{}: {}", doing, body);
    return {code_of(reply.status, name), text + ": " + body};
  }
  const std::string reason = text_at(status, "reason");
  const Code code = code_of(reply.status, reason);
  if (reason == "Invalid") return {code, invalid_text(status)};
  if (reason == "Unauthorized") {
    return {code, "error: You must be logged in to the server (" + reason + ")"};
  }
  std::string message = text_at(status, "message");
  if (!doing.empty()) message = fmt::format("{}: {}", doing, message);
  return {code, reason.empty() ? "Error from server: " + message
                               : fmt::format("Error from server ({}): {}", reason, message)};
}

std::string encode_query(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    plain ? out += c : out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace keelson::cli
