// The .proto files, compiled with their comments, as read-only data of the binary. The assembler
// puts the file in: a C++ array of that size would take the compiler seconds.
#include "core/rest/openapi/descriptions.hpp"

asm(".section .rodata\n"
    ".balign 16\n"
    ".global keelson_descriptor_set_begin\n"
    ".global keelson_descriptor_set_end\n"
    "keelson_descriptor_set_begin:\n"
    ".incbin \"" KEELSON_DESCRIPTOR_SET
    "\"\n"
    "keelson_descriptor_set_end:\n"
    ".byte 0\n"
    ".previous\n");

extern "C" {
extern const char keelson_descriptor_set_begin[];
extern const char keelson_descriptor_set_end[];
}

namespace keelson::rest::openapi {

std::string_view descriptor_set() {
  return {keelson_descriptor_set_begin,
          static_cast<std::size_t>(keelson_descriptor_set_end - keelson_descriptor_set_begin)};
}

}  // namespace keelson::rest::openapi
