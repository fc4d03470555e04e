#include "tests/e2e/hostile_fixture.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace keelson::e2e {

namespace {

constexpr const char* kSmall = "/api/v1/namespaces/default/configmaps/small";
constexpr const char* kTarget = "/api/v1/namespaces/default/pods/target";
constexpr std::size_t kRssMaxMib = 600;

}  // namespace

std::unique_ptr<Cluster> Hostile::cluster_;
uint16_t Hostile::port_ = 0;
std::size_t Hostile::file_limit_ = 0;

void Hostile::SetUpTestSuite() {
  file_limit_ = raise_file_limit();  // the server inherits it
  cluster_ = std::make_unique<Cluster>(
      std::vector<std::string>{"--nodes", "1", "--start-time", "0s", "--insecure-port", "0"});
  if (!cluster_->ok()) return;
  port_ = plain_port(*cluster_);
  Requester requester(port_);
  const auto create = [&](const std::string& resource, const std::string& body) {
    Answer answer;
    for (int tries = 0; tries < 100 && answer.status != 201; ++tries) {
      answer = requester.ask("POST", "/api/v1/namespaces/default/" + resource, body);
      // Service accounts come with the controllers.
      if (answer.status != 201) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    ASSERT_EQ(answer.status, 201) << answer.brief();
  };
  create("configmaps", R"({"metadata":{"name":"small"},"data":{"word":"unharmed"}})");
  create("pods",
         R"({"metadata":{"name":"target"},"spec":{"containers":[{"name":"c","image":"i"}]}})");
  Answer pod;
  for (int tries = 0; tries < 200; ++tries) {
    pod = requester.ask("GET", kTarget);
    if (pod.body.find(R"("phase":"Running")") != std::string::npos) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  FAIL() << "the pod does not run: " << pod.body;
}

void Hostile::TearDownTestSuite() {
  if (!cluster_) return;
  // With connections of all sorts.
  std::vector<Wire> wires = open(400);
  for (std::size_t i = 0; i < wires.size(); ++i) {
    if (i % 4 == 1) wires[i].send(request("GET", "/api/v1/pods?watch=true"));
    if (i % 4 == 2) wires[i].send("GET / HTTP/1.1\r\nHost");
    if (i % 4 == 3) {
      wires[i].send(request("POST", std::string(kTarget) + "/portforward", {},
                            "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
                            "X-Stream-Protocol-Version: portforward.k8s.io\r\n"));
    }
  }
  EXPECT_EQ(cluster_->daemon().stop(), 0) << cluster_->daemon().log();
  cluster_.reset();
}

void Hostile::SetUp() {
  ASSERT_TRUE(cluster_ && cluster_->ok() && port_ != 0);
  ASSERT_TRUE(cluster_->daemon().running()) << cluster_->daemon().log();
  other_ = std::make_unique<Requester>(port_);
}

void Hostile::TearDown() {
  if (!other_) return;
  expect_others_served();
  ASSERT_TRUE(cluster_->daemon().running()) << cluster_->daemon().log();
  const std::size_t rss = server_rss_mib();
  std::printf("the server's memory: %zu MiB\n", rss);
  EXPECT_LT(rss, kRssMaxMib);
}

uint16_t Hostile::secure_port() {
  constexpr std::string_view before = "https://127.0.0.1:";
  const std::string kubeconfig = read_file(cluster_->kubeconfig());
  const std::size_t at = kubeconfig.find(before);
  if (at == std::string::npos) return 0;
  return static_cast<uint16_t>(std::atoi(kubeconfig.c_str() + at + before.size()));
}

std::size_t Hostile::server_rss_mib() {
  const std::string status =
      read_file("/proc/" + std::to_string(cluster_->daemon().pid()) + "/status");
  const std::size_t at = status.find("VmRSS:");
  if (at == std::string::npos) return 0;
  return std::strtoul(status.c_str() + at + 6, nullptr, 10) / 1024;
}

void Hostile::expect_others_served(int times) {
  for (int i = 0; i < times; ++i) {
    Requester fresh(port_);
    const Answer answer = (i % 4 == 3 ? fresh : *other_).ask("GET", kSmall);
    ASSERT_EQ(answer.status, 200) << answer.brief();
    ASSERT_NE(answer.body.find(R"("word":"unharmed")"), std::string::npos) << answer.body;
  }
}

Answer Hostile::answer_to(std::string_view bytes) {
  Wire wire(port_);
  wire.send(bytes);
  return wire.read_answer();
}

std::vector<Wire> Hostile::open(std::size_t count) {
  std::vector<Wire> wires;
  wires.reserve(count);
  while (wires.size() < count) {
    Wire wire(port_);
    if (!wire.connected()) break;
    wires.push_back(std::move(wire));
  }
  return wires;
}

}  // namespace keelson::e2e
