#include "core/rest/exposition.hpp"

#include <fmt/format.h>

#include "core/api/kinds.hpp"
#include "core/apiserver/watch_cache.hpp"
#include "core/base/exposition.hpp"

namespace keelson::rest {

std::string metrics_text(const apiserver::ApiServer& server) {
  std::string out;
  // Dashboards know it by this name.
  Family objects(out, "apiserver_storage_objects", "gauge", "Number of stored objects, by resource.");
  for (const api::KindInfo& info : api::all_kinds()) {
    objects.add(fmt::format("resource=\"{}{}{}\"", info.plural, info.group.empty() ? "" : ".", info.group),
                server.cache().objects(info.kind).size());
  }
  Family(out, "keelson_watches", "gauge", "Number of watches that are open.").add(server.watches());
  Family(out, "keelson_revision", "gauge", "The newest revision of the store that is in memory.")
      .add(server.revision().value);
  return out;
}

}  // namespace keelson::rest
