#include "tests/tools/fake_cluster.hpp"

#include <gtest/gtest.h>

namespace keelson::cli {

namespace {

constexpr std::string_view kCore =
    R"({"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":""},"versions":[{"version":"v1","resources":[
 {"resource":"pods","responseKind":{"kind":"Pod"},"scope":"Namespaced","singularResource":"pod","verbs":["get","list","delete"],"shortNames":["po"],"categories":["all"]},
 {"resource":"services","responseKind":{"kind":"Service"},"scope":"Namespaced","singularResource":"service","verbs":["get","list"],"shortNames":["svc"],"categories":["all"]},
 {"resource":"nodes","responseKind":{"kind":"Node"},"scope":"Cluster","singularResource":"node","verbs":["get","list"],"shortNames":["no"]},
 {"resource":"namespaces","responseKind":{"kind":"Namespace"},"scope":"Cluster","singularResource":"namespace","verbs":["get","list"],"shortNames":["ns"]},
 {"resource":"configmaps","responseKind":{"kind":"ConfigMap"},"scope":"Namespaced","singularResource":"configmap","verbs":["get","list"],"shortNames":["cm"]},
 {"resource":"events","responseKind":{"kind":"Event"},"scope":"Namespaced","singularResource":"event","verbs":["get","list"],"shortNames":["ev"]}]}]}]})";
constexpr std::string_view kGroups =
    R"({"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"apps"},"versions":[{"version":"v1","resources":[
 {"resource":"deployments","responseKind":{"kind":"Deployment"},"scope":"Namespaced","singularResource":"deployment","verbs":["get","list"],"shortNames":["deploy"],"categories":["all"],"subresources":[{"subresource":"scale"}]},
 {"resource":"replicasets","responseKind":{"kind":"ReplicaSet"},"scope":"Namespaced","singularResource":"replicaset","verbs":["get","list"],"shortNames":["rs"]}]}]},
 {"metadata":{"name":"events.k8s.io"},"versions":[{"version":"v1","resources":[
 {"resource":"events","responseKind":{"kind":"Event"},"scope":"Namespaced","singularResource":"event","verbs":["get","list"],"shortNames":["ev"]}]}]}]})";

ApiReply failure(int code, std::string_view reason, std::string_view message) {
  return {.status = code,
          .body = compact_text(Json{{"kind", "Status"},
                                    {"status", "Failure"},
                                    {"reason", reason},
                                    {"message", message},
                                    {"code", code}})};
}

std::string last_part(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// What JSON merge patches do; enough for strategic ones of the tests, too.
void merge(Json& into, const Json& patch) {
  if (!patch.is_object()) {
    into = patch;
    return;
  }
  if (!into.is_object()) into.emplace_object();
  for (const auto& one : patch.get_object()) {
    if (one.value().is_null()) {
      into.get_object().erase(one.key());
    } else {
      merge(into.get_object()[one.key()], one.value());
    }
  }
}

class FakeSocket final : public Socket {
 public:
  explicit FakeSocket(FakeApi& api) : api_(api) {}
  Status send(std::string_view message) override {
    api_.outgoing.emplace_back(message);
    return {};
  }
  Result<std::optional<std::string>> receive() override {
    if (api_.incoming.empty()) return std::optional<std::string>();
    std::optional<std::string> out = api_.incoming.front();
    api_.incoming.erase(api_.incoming.begin());
    return out;
  }
  Wake wait(int, Duration) override { return Wake::message; }
  void close() override {}

 private:
  FakeApi& api_;
};

}  // namespace

FakeApi::FakeApi() {
  objects_["/api"] = parse_tree(kCore);
  objects_["/apis"] = parse_tree(kGroups);
}

void FakeApi::put(const std::string& path, std::string_view json) {
  objects_[path] = parse_tree(json);
  ASSERT_FALSE(objects_[path].is_null()) << json;
}

Result<ApiReply> FakeApi::call(const ApiRequest& request) {
  requests.push_back(request);
  if (request.method != "GET") changes.push_back(request);
  const std::string path = request.path.substr(0, request.path.find('?'));
  if (const auto fixed = fixed_.find(path); fixed != fixed_.end()) return fixed->second;
  const auto at = objects_.find(path);
  if (request.method == "POST") {
    Json object = parse_tree(request.body);
    const std::string name = text_at(object, "metadata.name");
    if (objects_.count(path + "/" + name))
      return failure(409, "AlreadyExists", last_part(path) + " \"" + name + "\" already exists");
    objects_[path + "/" + name] = object;
    return ApiReply{.status = 201, .body = compact_text(object)};
  }
  if (request.method == "GET" && at == objects_.end()) {
    JsonArray items;
    for (const auto& [where, object] : objects_) {
      if (where.starts_with(path + "/") && where.find('/', path.size() + 1) == std::string::npos)
        items.push_back(object);
    }
    const std::string kind = last_part(path);
    const bool is_list = !items.empty() || kind == "pods" || kind == "events" ||
                         kind == "services" || kind == "replicasets";
    if (is_list)
      return ApiReply{
          .status = 200,
          .body = compact_text(
              Json{{"kind", "List"}, {"metadata", {{"resourceVersion", "7"}}}, {"items", items}})};
  }
  if (at == objects_.end() && request.method == "PATCH" && path.ends_with("/scale"))
    return ApiReply{.status = 200, .body = "{}"};
  if (at == objects_.end()) {
    const std::string above = path.substr(0, path.rfind('/'));
    return failure(404, "NotFound", last_part(above) + " \"" + last_part(path) + "\" not found");
  }
  if (request.method == "PATCH") {
    merge(at->second, parse_tree(request.body));
    at_path(at->second, "metadata.resourceVersion") = std::to_string(++version_);
  }
  const std::string body = compact_text(at->second);
  if (request.method == "DELETE") objects_.erase(at);
  return ApiReply{.status = 200, .body = body};
}

Result<ApiReply> FakeApi::stream(const ApiRequest& request,
                                 const std::function<bool(std::string_view)>& take) {
  requests.push_back(request);
  take(stream_);
  return ApiReply{.status = 200};
}

Result<std::unique_ptr<Socket>> FakeApi::connect(const std::string& path, const std::string&) {
  connected_to = path;
  return std::unique_ptr<Socket>(std::make_unique<FakeSocket>(*this));
}

Ran run(FakeApi& api, const std::vector<std::string>& given, FakeConsole* console) {
  FakeConsole own;
  FakeConsole& io = console ? *console : own;
  std::vector<std::string> words = given;
  const Verb* verb = find_verb(words);
  if (!verb) return {-1, "", "no verb"};
  auto flags = Flags::parse({verb->flags, global_flags()}, words);
  if (!flags) return {-1, "", flags.error().message};
  Ran out;
  out.code = run_verb(*verb, *flags, connection_flags(*verb, *flags), Json(JsonObject()),
                      flags->get("namespace", "default"), api, io);
  out.out = io.output;
  out.err = io.errors;
  return out;
}

}  // namespace keelson::cli
