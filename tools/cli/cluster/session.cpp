#include "tools/cli/cluster/session.hpp"

#include <fmt/format.h>

#include "tools/cli/cluster/output.hpp"

namespace keelson::cli {

Error usage_error(std::string message) {
  return {Code::invalid, "error: " + std::move(message)};
}

Result<const Discovery*> Session::discovery() {
  if (!discovery_) {
    auto loaded = Discovery::load(api);
    if (!loaded) return loaded.error();
    discovery_ = std::move(*loaded);
  }
  return &*discovery_;
}

Result<Resource> Session::resource(std::string_view word) {
  const auto known = discovery();
  if (!known) return known.error();
  return (*known)->resolve(word);
}

Result<ApiReply> Session::call(const ApiRequest& request, std::string_view doing) {
  auto reply = api.call(request);
  if (!reply) return reply.error();
  for (const std::string& warning : reply->warnings) io.err("Warning: " + warning + "\n");
  if (reply->status >= 400) return failure_of(*reply, doing);
  return reply;
}

namespace {

Result<Json> object_in(const ApiReply& reply) {
  Json out = parse_tree(reply.body);
  if (!out.is_object()) return usage_error("the server's answer is no JSON object");
  return out;
}

}  // namespace

Result<Json> Session::get(const std::string& path, const std::string& accept) {
  auto reply = call({.path = path, .accept = accept});
  if (!reply) return reply.error();
  return object_in(*reply);
}

Result<Json> Session::list(const std::string& path, const std::string& query,
                           const std::string& accept) {
  Json all;
  std::string next;
  do {
    std::string target = path + (query.empty() ? "?limit=500" : "?" + query + "&limit=500");
    if (!next.empty()) target += "&continue=" + encode_query(next);
    auto reply = call({.path = target, .accept = accept});
    if (!reply) return reply.error();
    auto read = object_in(*reply);
    if (!read) return read.error();
    Json page = std::move(*read);
    for (const std::string_view part : {"items", "rows"}) {
      if (list_at(page, part).empty()) continue;
      JsonArray kept;
      for (Json& one : at_path(page, part).get_array()) {
        if (one.is_object()) kept.push_back(std::move(one));
      }
      at_path(page, part) = std::move(kept);
    }
    next = text_at(page, "metadata.continue");
    if (all.is_null()) {
      all = std::move(page);
      continue;
    }
    for (const std::string_view part : {"items", "rows"}) {
      if (list_at(page, part).empty()) continue;
      Json& into = at_path(all, part);
      if (!into.is_array()) into.emplace_array();
      for (Json& one : at_path(page, part).get_array()) into.get_array().push_back(std::move(one));
    }
  } while (!next.empty());
  return all;
}

Result<Json> Session::send(const std::string& method, const std::string& path, const Json& body,
                           const char* content_type, std::string_view doing,
                           std::string_view query) {
  std::string target = path;
  const auto add = [&](std::string_view part) {
    target += (target.find('?') == std::string::npos ? "?" : "&") + std::string(part);
  };
  if (method != "DELETE") {
    add("fieldManager=" + encode_query(flags.get("field-manager", "keelson")));
  }
  if (dry_run() == "server") add("dryRun=All");
  if (!query.empty()) add(query);
  ApiRequest request{.method = method, .path = target, .content_type = content_type};
  if (!body.is_null()) request.body = compact_text(body);
  auto reply = call(request, doing);
  if (!reply) return reply.error();
  return parse_tree(reply->body);
}

Status Session::watch(const std::string& path, const std::string& query,
                      const std::function<bool(const Json& event)>& take,
                      const std::string& accept) {
  std::string pending;
  Error error;
  const auto on_data = [&](std::string_view data) {
    pending += data;
    std::size_t begin = 0;
    for (std::size_t end; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const Json event = parse_tree(std::string_view(pending).substr(begin, end - begin));
      const Json* object = find(event, "object");
      if (!object || !object->is_object()) continue;
      if (text_at(event, "type") == "ERROR") {
        error = failure_of({.status = static_cast<int>(number_at(event, "object.code", 500)),
                            .body = compact_text(*object)});
        return false;
      }
      if (!take(event)) return false;
    }
    pending.erase(0, begin);
    return true;
  };
  auto reply = api.stream(
      {.path = path + "?watch=true" + (query.empty() ? "" : "&" + query), .accept = accept},
      on_data);
  if (!reply) return reply.error();
  if (reply->status >= 400) return failure_of(*reply);
  if (error.code != Code::ok) return error;
  return {};
}

std::string Session::dry_run() const {
  return flags.get("dry-run", "none");
}

Status Session::report(const Resource& resource, const Json& object, std::string_view operation) {
  auto output = Output::of(flags);
  if (!output) return output.error();
  if (output->named()) {
    auto text = output->print(object);
    if (!text) return text.error();
    if (output->is("yaml") && reported_++ > 0) io.out("---\n");
    io.out(*text);
    return {};
  }
  const std::string dry = dry_run();
  io.out(fmt::format("{} {}{}\n", resource.called(text_at(object, "metadata.name")), operation,
                     dry == "client"   ? " (dry run)"
                     : dry == "server" ? " (server dry run)"
                                       : ""));
  return {};
}

void Session::complain(const Error& error) {
  if (!error.message.empty()) io.err(error.message + "\n");
  exit_code = 1;
}

}  // namespace keelson::cli
