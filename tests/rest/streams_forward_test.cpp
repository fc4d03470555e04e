// Logs, port forwarding and proxying, with a node that the test plays.
#include "tests/rest/streams_fixture.hpp"

namespace keelson::rest {
namespace {

class LogTest : public StreamsTest {};

TEST_F(LogTest, SinceGosZeroTimeIsSinceEver) {
  call("log", "web", "sinceTime=0001-01-01T00:00:00Z");
  EXPECT_TRUE(exchange_->begun);
  ASSERT_TRUE(node_.log_options.since);
  EXPECT_LT(node_.log_options.since->unix_ns, 0);
}

TEST_F(LogTest, AreStreamedUntilTheyEnd) {
  call("log", "web", "follow=true&tailLines=5&sinceSeconds=60&timestamps&limitBytes=100");
  EXPECT_TRUE(exchange_->begun);
  EXPECT_EQ(exchange_->response.headers[0].value, "text/plain");
  EXPECT_TRUE(node_.log_options.follow && node_.log_options.timestamps);
  EXPECT_FALSE(node_.log_options.previous);
  EXPECT_EQ(node_.log_options.tail_lines, 5);
  EXPECT_EQ(node_.log_options.since_ago, Duration(60s));
  node_.log_user->on_log("one\n");
  exchange_->is_blocked = true;
  node_.log_user->on_log("two\n");
  EXPECT_TRUE(node_.log->paused);
  exchange_->drained();
  EXPECT_FALSE(node_.log->paused);
  node_.log_user->on_log_end({});
  EXPECT_EQ(exchange_->streamed, "one\ntwo\n");
  EXPECT_TRUE(exchange_->finished);
  EXPECT_EQ(subresources_.waiting(), 0u);
}

TEST_F(LogTest, EndWithTheirReader) {
  call("log", "web", "follow=true");
  ASSERT_NE(node_.log, nullptr);
  exchange_->gone();
  EXPECT_EQ(node_.log, nullptr);
  EXPECT_EQ(subresources_.waiting(), 0u);
}

TEST_F(LogTest, OfWhatHasNoneAreRefused) {
  call("log", "waiting", "");
  EXPECT_EQ(exchange_->response.status, 200);
  EXPECT_EQ(exchange_->body(), "");
  call("log", "pair", "");
  expect_error(400, "a container name must be specified for pod pair, choose one of: [a b]");
  call("log", "web", "previous=true");
  expect_error(400, R"(previous terminated container \"main\" in pod \"web\" not found)");
  call("log", "web", "tailLines=-1");
  expect_error(422, R"(PodLogOptions \"web\" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0)");
  call("log", "web", "tailLines=x");
  expect_error(400, R"(strconv.ParseInt: parsing \"x\": invalid syntax)");
  call("log", "web", "sinceSeconds=5&sinceTime=2026-01-01T00:00:00Z&limitBytes=0");
  expect_error(422, "at most one of `sinceTime` or `sinceSeconds` may be specified");
  EXPECT_NE(exchange_->body().find("is invalid: [limitBytes"), std::string::npos);
  call("log", "web", "stream=Sideways");
  expect_error(422, "Unsupported value");
  call("log", "lost", "");
  expect_error(500, "no such host");
  node_.refusal = Status(Code::unavailable, "dial tcp 172.16.0.1:10250: i/o timeout");
  call("log", "web", "");
  expect_error(500, "dial tcp 172.16.0.1:10250: i/o timeout");
}

TEST_F(LogTest, OfAContainerThatWaitsSayWhy) {
  for (const auto& [reason, said] : std::map<std::string, std::string>{
           {"ContainerCreating", "is waiting to start: ContainerCreating"},
           {"ErrImagePull", "is waiting to start: image can't be pulled"},
           {"ImagePullBackOff", "is waiting to start: trying and failing to pull image"}}) {
    api::Pod pod = objects_[std::pair(api::Kind::pods, std::string("web"))]->as<api::Pod>();
    pod.mutable_status()->mutable_container_statuses(0)->mutable_state()->Clear();
    pod.mutable_status()->mutable_container_statuses(0)->mutable_state()->mutable_waiting()->set_reason(reason);
    put(pod);
    call("log", "web", "");
    expect_error(400, R"(container \"main\" in pod \"web\" )" + said);
  }
}

TEST_F(LogTest, GoOverWebSocketsToo) {
  call("log", "web", "", websocket("binary.k8s.io"));
  ASSERT_TRUE(exchange_->upgraded);
  EXPECT_EQ(exchange_->upgraded->protocol, "binary.k8s.io");
  node_.log_user->on_log("line\n");
  node_.log_user->on_log_end({});
  EXPECT_EQ(pipe().sent, (std::vector<std::string>{"line\n"}));
  EXPECT_TRUE(pipe().closed);
  call("log", "web", "", websocket("base64.binary.k8s.io"));
  node_.log_user->on_log("hi");
  EXPECT_EQ(pipe().sent, (std::vector<std::string>{"aGk="}));
  EXPECT_TRUE(exchange_->upgraded->text);
}

class PortForwardTest : public StreamsTest {
 protected:
  spdy::Headers headers(const char* type, const char* port, const char* request) {
    spdy::Headers made = {{"streamType", type}, {"port", port}};
    if (*request != '\0') made.push_back({"requestID", request});
    return made;
  }
};

TEST_F(PortForwardTest, PairsOfStreamsAreConnections) {
  for (const bool tunnel : {false, true}) {
    call("portforward", "web", "", tunnel ? websocket("SPDY/3.1+portforward.k8s.io") : spdy({"portforward.k8s.io"}),
         tunnel ? "GET" : "POST");
    ASSERT_TRUE(exchange_->upgraded);
    EXPECT_EQ(exchange_->upgraded->websocket, tunnel);
    EXPECT_EQ(exchange_->upgraded->protocol, tunnel ? "SPDY/3.1+portforward.k8s.io" : "SPDY/3.1");
    SpdyClient client;
    client_sends(client.encoder.syn_stream(1, headers("error", "80", "0")));
    EXPECT_TRUE(node_.links.empty());
    client_sends_all({client.encoder.syn_stream(3, headers("data", "80", "0")),
                      spdy::Encoder::data(1, "", true),
                      spdy::Encoder::data(3, "GET /")});
    ASSERT_EQ(node_.links.size(), 1u);
    EXPECT_EQ(node_.links[0]->port, 80);
    EXPECT_EQ(node_.links[0]->sent, "GET /");
    // A second one beside it, its halves in the other order.
    client_sends_all({client.encoder.syn_stream(5, headers("data", "81", "1")),
                      spdy::Encoder::data(5, "early"),
                      client.encoder.syn_stream(7, headers("error", "81", "1"))});
    ASSERT_EQ(node_.links.size(), 2u);
    EXPECT_EQ(node_.links[1]->sent, "early");

    node_.links[0]->user.on_bytes("200 OK");
    node_.links[0]->user.on_end({});
    EXPECT_EQ(node_.links.size(), 2u) << "the client may still send";
    node_.links[1]->user.on_end({Code::invalid, "connection refused"});
    EXPECT_EQ(node_.links.size(), 1u);
    client_sends(spdy::Encoder::data(3, "", true));
    EXPECT_TRUE(node_.links.empty());

    client.read(pipe());
    EXPECT_EQ(client.data[3], "200 OK");
    EXPECT_EQ(client.data[7], "error forwarding port 81 to pod web, uid uid-web: connection refused");
    for (const uint32_t stream : {1, 3, 5, 7}) EXPECT_TRUE(client.has_finished(stream)) << stream;
    EXPECT_FALSE(pipe().closed) << "it waits for more connections";
    exchange_->user->on_closed();
  }
}

TEST_F(PortForwardTest, OldClientsDoNotNamePairs) {
  call("portforward", "web", "", spdy({"portforward.k8s.io"}), "POST");
  SpdyClient client;
  client_sends_all({client.encoder.syn_stream(1, headers("error", "80", "")),
                      client.encoder.syn_stream(3, headers("data", "80", ""))});
  EXPECT_EQ(node_.links.size(), 1u);
  exchange_->user->on_closed();
  EXPECT_TRUE(node_.links.empty());
}

TEST_F(PortForwardTest, StreamsThatMakeNoSenseAreRefused) {
  call("portforward", "web", "", spdy({"portforward.k8s.io"}), "POST");
  SpdyClient client;
  client_sends_all({client.encoder.syn_stream(1, headers("error", "0", "0")),
                      client.encoder.syn_stream(3, headers("data", "70000", "0")),
                      client.encoder.syn_stream(5, headers("chat", "80", "0")),
                      client.encoder.syn_stream(7, {}),
                      client.encoder.syn_stream(9, headers("data", "80", "1")),
                      client.encoder.syn_stream(11, headers("data", "80", "1")),
                      client.encoder.syn_stream(2, headers("data", "80", "2"))});
  client.read(pipe());
  EXPECT_EQ(client.reset, (std::vector<uint32_t>{1, 3, 5, 7, 11, 2}));
  EXPECT_TRUE(node_.links.empty());
  // A half that never becomes whole cannot be filled up.
  client_sends(spdy::Encoder::data(9, std::string(100'000, 'x')));
  client.read(pipe());
  EXPECT_EQ(client.reset.back(), 9u);
}

TEST_F(PortForwardTest, WebSocketChannelsAreConnections) {
  call("portforward", "web", "ports=80&ports=8080", websocket("v5.channel.k8s.io, v4.channel.k8s.io"));
  ASSERT_TRUE(exchange_->upgraded);
  EXPECT_EQ(exchange_->upgraded->protocol, "v4.channel.k8s.io");
  EXPECT_EQ(pipe().sent, (std::vector<std::string>{std::string("\0\x50\0", 3), std::string("\1\x50\0", 3),
                                                   std::string("\2\x90\x1f", 3), std::string("\3\x90\x1f", 3)}));
  ASSERT_EQ(node_.links.size(), 2u);
  client_sends("\2hello");
  EXPECT_EQ(node_.links[1]->sent, "hello");
  node_.links[1]->user.on_bytes("you");
  EXPECT_EQ(pipe().sent.back(), "\2you");
  node_.links[1]->user.on_end({});
  EXPECT_FALSE(pipe().closed);
  node_.links[0]->user.on_end({Code::invalid, "refused"});
  EXPECT_EQ(pipe().sent.back(), "\1" "error forwarding port 80 to pod web, uid uid-web: refused");
  EXPECT_TRUE(pipe().closed);
  EXPECT_TRUE(node_.links.empty());
}

TEST_F(PortForwardTest, MistakesAreToldBeforeTheUpgrade) {
  call("portforward", "waiting", "", spdy({"portforward.k8s.io"}), "POST");
  expect_error(400, "pod waiting does not have a host assigned");
  call("portforward", "web", "");
  expect_error(400, "Upgrade request required");
  call("portforward", "web", "", spdy({}), "POST");
  expect_error(403, "server accepts [portforward.k8s.io]");
  call("portforward", "web", "", websocket("v4.channel.k8s.io"));
  expect_error(400, R"(query parameter \"port\" is required)");
  call("portforward", "web", "ports=x", websocket("v4.channel.k8s.io"));
  expect_error(400, R"(unable to parse \"x\" as a port)");
  call("portforward", "web", "ports=0", websocket("v4.channel.k8s.io"));
  expect_error(400, R"(port \"0\" must be \u003e 0)");
  node_.refusal = Status(Code::not_found, "pod not found (\"web_default\")");
  call("portforward", "web", "", spdy({"portforward.k8s.io"}), "POST");
  expect_error(500, "pod not found");
}

TEST_F(PortForwardTest, AFullPodStopsTheClientAndTheOtherWayRound) {
  call("portforward", "web", "ports=80", websocket("v4.channel.k8s.io"));
  node_.links[0]->is_blocked = true;
  client_sends(std::string("\0x", 2));
  EXPECT_TRUE(pipe().reading_paused);
  node_.links[0]->is_blocked = false;
  node_.links[0]->user.on_writable();
  EXPECT_FALSE(pipe().reading_paused);
  pipe().is_blocked = true;
  node_.links[0]->user.on_bytes("y");
  EXPECT_TRUE(node_.links[0]->paused);
  exchange_->user->on_writable();
  EXPECT_FALSE(node_.links[0]->paused);
}

class ProxyTest : public StreamsTest {};

TEST_F(ProxyTest, ForwardsARequestAndItsAnswer) {
  call("proxy", "http:web:8080", "a=b", {{"Accept", "*/*"}, {"Authorization", "Bearer x"}, {"Connection", "keep-alive"}},
       "GET", api::Kind::pods, "/index.html");
  ASSERT_EQ(node_.links.size(), 1u);
  FakeNode::Link& link = *node_.links[0];
  EXPECT_EQ(link.port, 8080);
  link.user.on_open();
  EXPECT_EQ(link.sent, "GET /index.html?a=b HTTP/1.1\r\nHost: 10.0.0.7:8080\r\nAccept: */*\r\nConnection: close\r\n\r\n");
  link.user.on_bytes("HTTP/1.1 201 Created\r\nX-A: b\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhel");
  EXPECT_TRUE(exchange_->begun);
  EXPECT_EQ(exchange_->response.status, 201);
  ASSERT_EQ(exchange_->response.headers.size(), 1u);
  EXPECT_EQ(exchange_->response.headers[0].name, "X-A");
  link.user.on_bytes("lo\r\n0\r\n\r\n");
  EXPECT_EQ(exchange_->streamed, "hello");
  EXPECT_TRUE(exchange_->finished);
  EXPECT_TRUE(node_.links.empty());
  EXPECT_EQ(subresources_.waiting(), 0u);
}

TEST_F(ProxyTest, AnswersMayEndWithTheConnectionOrTooEarly) {
  call("proxy", "web", "", {}, "GET", api::Kind::pods, "/");
  EXPECT_EQ(node_.links[0]->port, 80);
  node_.links[0]->user.on_open();
  node_.links[0]->user.on_bytes("HTTP/1.0 200 OK\r\n\r\nall of it");
  node_.links[0]->user.on_end({});
  EXPECT_EQ(exchange_->streamed, "all of it");
  EXPECT_TRUE(exchange_->finished);

  for (const char* bad : {"nonsense\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nnocolon\r\n\r\n"}) {
    call("proxy", "web", "", {}, "GET", api::Kind::pods, "/");
    node_.links[0]->user.on_open();
    node_.links[0]->user.on_bytes(bad);
    expect_error(503, "error trying to reach service: malformed HTTP response");
  }
  call("proxy", "web", "", {}, "GET", api::Kind::pods, "/");
  node_.links[0]->user.on_end({Code::invalid, "dial tcp 10.0.0.7:80: connect: connection refused"});
  expect_error(503, "error trying to reach service: dial tcp 10.0.0.7:80: connect: connection refused");
  call("proxy", "web", "", {}, "GET", api::Kind::pods, "/");
  node_.links[0]->user.on_end({});
  expect_error(503, "unexpected EOF");
}

TEST_F(ProxyTest, SendsToTheDirectoryFirst) {
  call("proxy", "web", "x=1", {}, "GET", api::Kind::pods, "");
  EXPECT_EQ(exchange_->response.status, 301);
  EXPECT_TRUE(exchange_->response.headers[0].value.ends_with("/web/proxy/?x=1"));
}

TEST_F(ProxyTest, FindsAServicesPods) {
  api::Service service;
  service.mutable_metadata()->set_name("svc");
  service.mutable_metadata()->set_namespace_("default");
  auto& port = *service.mutable_spec()->add_ports();
  port.set_name("http");
  port.set_port(80);
  put(service);
  call("proxy", "svc:http", "", {}, "GET", api::Kind::services, "/x");
  expect_error(503, R"(no endpoints available for service \"svc\")");
  call("proxy", "svc:nope", "", {}, "GET", api::Kind::services, "/x");
  expect_error(503, R"(no service port \"nope\" found for service \"svc\")");

  api::Endpoints endpoints;
  endpoints.mutable_metadata()->set_name("svc");
  endpoints.mutable_metadata()->set_namespace_("default");
  auto& subset = *endpoints.add_subsets();
  auto& address = *subset.add_addresses();
  address.set_ip("10.0.0.7");
  address.mutable_target_ref()->set_kind("Pod");
  address.mutable_target_ref()->set_name("web");
  auto& target = *subset.add_ports();
  target.set_name("http");
  target.set_port(8081);
  put(endpoints);
  for (const char* name : {"svc", "svc:http", "svc:80", "http:svc:http"}) {
    call("proxy", name, "", {}, "GET", api::Kind::services, "/x");
    ASSERT_EQ(node_.links.size(), 1u) << name;
    EXPECT_EQ(node_.links[0]->port, 8081);
    exchange_->gone();
    EXPECT_TRUE(node_.links.empty());
  }
  call("proxy", "ftp:svc:http", "", {}, "GET", api::Kind::services, "/x");
  expect_error(400, "invalid service request");
}

TEST_F(ProxyTest, ReachesNodeAgents) {
  api::Node node;
  node.mutable_metadata()->set_name("n1");
  put(node);
  call("proxy", "n1", "", {}, "GET", api::Kind::nodes, "/healthz");
  ASSERT_EQ(node_.links.size(), 1u);
  node_.links[0]->user.on_open();
  EXPECT_TRUE(node_.links[0]->sent.starts_with("GET /healthz HTTP/1.1\r\nHost: n1:10250\r\n"));
  exchange_->gone();
  call("proxy", "n1:22", "", {}, "GET", api::Kind::nodes, "/");
  expect_error(400, "only the node agent's port 10250");
  call("proxy", "n2", "", {}, "GET", api::Kind::nodes, "/");
  expect_error(404, "not found");
}

}  // namespace
}  // namespace keelson::rest
