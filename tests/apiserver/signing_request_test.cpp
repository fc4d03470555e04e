#include <algorithm>

#include "core/apiserver/guard.hpp"
#include "tests/apiserver/fixture.hpp"

namespace keelson::test {
namespace {

class SigningRequestTest : public ApiServerTest {
 protected:
  static api::CertificateSigningRequest request_named(const std::string& name) {
    api::CertificateSigningRequest request;
    request.mutable_metadata()->set_name(name);
    auto& spec = *request.mutable_spec();
    spec.set_request("-----BEGIN CERTIFICATE REQUEST-----");
    spec.set_signer_name("kubernetes.io/kube-apiserver-client");
    spec.add_usages("client auth");
    return request;
  }
  static void add_condition(api::CertificateSigningRequest& request, const std::string& type) {
    auto& condition = *request.mutable_status()->add_conditions();
    condition.set_type(type);
    condition.set_status("True");
  }
  Response put_approval(const api::CertificateSigningRequest& request) {
    Request update = api::update(api::make_object(request));
    update.subresource = api::Subresource::approval;
    return call(std::move(update));
  }
};

TEST_F(SigningRequestTest, SayWhoAsks) {
  api::UserInfo jane;
  jane.name = "jane";
  jane.uid = "7";
  jane.groups = {"dev"};
  jane.extra["k"] = {"a", "b"};
  api::CertificateSigningRequest sent = request_named("c");
  sent.mutable_spec()->set_username("root");
  sent.mutable_spec()->add_groups("system:masters");
  add_condition(sent, "Approved");
  Request create = api::create(api::make_object(sent));
  create.user = "jane";
  create.caller = std::make_shared<const api::UserInfo>(jane);
  const Response response = call(std::move(create));
  ASSERT_TRUE(response.ok()) << response.error.message;
  const auto& made = response.object->as<api::CertificateSigningRequest>();
  EXPECT_EQ(made.spec().username(), "jane");
  EXPECT_EQ(made.spec().uid(), "7");
  ASSERT_EQ(made.spec().groups_size(), 1);
  EXPECT_EQ(made.spec().groups(0), "dev");
  EXPECT_EQ(made.spec().extra().at("k").items_size(), 2);
  EXPECT_TRUE(made.status().conditions().empty());
}

TEST_F(SigningRequestTest, KeepWhatTheyAskFor) {
  api::CertificateSigningRequest changed = *made(request_named("c"));
  changed.mutable_spec()->set_signer_name("example.com/other");
  (*changed.mutable_metadata()->mutable_labels())["a"] = "b";
  ASSERT_TRUE(put(changed).ok());
  const auto now = read<api::CertificateSigningRequest>("c");
  EXPECT_EQ(now->spec().signer_name(), "kubernetes.io/kube-apiserver-client");
  EXPECT_EQ(now->metadata().labels().at("a"), "b");
}

TEST_F(SigningRequestTest, ApproversApproveAndSignersSign) {
  api::CertificateSigningRequest sent = *made(request_named("c"));
  add_condition(sent, "Approved");
  sent.mutable_status()->set_certificate("-----BEGIN CERTIFICATE-----");
  // Through status nobody approves; the certificate counts.
  ASSERT_TRUE(put_status(sent).ok());
  auto now = read<api::CertificateSigningRequest>("c");
  EXPECT_TRUE(now->status().conditions().empty());
  EXPECT_FALSE(now->status().certificate().empty());
  // Through approval nobody signs.
  sent.mutable_status()->set_certificate("-----BEGIN CERTIFICATE----- another");
  const Response response = put_approval(sent);
  ASSERT_TRUE(response.ok()) << response.error.message;
  now = read<api::CertificateSigningRequest>("c");
  ASSERT_EQ(now->status().conditions_size(), 1);
  EXPECT_TRUE(now->status().conditions(0).has_last_update_time());
  EXPECT_TRUE(now->status().conditions(0).has_last_transition_time());
  EXPECT_EQ(now->status().certificate(), "-----BEGIN CERTIFICATE-----");
}

TEST_F(SigningRequestTest, ApprovalIsTheirsAlone) {
  made(config_named("m"));
  Request update = api::update(api::make_object(config_named("m")));
  update.subresource = api::Subresource::approval;
  EXPECT_EQ(call(std::move(update)).error.reason, Reason::method_not_allowed);
}

class Refusing final : public apiserver::WriteGuard {
 public:
  api::ApiError check(const Request& request, const api::Object* before,
                      const api::Message* after) const override {
    asked.push_back(std::string(before ? "b" : "-") + (after ? "a" : "-"));
    return api::forbidden(request.kind, request.name, "no");
  }
  mutable std::vector<std::string> asked;
};

TEST_F(SigningRequestTest, GuardsAreAskedAboutCallersOnly) {
  Refusing guard;
  server->guard_with(&guard);
  const auto as_jane = [&](Request request) {
    request.caller = std::make_shared<const api::UserInfo>(api::UserInfo{"jane", {}, {}, {}});
    return call(std::move(request)).error.message;
  };
  EXPECT_TRUE(create(config_named("m")).ok());
  EXPECT_TRUE(guard.asked.empty());
  const std::string refused = "configmaps \"m\" is forbidden: no";
  EXPECT_EQ(as_jane(api::create(api::make_object(config_named("n")))),
            "configmaps \"n\" is forbidden: no");
  EXPECT_EQ(as_jane(api::update(api::make_object(config_named("m", "w")))), refused);
  EXPECT_EQ(as_jane(removal(Kind::config_maps, "m")), refused);
  // An attempt is repeated before a refusal is final: once at least.
  guard.asked.erase(std::unique(guard.asked.begin(), guard.asked.end()), guard.asked.end());
  EXPECT_EQ(guard.asked, (std::vector<std::string>{"-a", "ba", "b-"}));
  server->guard_with(nullptr);
}

}  // namespace
}  // namespace keelson::test
