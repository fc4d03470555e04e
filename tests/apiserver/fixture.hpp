// A cluster's API server over a MemoryStore, on a loop whose time the test moves.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "core/apiserver/api_server.hpp"
#include "core/store/memory_store.hpp"
#include "tests/apiserver/faulty_store.hpp"
#include "tests/support/manual_loop.hpp"

namespace keelson::test {

using api::Kind;
using api::Reason;
using api::Request;
using api::Response;
using api::Revision;
using api::WatchType;

inline api::Pod pod_named(const std::string& name, const std::string& ns = "default") {
  api::Pod pod;
  pod.mutable_metadata()->set_name(name);
  pod.mutable_metadata()->set_namespace_(ns);
  (*pod.mutable_metadata()->mutable_labels())["app"] = "web";
  auto* container = pod.mutable_spec()->add_containers();
  container->set_name("c");
  container->set_image("nginx:1.7.9");
  return pod;
}

inline void ask_for(api::Pod& pod, const std::string& resource, const std::string& amount) {
  auto& requests =
      *pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests();
  requests[resource].set_string(amount);
}

inline void set_ready(api::Pod& pod, bool ready) {
  pod.mutable_status()->set_phase("Running");
  auto* conditions = pod.mutable_status()->mutable_conditions();
  for (auto& condition : *conditions) {
    if (condition.type() == "Ready") {
      condition.set_status(ready ? "True" : "False");
      return;
    }
  }
  auto* condition = conditions->Add();
  condition->set_type("Ready");
  condition->set_status(ready ? "True" : "False");
}

inline api::Node node_named(const std::string& name, const std::string& cpu = "4",
                            const std::string& pods = "110") {
  api::Node node;
  node.mutable_metadata()->set_name(name);
  auto& capacity = *node.mutable_status()->mutable_capacity();
  capacity["cpu"].set_string(cpu);
  capacity["memory"].set_string("8Gi");
  capacity["pods"].set_string(pods);
  *node.mutable_status()->mutable_allocatable() = capacity;
  return node;
}

inline api::ConfigMap config_named(const std::string& name, const std::string& value = "v",
                                   const std::string& ns = "default") {
  api::ConfigMap map;
  map.mutable_metadata()->set_name(name);
  map.mutable_metadata()->set_namespace_(ns);
  (*map.mutable_data())["k"] = value;
  return map;
}

inline api::Deployment deployment_named(const std::string& name, int32_t replicas = 2) {
  api::Deployment deployment;
  deployment.mutable_metadata()->set_name(name);
  deployment.mutable_metadata()->set_namespace_("default");
  auto& spec = *deployment.mutable_spec();
  spec.set_replicas(replicas);
  (*spec.mutable_selector()->mutable_match_labels())["run"] = name;
  (*spec.mutable_template_()->mutable_metadata()->mutable_labels())["run"] = name;
  auto* container = spec.mutable_template_()->mutable_spec()->add_containers();
  container->set_name("c");
  container->set_image("nginx:1.7.9");
  return deployment;
}

inline api::Service service_named(const std::string& name, const std::string& type = "ClusterIP") {
  api::Service service;
  service.mutable_metadata()->set_name(name);
  service.mutable_metadata()->set_namespace_("default");
  service.mutable_spec()->set_type(type);
  (*service.mutable_spec()->mutable_selector())["app"] = "web";
  service.mutable_spec()->add_ports()->set_port(80);
  return service;
}

// Keeps what a watch delivers.
class Collector : public apiserver::PacedSink {
 public:
  void on_events(std::span<const api::WatchEvent> batch) override {
    ++batches;
    events.insert(events.end(), batch.begin(), batch.end());
  }
  void on_closed() override { closed = true; }
  bool blocked() const override { return is_blocked; }

  // "ADDED a", "DELETED b", "BOOKMARK", "ERROR <message>"
  std::vector<std::string> told(bool with_bookmarks = false) const {
    std::vector<std::string> lines;
    for (const auto& event : events) {
      if (event.type == WatchType::bookmark && !with_bookmarks) continue;
      std::string line(api::to_string(event.type));
      if (event.object) line += " " + event.object->name();
      if (event.type == WatchType::error) line += " " + event.error.message;
      if (event.initial_end) line += " initial";
      lines.push_back(line);
    }
    return lines;
  }
  std::vector<api::WatchEvent> events;
  int batches = 0;
  bool closed = false;
  bool is_blocked = false;
};

class ApiServerTest : public ::testing::Test {
 protected:
  explicit ApiServerTest(apiserver::ApiServerOptions options = default_options())
      : options_(std::move(options)) {
    restart();
    loop.settle();
    EXPECT_TRUE(server->ready());
  }
  static apiserver::ApiServerOptions default_options() {
    apiserver::ApiServerOptions options;
    options.identity = "apiserver-0";
    return options;
  }
  // A new process on the same store.
  void restart() {
    server = nullptr;
    server = std::make_unique<apiserver::ApiServer>(loop, store, Rng(7), log, options_);
    server->start();
  }

  Response call(Request request) {
    std::optional<Response> answer;
    bool inside = true;
    server->handle(std::move(request), [&](Response response) {
      EXPECT_FALSE(inside) << "answered from inside handle()";
      EXPECT_FALSE(answer) << "answered twice";
      answer = std::move(response);
    });
    inside = false;
    loop.settle();
    for (int i = 0; i < 40 && !answer; ++i) loop.run_for(500ms);
    EXPECT_TRUE(answer) << "not answered";
    return answer ? std::move(*answer) : Response{};
  }
  template <class M>
  Response create(M message) {
    return call(api::create(api::make_object(std::move(message))));
  }
  template <class M>
  api::Ref<M> made(M message) {
    Response response = create(std::move(message));
    EXPECT_TRUE(response.ok()) << response.error.message;
    return api::Ref<M>(response.object);
  }
  template <class M>
  api::Ref<M> read(const std::string& name, const std::string& ns = "default") {
    Response response =
        call(api::get(api::kind_of<M>, api::info(api::kind_of<M>).namespaced ? ns : "", name));
    return response.ok() ? api::Ref<M>(response.object) : api::Ref<M>();
  }
  template <class M>
  Response put(M message, Revision revision = {}) {
    return call(api::update(api::make_object(std::move(message), revision)));
  }
  template <class M>
  Response put_status(M message, Revision revision = {}) {
    return call(api::update_status(api::make_object(std::move(message), revision)));
  }
  Request removal(Kind kind, const std::string& name, const std::string& ns = "default") {
    Request request;
    request.verb = api::Verb::remove;
    request.kind = kind;
    if (api::info(kind).namespaced) request.ns = ns;
    request.name = name;
    return request;
  }
  Request patching(Kind kind, const std::string& name, api::PatchType type, std::string patch,
                   api::Subresource subresource = {}) {
    Request request;
    request.verb = api::Verb::patch;
    request.kind = kind;
    if (api::info(kind).namespaced) request.ns = "default";
    request.name = name;
    request.patch_type = type;
    request.patch = std::move(patch);
    request.subresource = subresource;
    return request;
  }
  Request binding(const std::string& pod, const std::string& node, const std::string& uid = {}) {
    auto body = std::make_shared<api::Binding>();
    body->mutable_metadata()->set_name(pod);
    body->mutable_target()->set_kind("Node");
    body->mutable_target()->set_name(node);
    Request request;
    request.verb = api::Verb::create;
    request.kind = Kind::pods;
    request.subresource = api::Subresource::binding;
    request.ns = "default";
    request.name = pod;
    request.body = body;
    request.expected.uid = uid;
    return request;
  }
  // A pod that its node's agent has reported as running.
  api::Ref<api::Pod> running(const std::string& name, const std::string& node, bool ready = true) {
    api::Pod pod = pod_named(name);
    pod.mutable_spec()->set_node_name(node);
    api::Pod status = *made(pod);
    set_ready(status, ready);
    Response response = put_status(status);
    EXPECT_TRUE(response.ok()) << response.error.message;
    return api::Ref<api::Pod>(response.object);
  }
  api::WatchRequest watching(Kind kind, std::optional<Revision> after = {}) {
    api::WatchRequest request;
    request.kind = kind;
    request.after = after;
    return request;
  }
  Revision now() { return server->revision(); }

  ManualLoop loop;
  store::MemoryStore memory{loop};
  FaultyStore store{memory, loop};
  NullLog log;
  apiserver::ApiServerOptions options_;
  std::unique_ptr<apiserver::ApiServer> server;
};

}  // namespace keelson::test
