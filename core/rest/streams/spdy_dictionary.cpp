#include "core/rest/streams/spdy_dictionary.hpp"

#include <algorithm>
#include <string>

namespace keelson::rest::spdy {

namespace {

// Words that headers are made of, each with its length before it. '_' stands for a space.
constexpr std::string_view kWords =
    "options head post put delete trace accept accept-charset accept-encoding accept-language "
    "accept-ranges age allow authorization cache-control connection content-base "
    "content-encoding content-language content-length content-location content-md5 content-range "
    "content-type date etag expect expires from host if-match if-modified-since if-none-match "
    "if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate "
    "proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
    "user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url "
    "public set-cookie keep-alive origin";

// Status codes and common values, run together.
constexpr std::string_view kValues =
    "1001012012022052063003023033043053063074024054064074084094104114124134144154164175025045"
    "05203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401"
    " Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 S"
    "ervice UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, We"
    "d, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xm"
    "l,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdc"
    "hcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

std::string build() {
  std::string out;
  for (std::string_view rest = kWords; !rest.empty();) {
    const std::size_t size = std::min(rest.find(' '), rest.size());
    out.append(3, '\0');
    out += static_cast<char>(size);
    for (const char c : rest.substr(0, size)) out += c == '_' ? ' ' : c;
    rest.remove_prefix(std::min(size + 1, rest.size()));
  }
  return out.append(kValues);
}

}  // namespace

std::string_view header_dictionary() {
  static const std::string dictionary = build();
  return dictionary;
}

}  // namespace keelson::rest::spdy
