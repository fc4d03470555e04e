#include <boost/json.hpp>

#include "core/api/json.hpp"
#include "core/auth/reviews.hpp"
#include "tests/auth/auth_fixture.hpp"

namespace keelson::test {
namespace {

using auth::encode_base64url;

class TokenTest : public AuthTest {
 protected:
  api::TokenRequest asked(int64_t seconds = 0) {
    api::TokenRequest request;
    if (seconds) request.mutable_spec()->set_expiration_seconds(seconds);
    return request;
  }
  auth::Answer<api::TokenRequest> issue(api::TokenRequest request,
                                        const std::string& account = "default") {
    return access->tokens().issue(user("jane"), "default", account, std::move(request));
  }
  std::string token(api::TokenRequest request) {
    const auto answer = issue(std::move(request));
    EXPECT_TRUE(answer.ok()) << answer.error.message;
    return answer.message.status().token();
  }
  std::optional<auth::UserInfo> whose(const std::string& token) {
    return access->authenticator().authenticate(token);
  }
};

TEST_F(TokenTest, AreTheirAccounts) {
  const auto who = whose(token(asked()));
  ASSERT_TRUE(who);
  EXPECT_EQ(who->name, "system:serviceaccount:default:default");
  EXPECT_EQ(who->uid, read<api::ServiceAccount>("default").uid());
  EXPECT_TRUE(who->in_group("system:serviceaccounts"));
  EXPECT_TRUE(who->in_group("system:serviceaccounts:default"));
  EXPECT_TRUE(who->in_group("system:authenticated"));
  EXPECT_EQ(who->extra.count("authentication.kubernetes.io/credential-id"), 1U);
}

TEST_F(TokenTest, HaveKubernetesClaims) {
  const auto answer = issue(asked(900));
  const std::string& token = answer.message.status().token();
  const std::size_t first = token.find('.'), second = token.rfind('.');
  const auto payload = auth::decode_base64url(token.substr(first + 1, second - first - 1));
  ASSERT_TRUE(payload);
  const auto claims = boost::json::parse(*payload).as_object();
  EXPECT_EQ(claims.at("sub"), "system:serviceaccount:default:default");
  EXPECT_EQ(claims.at("iss"), "https://kubernetes.default.svc.cluster.local");
  EXPECT_EQ(claims.at("aud").at(0), "https://kubernetes.default.svc.cluster.local");
  EXPECT_EQ(claims.at("exp").as_int64() - claims.at("iat").as_int64(), 900);
  EXPECT_EQ(claims.at("kubernetes.io").at("namespace"), "default");
  EXPECT_EQ(claims.at("kubernetes.io").at("serviceaccount").at("name"), "default");
  EXPECT_EQ(claims.at("jti").as_string().size(), 36U);
  EXPECT_EQ(answer.message.status().expiration_timestamp().seconds(), claims.at("exp").as_int64());
}

TEST_F(TokenTest, RequestsAreChecked) {
  EXPECT_EQ(issue(asked(599)).error.message,
            "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid "
            "value: 599: may not specify a duration less than 10 minutes");
  EXPECT_EQ(issue(asked((int64_t{1} << 32) + 1)).error.reason, Reason::invalid);
  EXPECT_EQ(issue(asked(), "nope").error.message, "serviceaccounts \"nope\" not found");
  api::TokenRequest named;
  named.mutable_metadata()->set_name("other");
  EXPECT_EQ(issue(named).error.reason, Reason::bad_request);
  api::TokenRequest bound;
  auto& ref = *bound.mutable_spec()->mutable_bound_object_ref();
  ref.set_api_version("v1");
  ref.set_kind("ConfigMap");
  EXPECT_EQ(issue(bound).error.message, "cannot bind token to object of type v1, Kind=ConfigMap");
  ref.set_kind("Pod");
  ref.set_name("nope");
  EXPECT_EQ(issue(bound).error.reason, Reason::not_found);
  ref.set_name(made(pod_named("p")).name());
  ref.set_uid("another");
  EXPECT_EQ(issue(bound).error.reason, Reason::conflict);
}

TEST_F(TokenTest, Expire) {
  const std::string text = token(asked(600));
  loop.run_for(599s);
  EXPECT_TRUE(whose(text));
  loop.run_for(120s);
  EXPECT_FALSE(whose(text));
}

TEST_F(TokenTest, EndWithWhatTheyAreBoundTo) {
  const auto pod = made(pod_named("p"));
  api::TokenRequest request = asked(3607);
  auto& ref = *request.mutable_spec()->mutable_bound_object_ref();
  ref.set_api_version("v1");
  ref.set_kind("Pod");
  ref.set_name("p");
  ref.set_uid(pod.uid());
  const std::string text = token(request);
  const auto who = whose(text);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->extra.at("authentication.kubernetes.io/pod-name").front(), "p");
  loop.run_for(2h);  // tokens that nodes project are tolerated longer
  EXPECT_TRUE(whose(text));
  EXPECT_TRUE(call(removal(Kind::pods, "p")).ok());
  EXPECT_FALSE(whose(text));
  made(pod_named("p"));  // a successor of the same name is another pod
  EXPECT_FALSE(whose(text));
}

TEST_F(TokenTest, EndWithTheirAccount) {
  api::ServiceAccount account;
  account.mutable_metadata()->set_name("robot");
  account.mutable_metadata()->set_namespace_("default");
  made(account);
  const std::string text = issue(asked(), "robot").message.status().token();
  EXPECT_TRUE(whose(text));
  EXPECT_TRUE(call(removal(Kind::service_accounts, "robot")).ok());
  EXPECT_FALSE(whose(text));
  made(account);
  EXPECT_FALSE(whose(text));
}

TEST_F(TokenTest, CannotBeMadeUp) {
  const std::string good = token(asked());
  const std::size_t first = good.find('.'), second = good.rfind('.');
  const std::string payload = good.substr(first + 1, second - first - 1);
  for (const std::string& bad : {
           std::string(),
           std::string("."),
           std::string(".."),
           std::string("a.b.c"),
           good.substr(0, second),
           good.substr(0, second + 1),
           good + "x",
           good + ".x",
           encode_base64url(R"({"alg":"none"})") + "." + payload + ".",
           encode_base64url(R"({"alg":"HS256"})") + good.substr(first),
           encode_base64url("not json") + good.substr(first),
           good.substr(0, first + 1) + encode_base64url("{}") + good.substr(second),
           std::string(100'000, 'a'),
       }) {
    EXPECT_FALSE(whose(bad)) << bad.substr(0, 80);
  }
  // Signed by us, but no token: what stands in it is judged all the same.
  const auth::JwtKeys keys = jwt_keys();
  const std::string issuer = R"("iss":"https://kubernetes.default.svc.cluster.local")";
  for (const std::string& claims :
       {std::string("[]"), std::string("{}"), "{" + issuer + "}", "{" + issuer + ",\"aud\":7}",
        "{" + issuer + R"(,"aud":"https://kubernetes.default.svc.cluster.local","exp":"soon"})",
        "{" + issuer +
            R"(,"aud":"https://kubernetes.default.svc.cluster.local","exp":99999999999})",
        "{" + issuer +
            R"(,"aud":"https://kubernetes.default.svc.cluster.local","exp":99999999999,)"
            R"("kubernetes.io":{"namespace":"default","serviceaccount":[]}})"}) {
    EXPECT_FALSE(whose(keys.sign(claims))) << claims;
  }
}

TEST_F(TokenTest, AreForTheirAudience) {
  api::TokenRequest request = asked();
  request.mutable_spec()->add_audiences("vault");
  const std::string text = token(request);
  EXPECT_FALSE(whose(text));
  api::TokenReview review;
  review.mutable_spec()->set_token(text);
  review.mutable_spec()->add_audiences("vault");
  review.mutable_spec()->add_audiences("other");
  const auto answer = auth::review(access->authenticator(), &access->tokens(), review);
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(answer.message.status().authenticated());
  EXPECT_EQ(answer.message.status().user().username(), "system:serviceaccount:default:default");
  ASSERT_EQ(answer.message.status().audiences_size(), 1);
  EXPECT_EQ(answer.message.status().audiences(0), "vault");
  review.mutable_spec()->clear_audiences();
  const auto server = auth::review(access->authenticator(), &access->tokens(), review);
  EXPECT_FALSE(server.message.status().authenticated());
  EXPECT_NE(server.message.status().error().find("token audiences [\"vault\"] is invalid"),
            std::string::npos)
      << server.message.status().error();
}

TEST_F(TokenTest, ReviewsNeedAToken) {
  EXPECT_EQ(auth::review(access->authenticator(), nullptr, api::TokenReview()).error.message,
            "token is required for TokenReview in authentication");
  api::TokenReview review;
  review.mutable_spec()->set_token("junk");
  const auto answer = auth::review(access->authenticator(), &access->tokens(), review);
  EXPECT_FALSE(answer.message.status().authenticated());
  EXPECT_EQ(answer.message.status().error(), "invalid bearer token");
}

TEST_F(TokenTest, OthersCanCheckThem) {
  const auto keys = boost::json::parse(access->tokens().jwks()).as_object();
  const auto& key = keys.at("keys").at(0).as_object();
  EXPECT_EQ(key.at("kty"), "RSA");
  EXPECT_EQ(key.at("alg"), "RS256");
  EXPECT_EQ(key.at("e"), "AQAB");
  EXPECT_EQ(key.at("n").as_string().size(), 342U);
  const auto config = boost::json::parse(access->tokens().openid_configuration()).as_object();
  EXPECT_EQ(config.at("issuer"), "https://kubernetes.default.svc.cluster.local");
  EXPECT_EQ(config.at("jwks_uri"), "https://kubernetes.default.svc.cluster.local/openid/v1/jwks");
}

TEST_F(TokenTest, NodesAskForThoseOfTheirPodsOnly) {
  made(node_named("n1"));
  api::Pod pod = pod_named("p");
  pod.mutable_spec()->set_node_name("n1");
  const auto there = made(pod);
  api::TokenRequest request = asked();
  auto& tokens = access->tokens();
  EXPECT_EQ(tokens.issue(node_user("n1"), "default", "default", request).error.message,
            "serviceaccounts \"default\" is forbidden: node requested token not bound to a pod");
  auto& ref = *request.mutable_spec()->mutable_bound_object_ref();
  ref.set_api_version("v1");
  ref.set_kind("Pod");
  ref.set_name("p");
  EXPECT_FALSE(tokens.issue(node_user("n1"), "default", "default", request).ok());
  ref.set_uid(there.uid());
  EXPECT_TRUE(tokens.issue(node_user("n1"), "default", "default", request).ok());
  EXPECT_FALSE(tokens.issue(node_user("n2"), "default", "default", request).ok());
}

TEST(JwtKeys, RefuseWhatIsNoKey) {
  EXPECT_EQ(auth::JwtKeys::load("junk").error().message,
            "the signing key is not a PEM key without a pass phrase");
  EXPECT_FALSE(auth::JwtKeys::load(rsa_key(), {"junk"}).ok());
  EXPECT_TRUE(auth::JwtKeys::load(rsa_key(), {rsa_key()}).ok());
}

// --- Bootstrap tokens ----------------------------------------------------------------------------

class BootstrapTokenTest : public AuthTest {
 protected:
  static api::Secret secret() {
    api::Secret secret;
    secret.mutable_metadata()->set_name("bootstrap-token-abcdef");
    secret.mutable_metadata()->set_namespace_("kube-system");
    secret.set_type("bootstrap.kubernetes.io/token");
    auto& data = *secret.mutable_data();
    data["token-id"] = "abcdef";
    data["token-secret"] = "0123456789abcdef";
    data["usage-bootstrap-authentication"] = "true";
    data["auth-extra-groups"] = "system:bootstrappers:kubeadm:default-node-token";
    return secret;
  }
  bool accepted(const api::Secret& secret, const std::string& token = "abcdef.0123456789abcdef") {
    call(removal(Kind::secrets, "bootstrap-token-abcdef", "kube-system"));
    made(secret);
    return access->authenticator().authenticate(token).has_value();
  }
};

TEST_F(BootstrapTokenTest, AreUsersWhoMayJoin) {
  made(secret());
  const auto who = access->authenticator().authenticate("abcdef.0123456789abcdef");
  ASSERT_TRUE(who);
  EXPECT_EQ(who->name, "system:bootstrap:abcdef");
  EXPECT_EQ(who->groups,
            (std::vector<std::string>{"system:bootstrappers",
                                      "system:bootstrappers:kubeadm:default-node-token",
                                      "system:authenticated"}));
  EXPECT_TRUE(may(asking(*who, "create", "certificatesigningrequests.certificates.k8s.io")));
  EXPECT_FALSE(may(asking(*who, "list", "pods", "default")));
}

TEST_F(BootstrapTokenTest, AreRefusedIfAnythingIsWrong) {
  EXPECT_TRUE(accepted(secret()));
  EXPECT_FALSE(accepted(secret(), "abcdef.0123456789abcdee"));
  EXPECT_FALSE(accepted(secret(), "abcdef.0123456789ABCDEF"));
  EXPECT_FALSE(accepted(secret(), "abcdef0123456789abcdef0"));
  EXPECT_FALSE(accepted(secret(), "abcdeg.0123456789abcdef"));
  const auto with = [](const char* key, const std::string& value) {
    api::Secret changed = secret();
    (*changed.mutable_data())[key] = value;
    return changed;
  };
  EXPECT_FALSE(accepted(with("usage-bootstrap-authentication", "false")));
  EXPECT_FALSE(accepted(with("token-id", "abcdeg")));
  EXPECT_FALSE(accepted(with("auth-extra-groups", "system:masters")));
  EXPECT_FALSE(accepted(with("expiration", "2001-01-01T00:00:00Z")));
  EXPECT_FALSE(accepted(with("expiration", "tomorrow")));
  EXPECT_TRUE(accepted(with("expiration", "2101-01-01T00:00:00Z")));
  api::Secret typed = secret();
  typed.set_type("Opaque");
  EXPECT_FALSE(accepted(typed));
}

}  // namespace
}  // namespace keelson::test
