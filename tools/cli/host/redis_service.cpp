#include "tools/cli/host/redis_service.hpp"

#include "runtime/pki/files.hpp"
#include "runtime/redis/managed.hpp"
#include "tools/cli/host/host.hpp"

namespace keelson::cli {

Status prepare_redis(const Layout& layout) {
  const std::string program = find_program("redis-server");
  if (program.empty()) {
    return {Code::not_found, "redis-server is not installed: apt-get install redis-server"};
  }
  const std::string dir = layout.lib() + "/redis";
  if (Status made = runtime::make_private_directory(dir); !made) return made;
  const auto config =
      redis::managed_config({.directory = dir, .socket = layout.redis_socket()});
  if (!config) return config.error();
  if (Status status = runtime::write_private_file(layout.redis_config(), *config); !status) {
    return status;
  }
  return {};
}

}  // namespace keelson::cli
