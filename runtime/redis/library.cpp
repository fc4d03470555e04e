// library.lua as read-only data of the binary; the assembler puts the file in, as it does for
// core/rest/openapi/descriptor_set.cpp.
#include "runtime/redis/protocol.hpp"

asm(".section .rodata\n"
    ".global keelson_redis_library_begin\n"
    ".global keelson_redis_library_end\n"
    "keelson_redis_library_begin:\n"
    ".incbin \"" KEELSON_REDIS_LIBRARY
    "\"\n"
    "keelson_redis_library_end:\n"
    ".byte 0\n"
    ".previous\n");

extern "C" {
extern const char keelson_redis_library_begin[];
extern const char keelson_redis_library_end[];
}

namespace keelson::redis {

std::string_view library() {
  return {keelson_redis_library_begin,
          static_cast<std::size_t>(keelson_redis_library_end - keelson_redis_library_begin)};
}

}  // namespace keelson::redis
