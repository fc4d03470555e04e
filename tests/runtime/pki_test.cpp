#include "runtime/pki/pki.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>

#include "core/api/json_text.hpp"
#include "runtime/pki/files.hpp"
#include "runtime/pki/keys.hpp"
#include "runtime/pki/kubeconfig.hpp"
#include "runtime/pki/signer.hpp"

namespace keelson::runtime {
namespace {

using Texts = std::vector<std::string>;

class PkiTest : public ::testing::Test {
 protected:
  PkiTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "keelson-pki-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    directory = pattern;
  }
  ~PkiTest() override {
    std::error_code code;
    std::filesystem::remove_all(directory, code);
  }
  std::string file(const std::string& name) const { return directory + "/" + name; }

  std::string directory;
};

CertificateAuthority authority() {
  Result<CertificateAuthority> made = CertificateAuthority::create("test");
  EXPECT_TRUE(made.ok());
  return std::move(made).value();
}

TEST(Certificates, OfServersHaveTheirNames) {
  const CertificateAuthority ca = authority();
  CertificateSpec spec;
  spec.subject.common_name = "server";
  spec.names = {"localhost", "kubernetes.default.svc", "127.0.0.1", "::1"};
  spec.use.server = true;
  const Result<KeyPair> pair = ca.issue(spec);
  ASSERT_TRUE(pair.ok()) << pair.error().message;
  EXPECT_TRUE(ca.issued(pair->certificate));
  EXPECT_FALSE(authority().issued(pair->certificate));
  const Result<CertificateInfo> info = read_certificate(pair->certificate);
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->names, (Texts{"localhost", "kubernetes.default.svc", "127.0.0.1", "::1"}));
  EXPECT_EQ(info->subject.common_name, "server");
  const int64_t now = std::time(nullptr);
  EXPECT_LT(info->begins, now);
  EXPECT_GT(info->ends, now + 300 * 24 * 3600);
}

TEST(Certificates, OfClientsSayUserAndGroups) {
  const CertificateAuthority ca = authority();
  const Result<KeyPair> pair = client_certificate(ca, "jane", {"a", "b"});
  ASSERT_TRUE(pair.ok());
  const Result<CertificateInfo> info = read_certificate(pair->certificate);
  EXPECT_EQ(info->subject.common_name, "jane");
  EXPECT_EQ(info->subject.organizations, (Texts{"a", "b"}));
}

TEST(Certificates, RefuseImpossibleNames) {
  const CertificateAuthority ca = authority();
  CertificateSpec spec;
  spec.subject.common_name = "server";
  spec.names = {"a b, DNS:evil"};
  EXPECT_EQ(ca.issue(spec).code(), Code::invalid);
  spec.names.clear();
  spec.subject.common_name = std::string(200, 'x');  // X.509 allows 64
  EXPECT_EQ(ca.issue(spec).code(), Code::invalid);
}

TEST(Certificates, NeverOutliveTheirAuthority) {
  const CertificateAuthority ca = authority();
  CertificateSpec spec;
  spec.subject.common_name = "x";
  spec.seconds = int64_t{100} * 365 * 24 * 3600;
  const Result<KeyPair> pair = ca.issue(spec);
  ASSERT_TRUE(pair.ok());
  EXPECT_LE(read_certificate(pair->certificate)->ends,
            read_certificate(ca.pair().certificate)->ends);
}

TEST(Authorities, AreReadBack) {
  const CertificateAuthority ca = authority();
  const Result<CertificateAuthority> again = CertificateAuthority::load(ca.pair());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->key_hash(), ca.key_hash());
  EXPECT_TRUE(ca.key_hash().starts_with("sha256:"));
  EXPECT_EQ(ca.key_hash().size(), 7U + 64U);
  EXPECT_NE(ca.key_hash(), authority().key_hash());
}

TEST(Authorities, RefuseWhatDoesNotFit) {
  const CertificateAuthority ca = authority();
  EXPECT_FALSE(CertificateAuthority::load({"junk", ca.pair().key}).ok());
  EXPECT_FALSE(CertificateAuthority::load({ca.pair().certificate, "junk"}).ok());
  EXPECT_EQ(CertificateAuthority::load({ca.pair().certificate, authority().pair().key})
                .error()
                .message.substr(0, 55),
            "the authority's key does not belong to its certificate:");
  const Result<KeyPair> client = client_certificate(ca, "jane", {});
  EXPECT_EQ(CertificateAuthority::load(*client).error().message,
            "the certificate is not one of an authority (CA:TRUE)");
}

TEST(Keys, HavePublicHalves) {
  const Result<std::string> key = generate_key(KeyType::rsa_2048);
  ASSERT_TRUE(key.ok());
  EXPECT_TRUE(key->starts_with("-----BEGIN PRIVATE KEY-----"));
  EXPECT_TRUE(public_key(*key)->starts_with("-----BEGIN PUBLIC KEY-----"));
  EXPECT_EQ(public_key("junk").code(), Code::invalid);
}

// --- The directory -------------------------------------------------------------------------------

TEST_F(PkiTest, IsMadeOnceAndKept) {
  const Texts names = {"localhost", "127.0.0.1"};
  const Result<Pki> first = load_or_create(file("pki"), names);
  ASSERT_TRUE(first.ok()) << first.error().message;
  const Result<Pki> second = load_or_create(file("pki"), names);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(first->authority.pair().certificate, second->authority.pair().certificate);
  EXPECT_EQ(first->server.certificate, second->server.certificate);
  EXPECT_EQ(first->admin.key, second->admin.key);
  EXPECT_EQ(first->service_account_key, second->service_account_key);
  EXPECT_EQ(read_certificate(first->admin.certificate)->subject.organizations,
            Texts{"system:masters"});
  for (const char* name : {"ca.crt", "ca.key", "apiserver.key", "admin.key", "sa.key", "sa.pub"}) {
    struct stat status {};
    ASSERT_EQ(stat(file("pki/" + std::string(name)).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777, 0600U) << name;
  }
}

TEST_F(PkiTest, ServersGetNamesThatAreMissing) {
  const Result<Pki> first = load_or_create(directory, {"localhost"});
  const Result<Pki> second = load_or_create(directory, {"localhost", "10.0.0.7"});
  ASSERT_TRUE(second.ok());
  EXPECT_NE(first->server.certificate, second->server.certificate);
  EXPECT_EQ(first->authority.key_hash(), second->authority.key_hash());
  EXPECT_EQ(read_certificate(second->server.certificate)->names, (Texts{"localhost", "10.0.0.7"}));
}

TEST_F(PkiTest, IsRenewedBeforeItsTimeOnDemand) {
  EXPECT_EQ(renew(directory, {"localhost"}).code(), Code::not_found);  // no new authority by mistake
  const Result<Pki> first = load_or_create(directory, {"localhost"});
  ASSERT_TRUE(first.ok());
  const Result<Pki> second = renew(directory, {"localhost"});
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(first->authority.pair().certificate, second->authority.pair().certificate);
  EXPECT_EQ(first->service_account_key, second->service_account_key);
  EXPECT_NE(first->server.certificate, second->server.certificate);
  EXPECT_NE(first->admin.certificate, second->admin.certificate);
  EXPECT_TRUE(second->authority.issued(second->admin.certificate));
  EXPECT_EQ(load_or_create(directory, {"localhost"})->server.certificate, second->server.certificate);
}

TEST_F(PkiTest, IsNotOverwrittenWhereItCannotBeMadeAgain) {
  ASSERT_TRUE(load_or_create(directory, {}).ok());
  std::filesystem::remove(file("ca.key"));
  const Result<Pki> without_key = load_or_create(directory, {});
  ASSERT_FALSE(without_key.ok());
  EXPECT_NE(without_key.error().message.find("ca.key is missing"), std::string::npos);
  ASSERT_TRUE(write_private_file(file("ca.key"), "junk").ok());
  EXPECT_FALSE(load_or_create(directory, {}).ok());
}

TEST_F(PkiTest, SaysWhichFileIsWrong) {
  ASSERT_TRUE(load_or_create(directory, {}).ok());
  ASSERT_TRUE(write_private_file(file("sa.key"), "junk").ok());
  const Result<Pki> result = load_or_create(directory, {});
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("sa.key"), std::string::npos);
  ASSERT_TRUE(write_private_file(file("plain"), "x").ok());
  EXPECT_FALSE(load_or_create(file("plain"), {}).ok());
}

// --- Requests ------------------------------------------------------------------------------------

class SignerTest : public ::testing::Test {
 protected:
  api::CertificateSigningRequest request(const std::string& signer, const CertificateSubject& who,
                                         const Texts& names, const Texts& usages) {
    const Result<KeyAndRequest> made = make_request(who, names);
    EXPECT_TRUE(made.ok());
    api::CertificateSigningRequest request;
    request.mutable_spec()->set_request(made->request);
    request.mutable_spec()->set_signer_name(signer);
    for (const std::string& usage : usages) request.mutable_spec()->add_usages(usage);
    return request;
  }
  std::string refusal(const api::CertificateSigningRequest& request) {
    const Result<std::string> signed_one = signer.sign(request);
    EXPECT_EQ(signed_one.code(), Code::invalid);
    return signed_one.ok() ? "" : signed_one.error().message;
  }

  CertificateAuthority ca = authority();
  ClusterSigner signer{ca};
  const CertificateSubject node{"system:node:n1", {"system:nodes"}};
  const Texts client_usages{"client auth", "digital signature"};
};

TEST_F(SignerTest, SignsForClients) {
  const auto asked =
      request("kubernetes.io/kube-apiserver-client", {"jane", {"dev"}}, {}, client_usages);
  const Result<std::string> certificate = signer.sign(asked);
  ASSERT_TRUE(certificate.ok()) << certificate.error().message;
  EXPECT_TRUE(ca.issued(*certificate));
  const Result<CertificateInfo> info = read_certificate(*certificate);
  EXPECT_EQ(info->subject.common_name, "jane");
  EXPECT_EQ(info->subject.organizations, Texts{"dev"});
}

TEST_F(SignerTest, GivesLessTimeIfAsked) {
  auto asked = request("kubernetes.io/kube-apiserver-client", {"jane", {}}, {}, client_usages);
  asked.mutable_spec()->set_expiration_seconds(3600);
  const Result<std::string> certificate = signer.sign(asked);
  ASSERT_TRUE(certificate.ok());
  EXPECT_LT(read_certificate(*certificate)->ends, std::time(nullptr) + 7200);
}

TEST_F(SignerTest, SignsForNodes) {
  EXPECT_TRUE(
      signer.sign(request("kubernetes.io/kube-apiserver-client-kubelet", node, {}, client_usages))
          .ok());
  const Result<std::string> server =
      signer.sign(request("kubernetes.io/kubelet-serving", node, {"n1.example.com", "10.0.0.1"},
                          {"server auth", "digital signature"}));
  ASSERT_TRUE(server.ok()) << server.error().message;
  EXPECT_EQ(read_certificate(*server)->names, (Texts{"n1.example.com", "10.0.0.1"}));
}

TEST_F(SignerTest, RefusesWhatBreaksTheRules) {
  const std::string kubelet = "kubernetes.io/kube-apiserver-client-kubelet";
  const std::string serving = "kubernetes.io/kubelet-serving";
  EXPECT_EQ(refusal(request(kubelet, {"system:node:n1", {"dev"}}, {}, client_usages)),
            "subject organization is not system:nodes");
  EXPECT_EQ(refusal(request(kubelet, {"n1", {"system:nodes"}}, {}, client_usages)),
            "subject common name does not begin with system:node:");
  EXPECT_EQ(refusal(request(kubelet, node, {"n1.example.com"}, client_usages)),
            "DNS subjectAltNames are not allowed");
  EXPECT_EQ(refusal(request(kubelet, node, {}, {"client auth"})),
            "usages must include \"digital signature\"");
  EXPECT_EQ(
      refusal(request(kubelet, node, {}, {"client auth", "digital signature", "server auth"})),
      "usage \"server auth\" is not permitted by this signer");
  EXPECT_EQ(refusal(request(serving, node, {}, {"server auth", "digital signature"})),
            "DNS or IP subjectAltName is required");
  EXPECT_EQ(refusal(request("kubernetes.io/kube-apiserver-client", {"eve", {"system:masters"}}, {},
                            client_usages)),
            "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not "
            "allowed");
  EXPECT_FALSE(signer.signs_for("example.com/other"));
}

TEST_F(SignerTest, RefusesWhatIsNoRequest) {
  auto asked = request("kubernetes.io/kube-apiserver-client", {"jane", {}}, {}, client_usages);
  std::string& pem = *asked.mutable_spec()->mutable_request();
  // One letter in the signature, near the end of the text.
  char& letter = pem[pem.size() - 45];
  letter = letter == 'A' ? 'B' : 'A';
  EXPECT_NE(refusal(asked).find("not a PEM certificate request signed by its key"),
            std::string::npos);
  pem = "junk";
  EXPECT_FALSE(signer.sign(asked).ok());
  EXPECT_FALSE(read_request("").ok());
}

TEST(Kubeconfig, EmbedsWhatThereIs) {
  EXPECT_EQ(kubeconfig("https://127.0.0.1:6443", "CA", "CERT", "KEY"),
            "apiVersion: v1\n"
            "kind: Config\n"
            "clusters:\n"
            "- name: keelson\n"
            "  cluster:\n"
            "    certificate-authority-data: " +
                api::encode_base64("CA") +
                "\n"
                "    server: \"https://127.0.0.1:6443\"\n"
                "contexts:\n"
                "- name: keelson\n"
                "  context:\n"
                "    cluster: keelson\n"
                "    user: keelson\n"
                "current-context: keelson\n"
                "preferences: {}\n"
                "users:\n"
                "- name: keelson\n"
                "  user:\n"
                "    client-certificate-data: " +
                api::encode_base64("CERT") +
                "\n"
                "    client-key-data: " +
                api::encode_base64("KEY") + "\n");
  EXPECT_NE(kubeconfig("http://localhost:8080", "", "", "").find("  user: {}\n"),
            std::string::npos);
  EXPECT_NE(kubeconfig_with_token("https://h", "", "a.b").find("    token: \"a.b\"\n"),
            std::string::npos);
}

}  // namespace
}  // namespace keelson::runtime
