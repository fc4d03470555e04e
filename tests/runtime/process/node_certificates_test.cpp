// How a node asks for its certificates, and what it does when it gets none.
#include "runtime/process/node_certificates.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "core/base/log.hpp"
#include "tests/runtime/test_pki.hpp"
#include "tests/support/manual_loop.hpp"

namespace keelson::runtime {
namespace {

// Decides about each request at once.
class DecidingApi final : public client::ApiClient {
 public:
  explicit DecidingApi(Loop& loop) : loop_(loop) {}
  bool deny = true;
  std::map<std::string, std::vector<Instant>> made;  // by signer

  void call(api::Request request, Callback<void(api::Response)> done) override {
    api::Response response;
    api::CertificateSigningRequest object;
    if (request.verb == api::Verb::create) {
      object = static_cast<const api::CertificateSigningRequest&>(*request.body);
      made[object.spec().signer_name()].push_back(loop_.now());
      object.mutable_metadata()->set_name("csr");
    } else {
      object.mutable_metadata()->set_name(request.name);
      if (deny) {
        object.mutable_status()->add_conditions()->set_type("Denied");
      } else {
        object.mutable_status()->set_certificate("not even PEM");
      }
    }
    response.object = api::make_object(std::move(object));
    loop_.post([done = std::move(done), response = std::move(response)]() mutable {
      done(std::move(response));
    });
  }
  api::WatchId watch(api::WatchRequest, api::WatchSink&) override { return {}; }
  void unwatch(api::WatchId) override {}

 private:
  Loop& loop_;
};

TEST(NodeCertificates, ARefusedRequestIsRepeatedEverMoreRarely) {
  const http::test::TempDir dir;
  std::filesystem::create_directory(dir.path("node"));
  keelson::test::ManualLoop loop;
  DecidingApi api(loop);
  NullLog log;
  NodeCertificates certificates(loop, api, Rng(1), log, {"n1", dir.path("node"), {"n1"}});
  certificates.start([](NodeCertificates::Which, const std::string&) { FAIL() << "there is none"; });
  loop.run_for(1h);
  ASSERT_EQ(api.made.size(), 3u);
  for (const auto& [signer, times] : api.made) {
    SCOPED_TRACE(signer);
    ASSERT_GT(times.size(), 8u);
    EXPECT_LE(times.size(), 14u) << "in an hour";
    EXPECT_LT(times[1] - times[0], 6s);
    for (std::size_t i = 2; i < times.size(); ++i) {
      const Duration pause = times[i] - times[i - 1], before = times[i - 1] - times[i - 2];
      EXPECT_LE(pause, 10min + 1s);
      EXPECT_TRUE(pause > before || pause >= 10min) << i;
    }
  }
}

}  // namespace
}  // namespace keelson::runtime
