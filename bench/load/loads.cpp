#include "bench/load/loads.hpp"

#include <fmt/format.h>

#include <ctime>

namespace keelson::bench {

namespace {

constexpr const char* kJson = "application/json";
constexpr const char* kTable =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/"
    "json;as=Table;v=v1beta1;g=meta.k8s.io,"
    "application/json";
constexpr int kGetPods = 100;
constexpr int64_t kSecond = 1'000'000'000;

std::string create(http::Client& client, const std::string& target, std::string body) {
  http::Request request;
  request.method = "POST";
  request.target = target;
  request.headers = {{"Content-Type", kJson}};
  request.body = std::move(body);
  const auto answer = client.send(request);
  if (!answer) return answer.error().message;
  if (answer->status == 201 || answer->status == 409) return {};
  return fmt::format("POST {}: {} {}", target, answer->status, answer->body);
}

}  // namespace

std::string make_namespace(const Plan& plan, const std::string& ns) {
  http::Client client(plan.client);
  std::string why = create(
      client, "/api/v1/namespaces",
      fmt::format(R"({{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{}"}}}})", ns));
  if (!why.empty()) return why;
  return create(client, fmt::format("/api/v1/namespaces/{}/serviceaccounts", ns),
                R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}})");
}

// What `kubectl run` sends, with the requests and labels that a real one has. The node selector
// keeps it from being run where there are nodes.
std::string pod_json(const std::string& name) {
  return fmt::format(
      R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{}",)"
      R"("labels":{{"app":"bench","tier":"load"}}}},)"
      R"("spec":{{"nodeSelector":{{"keelson-bench":"none"}},"containers":[{{"name":"main",)"
      R"("image":"registry.k8s.io/pause:3.9","ports":[{{"containerPort":80}}],)"
      R"("resources":{{"requests":{{"cpu":"100m","memory":"64Mi"}},)"
      R"("limits":{{"memory":"128Mi"}}}}}}]}}}})",
      name);
}

std::string make_pods(const Plan& plan, const std::string& ns, int count) {
  if (std::string why = make_namespace(plan, ns); !why.empty()) return why;
  ClosedLoop loop;
  loop.connections = 8;
  loop.requests_max = static_cast<uint64_t>(count);
  loop.status = 201;
  loop.other_status = 409;
  loop.request = [&](uint64_t n) {
    return plan.target.request("POST", fmt::format("/api/v1/namespaces/{}/pods", ns), kJson, kJson,
                               pod_json(fmt::format("p-{}", n)));
  };
  const Report report = run_closed_loop(plan.target, loop);
  if (!report.failure.empty()) return report.failure;
  return report.failed == 0 ? "" : fmt::format("{} pods were refused", report.failed);
}

Report run_closed_loop(const Target& target, const ClosedLoop& loop) {
  Report report;
  report.name = loop.name;
  Poller poller;
  struct Flow {
    std::unique_ptr<Wire> wire;
    int64_t sent = 0;
    bool busy = false;
  };
  std::vector<Flow> flows(static_cast<std::size_t>(loop.connections));
  uint64_t begun = 0;
  int64_t until = 0;
  std::size_t busy = 0;
  const auto next = [&](Flow& flow) {
    flow.busy =
        (loop.requests_max == 0 || begun < loop.requests_max) && (until == 0 || now_ns() < until);
    if (!flow.busy) return;
    ++busy;
    std::string request = loop.request(begun++);
    flow.sent = now_ns();
    flow.wire->send(std::move(request));
  };
  for (Flow& flow : flows) {
    ResponseReader::Events events;
    events.on_end = [&](int status) {
      report.latencies.add(now_ns() - flow.sent);
      ++report.done;
      report.failed += status != loop.status && status != loop.other_status;
      --busy;
      next(flow);
    };
    flow.wire = poller.connect(target, std::move(events), &report.failure);
    if (!flow.wire) return report;
  }
  const int64_t start = now_ns();
  if (loop.seconds_max > 0) until = start + static_cast<int64_t>(loop.seconds_max * 1e9);
  for (Flow& flow : flows) next(flow);
  int64_t last_progress = start;
  uint64_t last_done = 0;
  while (busy > 0) {
    poller.wait(kSecond / 10);
    for (const Flow& flow : flows) {
      if (flow.wire->broken()) report.failure = flow.wire->why();
    }
    if (report.done != last_done) {
      last_done = report.done;
      last_progress = now_ns();
    } else if (now_ns() - last_progress > 60 * kSecond) {
      report.failure = "no answer within a minute";
    }
    if (!report.failure.empty()) break;
  }
  report.seconds = static_cast<double>(now_ns() - start) / 1e9;
  report.bytes = poller.bytes_received();
  return report;
}

Report load_get(const Plan& plan) {
  const std::string ns = plan.ns + "-get";
  ClosedLoop loop;
  loop.name = "get";
  loop.connections = plan.connections;
  loop.requests_max = plan.requests;
  loop.seconds_max = plan.seconds;
  std::vector<std::string> requests;
  for (int i = 0; i < kGetPods; ++i) {
    requests.push_back(
        plan.target.request("GET", fmt::format("/api/v1/namespaces/{}/pods/p-{}", ns, i), kJson));
  }
  loop.request = [&](uint64_t n) { return requests[n % kGetPods]; };
  Report report;
  report.failure = make_pods(plan, ns, kGetPods);
  if (report.failure.empty()) report = run_closed_loop(plan.target, loop);
  report.name = loop.name;
  return report;
}

Report load_create(const Plan& plan) {
  const std::string ns = plan.ns + "-create";
  const int64_t run = static_cast<int64_t>(std::time(nullptr));  // names are new in every run
  ClosedLoop loop;
  loop.name = "create";
  loop.connections = plan.connections;
  loop.requests_max = plan.requests;
  loop.seconds_max = plan.seconds;
  loop.status = loop.other_status = 201;
  const std::string path = fmt::format("/api/v1/namespaces/{}/pods", ns);
  loop.request = [&](uint64_t n) {
    return plan.target.request("POST", path, kJson, kJson,
                               pod_json(fmt::format("p-{}-{}", run, n)));
  };
  Report report;
  report.failure = make_namespace(plan, ns);
  if (report.failure.empty()) report = run_closed_loop(plan.target, loop);
  report.name = loop.name;
  return report;
}

Report load_list(const Plan& plan, bool table) {
  const std::string ns = plan.ns + "-list";
  Report report;
  report.failure = make_pods(plan, ns, plan.pods);
  if (report.failure.empty()) {
    ClosedLoop loop;
    loop.requests_max = 1;
    const std::string request = plan.target.request(
        "GET", fmt::format("/api/v1/namespaces/{}/pods", ns), table ? kTable : kJson);
    loop.request = [&](uint64_t) { return request; };
    const Report first = run_closed_loop(plan.target, loop);
    loop.requests_max = static_cast<uint64_t>(plan.lists);
    report = run_closed_loop(plan.target, loop);
    report.first_ms = first.latencies.max_ms();
  }
  report.name = table ? "list as Table" : "list as JSON";
  return report;
}

}  // namespace keelson::bench
