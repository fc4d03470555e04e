// Several API servers on one store: which of them default/kubernetes names.
#include "core/apiserver/server_leases.hpp"

#include "core/apiserver/local_client.hpp"
#include "core/apiserver/watch_cache.hpp"
#include "tests/apiserver/fixture.hpp"

namespace keelson::test {
namespace {

using testing::ElementsAre;

// A server of its own on the common store, which can stand still as a paused process does.
struct Server {
  Server(Loop& loop, store::Store& store, const std::string& name, const std::string& address)
      : server(loop, store, Rng(1).fork(name), log, options(name, address)),
        client(server),
        link(client),
        leases(loop, link, log, {.name = name, .identity = name + "_1", .address = address}) {
    server.start();
    leases.start();
  }
  static apiserver::ApiServerOptions options(const std::string& name, const std::string& address) {
    apiserver::ApiServerOptions options;
    options.identity = name;
    options.advertise_address = address;
    return options;
  }
  class Link final : public client::ApiClient {
   public:
    explicit Link(client::ApiClient& to) : to_(to) {}
    void call(api::Request request, Callback<void(api::Response)> done) override {
      if (!cut) return to_.call(std::move(request), std::move(done));
      api::Response response;
      response.error = api::service_unavailable("cut off");
      done(std::move(response));
    }
    api::WatchId watch(api::WatchRequest, api::WatchSink&) override { return {}; }
    void unwatch(api::WatchId) override {}
    bool cut = false;

   private:
    client::ApiClient& to_;
  };

  NullLog log;
  apiserver::ApiServer server;
  apiserver::LocalClient client;
  Link link;
  apiserver::ServerLeases leases;
};

class ServerLeasesTest : public ::testing::Test {
 protected:
  ServerLeasesTest() {
    add("a", "10.0.0.1");
    loop.run_for(1s);
  }
  void add(const std::string& name, const std::string& address) {
    servers[name] = std::make_unique<Server>(loop, store, name, address);
  }
  api::ObjectPtr find(Kind kind) {
    for (const auto& [name, one] : servers) {
      return one->server.cache().find(kind, "default", "kubernetes");
    }
    return nullptr;
  }
  std::vector<std::string> addresses() {
    std::vector<std::string> out, sliced;
    for (const auto& subset : find(Kind::endpoints)->as<api::Endpoints>().subsets()) {
      for (const auto& address : subset.addresses()) out.push_back(address.ip());
    }
    for (const auto& one : find(Kind::endpoint_slices)->as<api::EndpointSlice>().endpoints()) {
      sliced.push_back(one.addresses(0));
    }
    EXPECT_EQ(out, sliced);
    return out;
  }

  ManualLoop loop;
  store::MemoryStore store{loop};
  std::map<std::string, std::unique_ptr<Server>> servers;
};

TEST_F(ServerLeasesTest, AllLivingServersAreNamed) {
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1"));
  add("b", "10.0.0.2");
  loop.run_for(1s);
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1", "10.0.0.2"));
  const Revision before = find(Kind::endpoints)->revision();
  loop.run_for(10min);
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1", "10.0.0.2"));
  EXPECT_EQ(find(Kind::endpoints)->revision(), before) << "written again without a change";
}

TEST_F(ServerLeasesTest, ADeadServerIsDroppedWithinHalfAMinute) {
  add("b", "10.0.0.2");
  loop.run_for(20s);
  servers.erase("b");
  loop.run_for(10s);
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1", "10.0.0.2")) << "given up too early";
  loop.run_for(20s);
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1"));
  add("b", "10.0.0.2");
  loop.run_for(8s);
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1", "10.0.0.2"));
}

TEST_F(ServerLeasesTest, AServerThatLeavesIsOutWithTheNextRenewal) {
  add("b", "10.0.0.2");
  loop.run_for(8s);
  bool left = false;
  servers["b"]->leases.leave([&] { left = true; });
  loop.run_for(8s);
  EXPECT_TRUE(left);
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1"));
}

TEST_F(ServerLeasesTest, WhoWasCutOffGivesNobodyUp) {
  add("b", "10.0.0.2");
  loop.run_for(20s);
  // "a" hears nothing for a long time. It is given up; when it is back it must not think that it was
  // the others who were silent.
  servers["a"]->link.cut = true;
  loop.run_for(2min);
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.2"));
  servers["a"]->link.cut = false;
  for (int i = 0; i < 100; ++i) {
    loop.run_for(300ms);
    const auto named = addresses();
    EXPECT_EQ(std::count(named.begin(), named.end(), "10.0.0.2"), 1) << i;
  }
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1", "10.0.0.2"));
}

}  // namespace
}  // namespace keelson::test
