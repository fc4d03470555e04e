#include "tools/cli/host/redis_service.hpp"

#include <openssl/evp.h>

#include "runtime/loop/entropy.hpp"
#include "runtime/pki/files.hpp"
#include "runtime/redis/managed.hpp"
#include "tools/cli/host/host.hpp"

namespace keelson::cli {

namespace {

std::string hex(const std::string& bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string sha256_hex(const std::string& text) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
             EVP_sha256(), nullptr);
  digest.resize(size);
  return hex(digest);
}

}  // namespace

Status prepare_redis(const Layout& layout, const SharedStore& shared) {
  const std::string program = find_program("redis-server");
  if (program.empty()) {
    return {Code::not_found, "redis-server is not installed: apt-get install redis-server"};
  }
  const std::string dir = layout.lib() + "/redis";
  if (Status made = runtime::make_private_directory(dir); !made) return made;
  redis::ManagedOptions options{.directory = dir, .socket = layout.redis_socket()};
  if (shared.port != 0) {
    const std::string password = hex(runtime::random_bytes(32));
    if (Status made = runtime::write_private_file(layout.store_password(), password + "\n"); !made) {
      return made;
    }
    options.bind_address = shared.address;
    options.port = shared.port;
    options.user = kStoreUser;
    options.password_sha256 = sha256_hex(password);
  }
  const auto config = redis::managed_config(options);
  if (!config) return config.error();
  return runtime::write_private_file(layout.redis_config(), *config);
}

}  // namespace keelson::cli
