// TLS: what the server's and the clients' certificates prove, seen from both ends.
#include "runtime/http/client.hpp"
#include "tests/runtime/http_fixture.hpp"
#include "tests/runtime/test_pki.hpp"

namespace keelson::http::test {
namespace {

class HttpTls : public ::testing::Test {
 protected:
  HttpTls() {
    const Pem server = ca_.server();
    tls_.cert_file = files_.write("server.crt", server.cert);
    tls_.key_file = files_.write("server.key", server.key);
    tls_.client_ca_file = files_.write("ca.crt", ca_.cert());
  }
  ServerOptions options() const {
    ServerOptions options;
    options.tls = tls_;
    return options;
  }
  ClientOptions trusting(const TestServer& server) const {
    ClientOptions client;
    client.server = "https://127.0.0.1:" + std::to_string(server.port());
    client.ca_pem = ca_.cert();
    return client;
  }
  static void say_who(TestServer& server) {
    server.handler.on("/who", [](rest::HttpRequest request, rest::ExchangePtr exchange) {
      std::string who = request.peer.secure ? "secure " : "plain ";
      if (request.peer.user) {
        who += request.peer.user->name;
        for (const std::string& group : request.peer.user->groups) who += " " + group;
      }
      exchange->respond({200, {}, who});
    });
  }

  TestCa ca_;
  TempDir files_;
  ServerTls tls_;
};

TEST_F(HttpTls, ServesAClientWithoutACertificate) {
  TestServer server(options());
  say_who(server);
  Client client(trusting(server));
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.send({.target = "/who"});
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->body, "secure ");
  }
  EXPECT_EQ(server->stats().accepted, 1u);
}

TEST_F(HttpTls, ACertificateNamesItsUser) {
  TestServer server(options());
  say_who(server);
  ClientOptions client = trusting(server);
  const Pem jane = ca_.client("jane", {"dev", "ops"});
  client.client_cert_pem = jane.cert;
  client.client_key_pem = jane.key;
  const auto answer = Client(client).send({.target = "/who"});
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->body, "secure jane dev ops");
}

TEST_F(HttpTls, ACertificateOfAnotherCaIsUnauthorizedUnlessThereIsAToken) {
  TestServer server(options());
  say_who(server);
  ClientOptions client = trusting(server);
  const Pem mallory = TestCa().client("jane", {"system:masters"});
  client.client_cert_pem = mallory.cert;
  client.client_key_pem = mallory.key;
  const auto answer = Client(client).send({.target = "/who"});
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->status, 401);
  EXPECT_NE(answer->body.find("\"reason\":\"Unauthorized\""), std::string::npos);
  EXPECT_EQ(server->stats().bad_certificates, 1u);
  client.bearer_token = "t";
  const auto with_token = Client(client).send({.target = "/who"});
  ASSERT_TRUE(with_token.ok());
  EXPECT_EQ(with_token->body, "secure ");
}

TEST_F(HttpTls, AServersCertificateIsNoClients) {
  TestServer server(options());
  say_who(server);
  ClientOptions client = trusting(server);
  const Pem wrong = ca_.server();
  client.client_cert_pem = wrong.cert;
  client.client_key_pem = wrong.key;
  const auto answer = Client(client).send({.target = "/who"});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 401);
}

TEST_F(HttpTls, TheClientChecksTheServer) {
  TestServer server(options());
  ClientOptions client = trusting(server);
  client.ca_pem = TestCa().cert();
  EXPECT_EQ(Client(client).send({.target = "/echo"}).code(), Code::denied);
  client = trusting(server);
  client.tls_server_name = "elsewhere.example";
  EXPECT_EQ(Client(client).send({.target = "/echo"}).code(), Code::denied);
  client.insecure_skip_verify = true;
  EXPECT_TRUE(Client(client).send({.target = "/echo"}).ok());
  EXPECT_TRUE(eventually([&] { return server->stats().failed_handshakes == 2; }));
}

TEST_F(HttpTls, LargeBodiesGoBothWays) {
  TestServer server(options());
  Client client(trusting(server));
  const std::string body(3'000'000, 'k');
  const auto answer = client.send({.method = "POST", .target = "/echo", .body = body});
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->body, body);
}

TEST_F(HttpTls, HundredsOfIdleConnections) {
  TestServer server(options());
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 300; ++i) {
    clients.push_back(std::make_unique<Client>(trusting(server)));
    ASSERT_TRUE(clients.back()->send({.target = "/echo"}).ok());
  }
  EXPECT_EQ(server->stats().connections, 300u);
  for (const auto& client : clients) ASSERT_TRUE(client->send({.target = "/echo"}).ok());
  EXPECT_EQ(server->stats().accepted, 300u);
  clients.clear();
  EXPECT_TRUE(eventually([&] { return server->stats().connections == 0; }));
}

TEST_F(HttpTls, ReloadsChangedCertificates) {
  ServerOptions set = options();
  set.tls_reload = std::chrono::milliseconds(10);
  TestServer server(set);
  const TestCa other;
  const Pem renewed = other.server();
  files_.write("server.key", renewed.key);
  files_.write("server.crt", renewed.cert);
  ClientOptions client = trusting(server);
  client.ca_pem = other.cert();
  EXPECT_TRUE(eventually([&] { return Client(client).send({.target = "/echo"}).ok(); }));
}

TEST_F(HttpTls, AnUnreadableCertificateIsSaid) {
  ServerTls files = tls_;
  files.key_file = files_.write("other.key", TestCa().server().key);
  EXPECT_EQ(make_server_context(files).code(), Code::invalid);
  files.cert_file = "/nonexistent";
  const auto made = make_server_context(files);
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message.find("/nonexistent"), std::string::npos);
}

TEST_F(HttpTls, GarbageInsteadOfAHandshakeIsDropped) {
  TestServer server(options());
  RawSocket socket(server.port());
  socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  socket.read_all();
  EXPECT_TRUE(socket.ended());
  EXPECT_EQ(server->stats().failed_handshakes, 1u);
}

}  // namespace
}  // namespace keelson::http::test
