#include "runtime/pki/sealed.hpp"

#include "runtime/loop/entropy.hpp"
#include "runtime/pki/openssl.hpp"

namespace keelson::runtime {

namespace {

// Sealed content is the nonce, the encrypted bytes, the tag.
constexpr std::size_t kKeySize = 32, kNonceSize = 12, kTagSize = 16;
constexpr std::size_t kContentMax = std::size_t{1} << 20;

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, ssl::Freed<EVP_CIPHER_CTX_free>>;

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> key_bytes(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    const int high = digit(hex[i]), low = digit(hex[i + 1]);
    if (high < 0 || low < 0) break;
    out += static_cast<char>(high * 16 + low);
  }
  if (hex.size() != 2 * kKeySize || out.size() != kKeySize) {
    return Error{Code::invalid, "a certificate key is 64 hex digits"};
  }
  return out;
}

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

std::string make_sealing_key() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : random_bytes(kKeySize)) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Result<std::string> seal(std::string_view content, std::string_view name, std::string_view key) {
  const auto secret = key_bytes(key);
  if (!secret) return secret.error();
  if (content.size() > kContentMax) return Error{Code::invalid, "too long to be sealed"};
  const std::string nonce = random_bytes(kNonceSize);
  std::string encrypted(content.size(), '\0'), tag(kTagSize, '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int size = 0, rest = 0;
  if (!cipher ||
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(*secret), bytes(nonce)) != 1 ||
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes(name), static_cast<int>(name.size())) != 1 ||
      EVP_EncryptUpdate(cipher.get(), bytes(encrypted), &size, bytes(content),
                        static_cast<int>(content.size())) != 1 ||
      EVP_EncryptFinal_ex(cipher.get(), bytes(encrypted) + size, &rest) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagSize, tag.data()) != 1) {
    return ssl::error(Code::unavailable, "cannot seal " + std::string(name));
  }
  return nonce + encrypted + tag;
}

Result<std::string> open_sealed(std::string_view sealed, std::string_view name, std::string_view key) {
  const auto secret = key_bytes(key);
  if (!secret) return secret.error();
  const Error other{Code::denied, std::string(name) + " was sealed with another key"};
  if (sealed.size() < kNonceSize + kTagSize || sealed.size() > kContentMax + kNonceSize + kTagSize) {
    return other;
  }
  const std::string_view nonce = sealed.substr(0, kNonceSize);
  const std::string_view encrypted =
      sealed.substr(kNonceSize, sealed.size() - kNonceSize - kTagSize);
  std::string tag(sealed.substr(sealed.size() - kTagSize)), content(encrypted.size(), '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int size = 0, rest = 0;
  if (!cipher ||
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(*secret), bytes(nonce)) != 1 ||
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, bytes(name), static_cast<int>(name.size())) != 1 ||
      EVP_DecryptUpdate(cipher.get(), bytes(content), &size, bytes(encrypted),
                        static_cast<int>(encrypted.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, tag.data()) != 1 ||
      EVP_DecryptFinal_ex(cipher.get(), bytes(content) + size, &rest) != 1) {
    ERR_clear_error();
    return other;
  }
  return content;
}

}  // namespace keelson::runtime
