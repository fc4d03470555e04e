// Any bytes as a request target: what it asks for, and each set of options that its query may be. What is
// refused is a Status that can be written.
#include <cstddef>
#include <cstdint>

#include "core/api/json.hpp"
#include "core/base/assert.hpp"
#include "core/rest/options.hpp"
#include "core/rest/path.hpp"

using namespace keelson;
using namespace keelson::rest;

namespace {

void check(const api::ApiError& error) {
  if (error) KEELSON_ASSERT(!error.message.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto uri = parse_target(text);
  if (!uri) return 0;
  KEELSON_ASSERT(uri->path.starts_with('/'));
  for (const std::string& segment : uri->segments) {
    KEELSON_ASSERT(!segment.empty());
  }
  for (const auto& [name, value] : uri->query) {
    KEELSON_ASSERT(uri->has(name) && !uri->all(name).empty());
    static_cast<void>(uri->flag(name));
  }
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    const Path path = read_path(method, *uri);
    if (path.resource_request) KEELSON_ASSERT(!path.version.empty());
    KEELSON_ASSERT(path.name.empty() || !path.resource.empty());
    KEELSON_ASSERT(path.subresource.empty() || !path.name.empty());
  }
  for (const char* options : {"CreateOptions", "UpdateOptions", "PatchOptions"}) {
    api::Request request;
    check(read_write_options(*uri, options, text, request));
  }
  api::Request remove;
  check(read_delete_options(*uri, "application/json", "", remove));
  for (const char* group : {"", "events.k8s.io"}) {
    const Resource* events = Catalog::get().find(group, "v1", "events", "");
    KEELSON_ASSERT(events);
    api::Request list;
    check(read_list_options(*uri, *events, list));
    WatchOptions watch;
    check(read_watch_options(*uri, *events, watch));
  }
  return 0;
}
