#include "core/auth/jwt.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <boost/json.hpp>

#include "core/api/json_text.hpp"

namespace keelson::auth {

namespace {

// Longer than any token that is issued here; what is longer is not even decoded.
constexpr std::size_t kTokenMax = 64 * 1024;
constexpr int kKeyBitsMin = 2048;

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using ContextPtr = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, Freed<BN_free>>;

// No pass phrases: a key that needs one is refused instead of asking on the terminal.
int no_password(char*, int, int, void*) {
  return 0;
}

KeyPtr read_key(std::string_view pem, bool* is_private) {
  const auto open = [&] {
    return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  };
  *is_private = true;
  BioPtr bio = open();
  if (!bio) return nullptr;
  if (KeyPtr key{PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr)}) return key;
  *is_private = false;
  bio = open();
  return KeyPtr(PEM_read_bio_PUBKEY(bio.get(), nullptr, no_password, nullptr));
}

std::string key_id(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return {};
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(der, static_cast<std::size_t>(size), digest);
  OPENSSL_free(der);
  return encode_base64url({reinterpret_cast<const char*>(digest), sizeof digest});
}

std::string number_of(EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return {};
  const NumberPtr number(raw);
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number.get())), '\0');
  BN_bn2bin(number.get(), reinterpret_cast<unsigned char*>(bytes.data()));
  return encode_base64url(bytes);
}

// The member `alg` and the member `kid` of a token's header.
bool read_header(std::string_view text, std::string& id) {
  boost::json::error_code failed;
  const boost::json::value value = boost::json::parse({text.data(), text.size()}, failed);
  if (failed || !value.is_object()) return false;
  const boost::json::object& header = value.get_object();
  const boost::json::value* algorithm = header.if_contains("alg");
  // The key's own algorithm and no other: what a token says of itself proves nothing.
  if (!algorithm || !algorithm->is_string() || algorithm->get_string() != "RS256") return false;
  if (const boost::json::value* kid = header.if_contains("kid"); kid && kid->is_string()) {
    id = std::string(kid->get_string().data(), kid->get_string().size());
  }
  return true;
}

}  // namespace

struct JwtKeys::Key {
  KeyPtr key;
  std::string id;
};

Result<JwtKeys> JwtKeys::load(std::string_view signing, const std::vector<std::string>& others) {
  JwtKeys keys;
  const auto add = [&](std::string_view pem, const std::string& what, bool must_sign) -> Status {
    bool is_private = false;
    KeyPtr key = read_key(pem, &is_private);
    if (!key) return {Code::invalid, what + " is not a PEM key without a pass phrase"};
    if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
      return {Code::invalid, what + " is not an RSA key"};
    }
    if (EVP_PKEY_get_bits(key.get()) < kKeyBitsMin) {
      return {Code::invalid, what + " has fewer than 2048 bits"};
    }
    if (must_sign && !is_private) return {Code::invalid, what + " is a public key only"};
    std::string id = key_id(key.get());
    keys.keys_.push_back(std::make_shared<const Key>(Key{std::move(key), std::move(id)}));
    return {};
  };
  if (Status status = add(signing, "the signing key", true); !status) return status.error();
  for (std::size_t i = 0; i < others.size(); ++i) {
    const std::string what = "verification key " + std::to_string(i + 1);
    if (Status status = add(others[i], what, false); !status) return status.error();
  }
  return keys;
}

std::string JwtKeys::sign(std::string_view payload) const {
  const Key& key = *keys_.front();
  std::string token = encode_base64url("{\"alg\":\"RS256\",\"kid\":\"" + key.id + "\"}") + "." +
                      encode_base64url(payload);
  const ContextPtr context(EVP_MD_CTX_new());
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(token.data());
  if (!context ||
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes, token.size()) != 1) {
    return {};
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     bytes, token.size()) != 1) {
    return {};
  }
  signature.resize(size);
  return token + "." + encode_base64url(signature);
}

std::optional<std::string> JwtKeys::verify(std::string_view token) const {
  if (token.size() > kTokenMax) return std::nullopt;
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto header = decode_base64url(token.substr(0, first));
  auto payload = decode_base64url(token.substr(first + 1, second - first - 1));
  const auto signature = decode_base64url(token.substr(second + 1));
  std::string id;
  if (!header || !payload || !signature || !read_header(*header, id)) return std::nullopt;
  for (const auto& key : keys_) {
    if (!id.empty() && id != key->id) continue;
    const ContextPtr context(EVP_MD_CTX_new());
    if (!context ||
        EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key->key.get()) != 1) {
      continue;
    }
    if (EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature->data()),
                         signature->size(), reinterpret_cast<const unsigned char*>(token.data()),
                         second) == 1) {
      return payload;
    }
  }
  return std::nullopt;
}

std::string JwtKeys::public_keys() const {
  std::string out = "{\"keys\":[";
  for (const auto& key : keys_) {
    if (out.back() != '[') out += ',';
    out += "{\"use\":\"sig\",\"kty\":\"RSA\",\"kid\":\"" + key->id +
           "\",\"alg\":\"RS256\",\"n\":\"" + number_of(key->key.get(), OSSL_PKEY_PARAM_RSA_N) +
           "\",\"e\":\"" + number_of(key->key.get(), OSSL_PKEY_PARAM_RSA_E) + "\"}";
  }
  return out + "]}";
}

std::string encode_base64url(std::string_view bytes) {
  std::string text = api::encode_base64(bytes);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return text;
}

std::optional<std::string> decode_base64url(std::string_view text) {
  std::string standard(text);
  for (char& c : standard) {
    if (c == '+' || c == '/' || c == '=' || c == '\n' || c == '\r') return std::nullopt;
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  while (standard.size() % 4 != 0) standard += '=';
  std::string bytes;
  std::size_t position = 0;
  if (!api::decode_base64(standard, bytes, position)) return std::nullopt;
  return bytes;
}

}  // namespace keelson::auth
