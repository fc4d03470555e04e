#include "runtime/process/plane_facts.hpp"

#include <boost/json.hpp>

#include "core/api/json.hpp"
#include "core/base/exposition.hpp"
#include "core/rest/discovery.hpp"
#include "runtime/host/own_process.hpp"
#include "runtime/pki/certificate.hpp"
#include "runtime/pki/files.hpp"

namespace keelson::runtime {

namespace json = boost::json;

namespace {

std::string store_metrics(const StoreFacts& facts) {
  std::string out;
  Family(out, "keelson_store_serving", "gauge",
         "1 if the store answers and is followed, 0 otherwise.")
      .add(uint64_t{facts.serving});
  Family(out, "keelson_store_history_lost_total", "counter",
         "How often acknowledged writes were found to be gone from the store.")
      .add(facts.history_lost);
  if (facts.version.empty()) return out;
  Family(out, "keelson_store_info", "gauge", "What the store is. The value is always 1.")
      .add(label("version", facts.version) + "," + label("profile", facts.profile), uint64_t{1});
  Family(out, "keelson_store_memory_bytes", "gauge", "What Redis has allocated.")
      .add(facts.memory_bytes);
  Family(out, "keelson_store_memory_limit_bytes", "gauge",
         "At which Redis refuses writes; 0: never.")
      .add(facts.memory_max_bytes);
  Family(out, "keelson_store_replicas", "gauge", "Replicas that Redis has.").add(facts.replicas);
  Family(out, "keelson_store_append_failing", "gauge",
         "1 if Redis cannot write its append-only file.")
      .add(uint64_t{!facts.append_failure.empty()});
  return out;
}

std::string http_metrics(const http::ServerStats& stats) {
  std::string out;
  Family(out, "keelson_http_connections", "gauge", "Open connections to the API.")
      .add(stats.connections);
  Family(out, "keelson_http_streams", "gauge",
         "Open watches, logs, commands and tunnels of the API.")
      .add(stats.streams);
  Family(out, "keelson_http_requests_total", "counter", "Requests to the API.").add(stats.requests);
  Family bytes(out, "keelson_http_bytes_total", "counter",
               "Bytes of the API's connections, without TLS.");
  bytes.add(label("direction", "received"), stats.bytes_received);
  bytes.add(label("direction", "sent"), stats.bytes_sent);
  Family refused(out, "keelson_http_refused_total", "counter",
                 "What a limit has kept out, by reason.");
  refused.add(label("reason", "connections"), stats.refused_connections)
      .add(label("reason", "streams"), stats.refused_streams)
      .add(label("reason", "unsent_answers"), stats.refused_answers)
      .add(label("reason", "headers"), stats.refused_headers)
      .add(label("reason", "bodies"), stats.refused_bodies + stats.waiting_bodies)
      .add(label("reason", "slow_requests"), stats.slow_requests)
      .add(label("reason", "slow_readers"), stats.slow_readers)
      .add(label("reason", "handshakes"), stats.failed_handshakes)
      .add(label("reason", "certificates"), stats.bad_certificates);
  return out;
}

std::string role_metrics(const std::map<std::string, const Role*>& roles) {
  std::string out;
  {
    Family status(out, "leader_election_master_status", "gauge",
                  "1 if this process has the role, 0 if another may have it.");
    for (const auto& [name, role] : roles)
      status.add(label("name", name), uint64_t{role->leading()});
  }
  for (const auto& [name, role] : roles) out += role->metrics();
  return out;
}

json::object store_json(const StoreFacts& facts) {
  json::object out{{"address", facts.address},
                   {"serving", facts.serving},
                   {"trouble", facts.trouble},
                   {"lastTrouble", facts.last_trouble},
                   {"historyLost", facts.history_lost},
                   {"version", facts.version},
                   {"profile", facts.profile},
                   {"memoryBytes", facts.memory_bytes},
                   {"memoryMaxBytes", facts.memory_max_bytes},
                   {"replicas", facts.replicas},
                   {"appendFailure", facts.append_failure}};
  if (!facts.last_trouble.empty()) out["lastTroubleTime"] = api::format_time(facts.last_trouble_at);
  return out;
}

// Read anew each time: `keelson certs renew` may have changed them.
json::array certificates_json(const std::string& directory) {
  json::array out;
  for (const char* name : {"ca", "apiserver", "admin"}) {
    const auto pem = read_file(directory + "/" + name + ".crt");
    const auto info = pem ? read_certificate(*pem) : Result<CertificateInfo>(pem.error());
    if (!info) continue;
    out.push_back(json::object{{"name", name},
                               {"ends", api::format_time(WallTime{info->ends * 1'000'000'000})}});
  }
  return out;
}

}  // namespace

rest::ProcessFacts plane_facts(const Clock& clock, PlaneFactsSources sources) {
  const auto from = std::make_shared<const PlaneFactsSources>(std::move(sources));
  const std::string started = api::format_time(clock.wall_now());
  rest::ProcessFacts out;
  out.parts = [from] {
    const StoreWatch* store = from->store_watch();
    std::vector<rest::HealthPart> parts;
    if (store) parts.push_back({"store", store->facts().serving});
    return parts;
  };
  out.metrics = [from] {
    std::string text;
    if (const StoreWatch* store = from->store_watch()) text += store_metrics(store->facts());
    if (const http::HttpServer* server = from->http()) text += http_metrics(server->stats());
    return text + role_metrics(from->roles()) + host::own_process_metrics();
  };
  out.status = [from, started] {
    json::object status{
        {"name", from->name}, {"version", rest::kServerVersion}, {"started", started}};
    const StoreWatch* store = from->store_watch();
    status["store"] =
        store ? store_json(store->facts())
              : json::object{{"address", from->store}, {"serving", true}, {"profile", "memory"}};
    json::array roles;
    for (const auto& [name, role] : from->roles()) {
      roles.push_back(json::object{{"name", name}, {"leading", role->leading()}});
    }
    status["roles"] = std::move(roles);
    status["certificates"] = certificates_json(from->pki_dir);
    return json::serialize(status) + "\n";
  };
  return out;
}

}  // namespace keelson::runtime
