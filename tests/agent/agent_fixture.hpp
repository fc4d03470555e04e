// An agent for node n1 between a fake API server and a fake runtime.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/agent/agent.hpp"
#include "core/api/json.hpp"
#include "tests/agent/fake_runtime.hpp"
#include "tests/support/builders.hpp"
#include "tests/support/fake_api.hpp"
#include "tests/support/manual_loop.hpp"

namespace keelson::test {

class AgentTest : public ::testing::Test {
 protected:
  AgentTest() {
    options.node_name = "n1";
    options.address = "192.168.0.1";
    options.capacity = {{"cpu", "4"}, {"memory", "8Gi"}};
    options.record_events = agent::RecordEvents::none;
    options.save_last_seen = [this](api::Revision seen) { last_seen = seen; };
    options.incarnation = 1;
  }
  ~AgentTest() override {
    agent.reset();
    EXPECT_TRUE(runtime.violations.empty()) << runtime.violations.front();
  }

  void start() {
    agent = std::make_unique<agent::Agent>(loop, api, runtime, Rng(7), log, options);
    agent->start();
    loop.run_for(50ms);
  }
  // The agent dies; its containers do not.
  void kill() { agent.reset(); }
  void restart() {
    kill();
    options.last_seen = last_seen;
    ++options.incarnation;
    start();
  }

  static PodBuilder web(const std::string& name = "web") {
    return std::move(
        PodBuilder(name).on("n1").phase("Pending").image("nginx:1.7.9").with([](api::Pod& pod) {
          pod.mutable_spec()->set_restart_policy("Always");
          pod.mutable_spec()->set_termination_grace_period_seconds(30);
        }));
  }
  static PodBuilder job(const std::string& name, const std::string& policy) {
    return std::move(
        web(name).with([&](api::Pod& pod) { pod.mutable_spec()->set_restart_policy(policy); }));
  }
  static void request(api::Pod& pod, const std::string& resource, const std::string& amount) {
    (*pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests())[resource]
        .set_string(amount);
  }
  static void exec(api::Probe& probe, const std::string& word) {
    probe.mutable_handler()->mutable_exec()->add_command(word);
    probe.set_period_seconds(10);
    probe.set_timeout_seconds(1);
    probe.set_failure_threshold(3);
    probe.set_success_threshold(1);
  }

  api::ObjectPtr object(const std::string& name) {
    return api.history().find({api::Kind::pods, "default", name});
  }
  const api::PodStatus& status(const std::string& name = "web") {
    held_ = object(name);
    KEELSON_ASSERT_WHY(held_ != nullptr, "no such pod");
    return held_->as<api::Pod>().status();
  }
  std::string condition(const std::string& type, const std::string& name = "web") {
    for (const auto& c : status(name).conditions()) {
      if (c.type() == type) return c.status();
    }
    return "";
  }
  const api::ContainerStatus& container(int index = 0, const std::string& name = "web") {
    return status(name).container_statuses(index);
  }
  const api::Node& node() {
    held_node_ = api.history().find({api::Kind::nodes, "", "n1"});
    KEELSON_ASSERT_WHY(held_node_ != nullptr, "no node");
    return held_node_->as<api::Node>();
  }
  std::string node_condition(const std::string& type) {
    for (const auto& c : node().status().conditions()) {
      if (c.type() == type) return c.status();
    }
    return "";
  }
  template <class F>
  void change(const std::string& name, F&& f) {
    api::Pod pod = object(name)->as<api::Pod>();
    f(pod);
    api.put(api::make_object(std::move(pod)));
  }
  // As the API server does it for a scheduled pod: the agent confirms.
  void remove(const std::string& name, int64_t grace) {
    change(name, [&](api::Pod& pod) {
      pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1'790'000'000);
      pod.mutable_metadata()->set_deletion_grace_period_seconds(grace);
    });
  }
  int status_writes() const {
    int n = 0;
    for (const api::Request& r : api.requests()) {
      n += r.kind == api::Kind::pods && r.subresource == api::Subresource::status;
    }
    return n;
  }
  std::vector<api::Beat> beats() const {
    std::vector<api::Beat> out;
    for (const api::Request& r : api.requests()) {
      if (r.verb == api::Verb::renew) out.push_back(r.beat);
    }
    return out;
  }
  std::vector<std::string> events() const {
    std::vector<std::string> out;
    for (const api::Event* event : recorded()) {
      out.push_back(event->reason() + ": " + event->message());
    }
    return out;
  }
  // "Reason: the part of the pod"
  std::vector<std::string> event_subjects() const {
    std::vector<std::string> out;
    for (const api::Event* event : recorded()) {
      out.push_back(event->reason() + ": " + event->involved_object().field_path());
    }
    return out;
  }

  ManualLoop loop;
  FakeApi api{loop};
  FakeRuntime runtime{loop};
  NullLog log;
  agent::AgentOptions options;
  api::Revision last_seen;
  std::unique_ptr<agent::Agent> agent;

 private:
  std::vector<const api::Event*> recorded() const {
    std::vector<const api::Event*> out;
    for (const api::Request& r : api.requests()) {
      if (r.kind != api::Kind::events || r.verb != api::Verb::create) continue;
      out.push_back(static_cast<const api::Event*>(r.body.get()));
    }
    return out;
  }

  api::ObjectPtr held_, held_node_;
};

}  // namespace keelson::test
