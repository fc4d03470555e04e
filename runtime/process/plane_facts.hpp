// What a control plane tells of itself to those who watch over it: /metrics of all its parts, the
// parts of /readyz, and /keelson/v1/status, which `keelson status` reads.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/loop.hpp"
#include "core/rest/process_facts.hpp"
#include "runtime/http/server.hpp"
#include "runtime/process/role.hpp"
#include "runtime/process/store_watch.hpp"

namespace keelson::runtime {

struct PlaneFactsSources {
  std::string name, pki_dir;
  std::string store;  // its address
  // All may be null as long as they are not there yet.
  std::function<const StoreWatch*()> store_watch;  // null: the store is in memory
  std::function<const http::HttpServer*()> http;
  std::function<std::map<std::string, const Role*>()> roles;  // by name
};

// What `sources` refers to must outlive the functions.
rest::ProcessFacts plane_facts(const Clock& clock, PlaneFactsSources sources);

}  // namespace keelson::runtime
