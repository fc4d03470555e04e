#include "core/rest/exposition.hpp"

#include <fmt/format.h>

#include "core/api/kinds.hpp"
#include "core/apiserver/watch_cache.hpp"

namespace keelson::rest {

namespace {

void begin(std::string& out, const char* name, const char* help) {
  out += fmt::format("# HELP {0} {1}\n# TYPE {0} gauge\n", name, help);
}

}  // namespace

std::string metrics_text(const apiserver::ApiServer& server) {
  std::string out;
  // Dashboards know it by this name.
  begin(out, "apiserver_storage_objects", "Number of stored objects, by resource.");
  for (const api::KindInfo& info : api::all_kinds()) {
    out += fmt::format("apiserver_storage_objects{{resource=\"{}{}{}\"}} {}\n", info.plural,
                       info.group.empty() ? "" : ".", info.group,
                       server.cache().objects(info.kind).size());
  }
  begin(out, "keelson_watches", "Number of watches that are open.");
  out += fmt::format("keelson_watches {}\n", server.watches());
  begin(out, "keelson_revision", "The newest revision of the store that is in memory.");
  out += fmt::format("keelson_revision {}\n", server.revision().value);
  return out;
}

}  // namespace keelson::rest
