// The API client over HTTP against a real API server behind a real HTTPS server, in one process and on
// one loop.
#include <gtest/gtest.h>

#include "core/apiserver/api_server.hpp"
#include "core/client/informer.hpp"
#include "core/rest/front.hpp"
#include "core/store/memory_store.hpp"
#include "runtime/api/http_api_client.hpp"
#include "tests/runtime/http_fixture.hpp"
#include "tests/runtime/test_pki.hpp"

namespace keelson::runtime {
namespace {

using api::Kind;

class ApiClientTest : public ::testing::Test {
 protected:
  ApiClientTest()
      : store_(loop_), server_(loop_, store_, Rng(1), log_, {}), front_(server_, loop_, log_, nullptr, nullptr, {}) {
    server_.start();
    serve();
    http::AsyncClientOptions options;
    options.servers = {"https://127.0.0.1:" + std::to_string(https_->port())};
    options.ca_pem = ca_.cert();
    const http::test::Pem own = ca_.client("n1", {"system:nodes"});
    options.client_cert_pem = own.cert;
    options.client_key_pem = own.key;
    auto made = http::AsyncClient::create(loop_, options);
    EXPECT_TRUE(made.ok());
    http_ = std::move(*made);
    client_ = std::make_unique<HttpApiClient>(loop_, *http_);
    until([this] { return server_.ready(); });
  }

  void serve(uint16_t port = 0) {
    const http::test::Pem pem = ca_.server();
    http::ServerOptions options;
    options.port = port;
    options.tls = http::ServerTls{dir_.write("server.crt", pem.cert),
                                  dir_.write("server.key", pem.key),
                                  dir_.write("ca.crt", ca_.cert())};
    const http::PostToCore post = [this](http::Work work) {
      loop_.post_from_any_thread(std::move(work));
    };
    auto started = http::HttpServer::start(options, front_, post, log_);
    ASSERT_TRUE(started.ok()) << started.error().message;
    https_ = std::move(*started);
  }

  // Runs the loop until it holds, for ten seconds at most.
  void until(const std::function<bool()>& holds) {
    for (int i = 0; i < 1000 && !holds(); ++i) loop_.run_round(10ms);
    ASSERT_TRUE(holds());
  }

  api::Response call(api::Request request) {
    std::optional<api::Response> answer;
    client_->call(std::move(request), [&](api::Response response) { answer = std::move(response); });
    EXPECT_FALSE(answer) << "answered from inside the call";
    until([&] { return answer.has_value(); });
    return answer.value_or(api::Response());
  }

  static api::ObjectPtr config_map(const std::string& name, const std::string& value) {
    api::ConfigMap map;
    map.mutable_metadata()->set_namespace_("default");
    map.mutable_metadata()->set_name(name);
    (*map.mutable_data())["key"] = value;
    return api::make_object(std::move(map));
  }

  NullLog log_;
  AsioLoop loop_;
  http::test::TempDir dir_;
  http::test::TestCa ca_;
  store::MemoryStore store_;
  apiserver::ApiServer server_;
  rest::Front front_;
  std::unique_ptr<http::HttpServer> https_;
  std::unique_ptr<http::AsyncClient> http_;
  std::unique_ptr<HttpApiClient> client_;
};

TEST_F(ApiClientTest, WritesAndReadsAsWithinOneProcess) {
  const api::Response created = call(api::create(config_map("a", "1")));
  ASSERT_TRUE(created.ok()) << created.error.message;
  EXPECT_TRUE(created.created);
  ASSERT_TRUE(created.object);
  EXPECT_TRUE(created.object->revision());
  EXPECT_TRUE(created.object->meta().resource_version().empty()) << "the revision stands in the object";

  const api::Response again = call(api::create(config_map("a", "1")));
  EXPECT_EQ(again.error.reason, api::Reason::already_exists);
  EXPECT_EQ(again.error.name, "a");

  api::ConfigMap changed = created.object->as<api::ConfigMap>();
  (*changed.mutable_data())["key"] = "2";
  const auto with = api::make_object(changed, created.object->revision());
  const api::Response updated = call(api::update(with));
  ASSERT_TRUE(updated.ok()) << updated.error.message;
  EXPECT_GT(updated.object->revision(), created.object->revision());
  EXPECT_EQ(call(api::update(with)).error.reason, api::Reason::conflict) << "an old revision";

  const api::Response listed = call(api::list(Kind::config_maps, "default"));
  ASSERT_TRUE(listed.ok());
  bool found = false;
  for (const auto& item : listed.items) {
    if (item->name() != "a") continue;
    found = true;
    EXPECT_EQ(item->as<api::ConfigMap>().data().at("key"), "2");
    EXPECT_EQ(item->revision(), updated.object->revision());
  }
  EXPECT_TRUE(found);

  const api::Response removed = call(api::remove(*updated.object));
  ASSERT_TRUE(removed.ok()) << removed.error.message;
  EXPECT_EQ(removed.removed_uid, created.object->uid());
  EXPECT_EQ(call(api::get(Kind::config_maps, "default", "a")).error.reason, api::Reason::not_found);
}

TEST_F(ApiClientTest, DeletesOnlyTheIncarnationThatWasMeant) {
  const api::ObjectPtr first = call(api::create(config_map("a", "1"))).object;
  ASSERT_TRUE(call(api::remove(*first)).ok());
  ASSERT_TRUE(call(api::create(config_map("a", "2"))).ok());
  EXPECT_EQ(call(api::remove(*first)).error.reason, api::Reason::conflict);
}

TEST_F(ApiClientTest, AnInformerFollowsOverTheWireAndThroughRestartsOfTheServer) {
  client::Informer informer(loop_, *client_, Rng(2),
                            {.kind = Kind::config_maps, .ns = "default"});
  std::vector<std::string> seen;
  informer.on_change([&](const api::ObjectPtr& before, const api::ObjectPtr& after) {
    const api::Object& object = after ? *after : *before;
    if (object.name() != "kube-root-ca.crt") seen.push_back((after ? "+" : "-") + object.name());
  });
  informer.start();
  until([&] { return informer.synced(); });
  const api::ObjectPtr a = call(api::create(config_map("a", "1"))).object;
  until([&] { return seen == std::vector<std::string>{"+a"}; });
  EXPECT_EQ(informer.get("default", "a")->revision(), a->revision());

  const uint16_t port = https_->port();
  https_.reset();  // every connection breaks
  store::Transaction transaction;
  transaction.writes.push_back({.key = a->key()});
  transaction.writes.back().op = store::Write::Op::remove;
  bool done = false;
  store_.commit(std::move(transaction), [&](Result<store::Committed> result) { done = result.ok(); });
  until([&] { return done; });
  serve(port);
  until([&] { return seen.size() == 2; });
  EXPECT_EQ(seen.back(), "-a");
}

TEST_F(ApiClientTest, AHeartbeatConsumesNoRevision) {
  api::Node node;
  node.mutable_metadata()->set_name("n1");
  ASSERT_TRUE(call(api::create(api::make_object(std::move(node)))).ok());
  const api::Revision before = server_.revision();
  api::Request beat;
  beat.verb = api::Verb::renew;
  beat.kind = Kind::leases;
  beat.ns = "kube-node-lease";
  beat.name = "n1";
  beat.beat = {"n1", 77, loop_.wall_now(), {{"n2", 5, true}, {"n3", 6, false}}};
  const api::Response answer = call(std::move(beat));
  ASSERT_TRUE(answer.ok()) << answer.error.message;
  EXPECT_EQ(server_.revision(), before);

  std::optional<api::Response> beats;
  api::Request list;
  list.verb = api::Verb::list_beats;
  list.kind = Kind::leases;
  server_.handle(std::move(list), [&](api::Response response) { beats = std::move(response); });
  until([&] { return beats.has_value(); });
  ASSERT_EQ(beats->beats.size(), 1u);
  EXPECT_EQ(beats->beats[0].node, "n1");
  EXPECT_EQ(beats->beats[0].seq, 77u);
  ASSERT_EQ(beats->beats[0].reports.size(), 2u);
  EXPECT_EQ(beats->beats[0].reports[0].round, 5u);
  EXPECT_TRUE(beats->beats[0].reports[0].reachable);
  EXPECT_FALSE(beats->beats[0].reports[1].reachable);
}

TEST_F(ApiClientTest, SaysWhetherAnythingCanHaveHappened) {
  const uint16_t port = https_->port();
  https_.reset();
  EXPECT_EQ(call(api::create(config_map("a", "1"))).error.reason,
            api::Reason::service_unavailable)
      << "no connection: nothing happened";
  // A server that takes requests and never answers.
  http::test::TestServer silent({.port = port});
  http::AsyncClientOptions options;
  options.servers = {"http://127.0.0.1:" + std::to_string(port)};
  rest::ExchangePtr kept;
  silent.handler.on("/api/v1/namespaces/default/configmaps",
                    [&kept](rest::HttpRequest, rest::ExchangePtr exchange) {
                      kept = std::move(exchange);
                    });
  auto plain = http::AsyncClient::create(loop_, options);
  ASSERT_TRUE(plain.ok());
  HttpApiClient client(loop_, **plain, {.timeout = 200ms});
  std::optional<api::Response> answer;
  client.call(api::create(config_map("a", "1")), [&](api::Response r) { answer = std::move(r); });
  until([&] { return answer.has_value(); });
  EXPECT_EQ(answer->error.reason, api::Reason::unknown_outcome);
  silent.on_core([&kept] { kept.reset(); });  // an exchange does not outlive its server
}

TEST_F(ApiClientTest, GoesOnToTheNextServer) {
  http::AsyncClientOptions options;
  // Nobody listens at the first one.
  options.servers = {"https://127.0.0.1:1", "https://127.0.0.1:" + std::to_string(https_->port())};
  options.ca_pem = ca_.cert();
  auto made = http::AsyncClient::create(loop_, options);
  ASSERT_TRUE(made.ok());
  HttpApiClient client(loop_, **made);
  std::optional<api::Response> answer;
  client.call(api::list(Kind::namespaces), [&](api::Response r) { answer = std::move(r); });
  until([&] { return answer.has_value(); });
  EXPECT_TRUE(answer->ok()) << answer->error.message;
  EXPECT_FALSE(answer->items.empty());
}

TEST_F(ApiClientTest, AServerOfAnotherAuthorityIsNotTalkedTo) {
  const http::test::TestCa other;
  http::AsyncClientOptions options;
  options.servers = {"https://127.0.0.1:" + std::to_string(https_->port())};
  options.ca_pem = other.cert();
  auto made = http::AsyncClient::create(loop_, options);
  ASSERT_TRUE(made.ok());
  std::optional<Result<http::Response>> answer;
  (*made)->send({.target = "/version"}, [&](Result<http::Response> r) { answer = std::move(r); });
  until([&] { return answer.has_value(); });
  EXPECT_EQ(answer->code(), Code::denied);
}

}  // namespace
}  // namespace keelson::runtime
