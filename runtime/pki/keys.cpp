#include "runtime/pki/keys.hpp"

#include "runtime/pki/openssl.hpp"

namespace keelson::runtime {

Result<std::string> generate_key(KeyType type) {
  const ssl::Key key(type == KeyType::ec_p256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048));
  if (!key) return ssl::error(Code::unavailable, "cannot generate a key");
  std::string pem = ssl::written([&](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  if (pem.empty()) return ssl::error(Code::unavailable, "cannot write a generated key");
  return pem;
}

Result<std::string> public_key(std::string_view private_pem) {
  const ssl::Bio bio = ssl::reader(private_pem);
  const ssl::Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, ssl::no_password, nullptr));
  if (!key) return ssl::error(Code::invalid, "this is not a PEM private key");
  std::string pem = ssl::written([&](BIO* out) { return PEM_write_bio_PUBKEY(out, key.get()); });
  if (pem.empty()) return ssl::error(Code::unavailable, "cannot write a public key");
  return pem;
}

}  // namespace keelson::runtime
