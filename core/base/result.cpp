#include "core/base/result.hpp"

namespace keelson {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::ok: return "ok";
    case Code::not_found: return "not found";
    case Code::exists: return "exists";
    case Code::conflict: return "conflict";
    case Code::fenced: return "fenced";
    case Code::invalid: return "invalid";
    case Code::compacted: return "compacted";
    case Code::unavailable: return "unavailable";
    case Code::unknown: return "unknown";
    case Code::denied: return "denied";
    case Code::cancelled: return "cancelled";
  }
  return "?";
}

}  // namespace keelson
