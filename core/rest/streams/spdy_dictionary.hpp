// The text that both ends of a SPDY/3 connection begin header compression with.
#pragma once

#include <string_view>

namespace keelson::rest::spdy {

// 1423 bytes; their Adler-32 checksum, by which a zlib stream names its dictionary, is 0xe3c6a7c2.
std::string_view header_dictionary();

}  // namespace keelson::rest::spdy
