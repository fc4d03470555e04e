#include "tools/cli/host/admin_api.hpp"

#include <thread>

#include "runtime/pki/files.hpp"
#include "runtime/process/config.hpp"

namespace keelson::cli {

namespace json = boost::json;

namespace {

Error refused(int status, const std::string& body) {
  json::error_code ignored;
  const json::value tree = json::parse(body, ignored);
  std::string message = text_at(tree, {"message"});
  if (message.empty()) message = "the server answered " + std::to_string(status);
  switch (status) {
    case 401: return {Code::denied, "the server does not accept the credential: " + message};
    case 403: return {Code::denied, std::move(message)};
    case 404: return {Code::not_found, std::move(message)};
    case 409: return {Code::exists, std::move(message)};
    default:
      return {status >= 500 ? Code::unavailable : Code::invalid, std::move(message)};
  }
}

}  // namespace

std::string text_at(const json::value& tree, std::initializer_list<std::string_view> path) {
  const json::value* at = &tree;
  for (const std::string_view name : path) {
    const json::object* object = at->if_object();
    at = object ? object->if_contains(name) : nullptr;
    if (!at) return {};
  }
  const json::string* text = at->if_string();
  return text ? std::string(*text) : std::string();
}

Result<AdminApi> AdminApi::of_host(const Layout& layout) {
  const auto text = runtime::read_file(layout.control_plane_config());
  if (!text && text.code() != Code::not_found) {
    return Error{text.code(), text.error().message + ": run it with sudo"};
  }
  if (!text) {
    return Error{Code::not_found, "this host has no control plane (" +
                                      layout.control_plane_config() +
                                      " is not there): run this where `keelson init` ran"};
  }
  const auto config = runtime::parse_control_plane_config(*text, layout.control_plane_config());
  if (!config) return config.error();
  http::ClientOptions options;
  options.server = "https://127.0.0.1:" + std::to_string(config->port);
  for (const auto& [file, to] : {std::pair("ca.crt", &options.ca_pem),
                                 std::pair("admin.crt", &options.client_cert_pem),
                                 std::pair("admin.key", &options.client_key_pem)}) {
    auto content = runtime::read_file(config->pki_dir + "/" + file);
    if (!content) return content.error();
    *to = std::move(*content);
  }
  return AdminApi(std::move(options));
}

Result<json::value> AdminApi::call(std::string_view method, const std::string& path,
                                   const json::value* body) {
  http::Request request;
  request.method = method;
  request.target = path;
  request.timeout = std::chrono::seconds(15);
  request.headers = {{"Accept", "application/json"}};
  if (body) {
    request.headers.push_back({"Content-Type", "application/json"});
    request.body = json::serialize(*body);
  }
  auto answer = client_.send(request);
  if (!answer) return answer.error();
  if (answer->status / 100 != 2) return refused(answer->status, answer->body);
  json::error_code error;
  json::value tree = json::parse(answer->body, error);
  if (error) return json::value(answer->body);  // "ok"
  return tree;
}

Status AdminApi::ensure(const std::string& collection, const json::value& object) {
  const auto made = post(collection, object);
  if (made || made.code() == Code::exists) return {};
  return made.error();
}

Status AdminApi::wait_ready(Duration patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto ready = get("/readyz");
    if (ready) return {};
    if (std::chrono::steady_clock::now() > end) return ready.error();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace keelson::cli
