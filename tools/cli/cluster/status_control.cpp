// The control planes of `keelson status`: API, store, roles, certificates.
#include <fmt/format.h>

#include <map>
#include <set>

#include "core/api/time_text.hpp"
#include "tools/cli/cluster/human.hpp"
#include "tools/cli/cluster/status.hpp"

namespace keelson::cli {

namespace {

constexpr int64_t kEndsSoonSeconds = 30 * 24 * 3600;
// Leases are renewed every 2 s; clocks may differ.
constexpr int64_t kLeaseStaleSeconds = 60;

int64_t seconds_of(std::string_view rfc3339) {
  int64_t seconds = 0;
  int32_t nanos = 0;
  return api::parse_time(rfc3339, seconds, nanos) ? seconds : 0;
}

std::string mebibytes(int64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1024 * 1024));
}

// "etcd, clock" of the lines "[-]clock failed: reason withheld".
std::string failing_parts(const std::string& verbose) {
  std::string out;
  for (std::size_t at = 0; (at = verbose.find("[-]", at)) != verbose.npos; at += 3) {
    const std::size_t end = verbose.find_first_of(" \n", at);
    out += (out.empty() ? "" : ", ") + verbose.substr(at + 3, end - at - 3);
  }
  return out;
}

struct Plane {
  std::string server;  // "https://10.0.0.1:6443"
  Json status;         // null: it does not tell us
};

class ControlPlanes {
 public:
  ControlPlanes(StatusReport& report, StatusSources& sources)
      : report_(report), sources_(sources), session_(sources.session) {}

  bool run() {
    if (!api()) return false;
    planes();
    store();
    roles();
    certificates();
    return true;
  }

 private:
  bool api() {
    report_.section("API");
    const std::string server = session_.api.server();
    const auto ready = session_.api.call({.path = "/readyz?verbose", .accept = "*/*"});
    if (!ready) {
      report_.wrong("the API does not answer", server + ": " + ready.error().message);
      return false;
    }
    const auto version = session_.get("/version");
    const std::string called = version ? " " + text_at(*version, "gitVersion") : std::string();
    if (ready->status == 200) {
      report_.fact(server + " is ready," + called);
    } else if (ready->status == 401) {
      report_.wrong("the API does not accept this credential",
                    server +
                        " answers 401 Unauthorized: use "
                        "another kubeconfig (on a control plane /etc/keelson/admin.conf)");
      return false;
    } else {
      const std::string parts = failing_parts(ready->body);
      report_.wrong(
          "the API is not ready",
          fmt::format("{} is not ready: {}", server,
                      parts.empty() ? fmt::format("status {}", ready->status) : parts + " failed"));
    }
    return true;
  }

  Json status_of(const Result<ApiReply>& reply) {
    return reply && reply->status == 200 ? parse_tree(reply->body) : Json();
  }

  void planes() {
    const ApiRequest question{.path = "/keelson/v1/status"};
    planes_.push_back({session_.api.server(), status_of(session_.api.call(question))});
    const auto endpoints = session_.get("/api/v1/namespaces/default/endpoints/kubernetes");
    if (!endpoints) return;
    report_.section("Control planes");
    const std::string first = text_at(planes_[0].status, "name");
    std::size_t known = 0, dead = 0;
    std::string line;
    for (const Json& subset : list_at(*endpoints, "subsets")) {
      const JsonArray& ports = list_at(subset, "ports");
      const std::string port = ports.empty() ? "6443" : text_at(ports[0], "port");
      for (const Json& address : list_at(subset, "addresses")) {
        const std::string at = text_at(address, "ip") + ":" + port, server = "https://" + at;
        ++known;
        const auto reply = sources_.elsewhere ? sources_.elsewhere(server, question)
                                              : Result<ApiReply>(Code::invalid, "");
        if (sources_.elsewhere && !reply) {
          ++dead;
          const std::string why = server + ": " + reply.error().message;
          if (dead == 1) {
            report_.wrong("a control plane does not answer", why);
          } else {
            report_.more_wrong(why);
          }
          continue;
        }
        Json status = status_of(reply);
        const std::string name = text_at(status, "name");
        line += (line.empty() ? "" : ", ") + (name.empty() ? at : name + " (" + at + ")");
        // The one that the session talks to is among them, by an address that need not be the same.
        if (!name.empty() && name != first) planes_.push_back({server, std::move(status)});
      }
    }
    if (known == 0)
      return report_.wrong("no control plane says that it serves",
                           "no endpoints of default/kubernetes");
    if (!line.empty()) report_.fact(line);
  }

  void store() {
    report_.section("Store");
    bool told = false;
    for (const Plane& plane : planes_) {
      const Json* store = find(plane.status, "store");
      if (!store) continue;
      const std::string by =
          planes_.size() > 1 ? text_at(plane.status, "name") + ": " : std::string();
      told = true;
      one_store(by, *store);
    }
    if (!told) report_.fact("not told to this user (it is at /keelson/v1/status)");
  }

  void one_store(const std::string& by, const Json& store) {
    const std::string address = by + text_at(store, "address");
    if (!true_at(store, "serving")) {
      report_.wrong("the store does not serve", address + ": " + text_at(store, "trouble"));
      return;
    }
    std::string line = address + " serves";
    const std::string profile = text_at(store, "profile"), version = text_at(store, "version");
    if (!version.empty()) line += ", Redis " + version;
    if (!profile.empty()) line += ", profile " + profile;
    const int64_t bytes = number_at(store, "memoryBytes"),
                  limit = number_at(store, "memoryMaxBytes");
    if (bytes > 0) line += ", " + mebibytes(bytes) + (limit > 0 ? " of " + mebibytes(limit) : "");
    if (const int64_t replicas = number_at(store, "replicas"); replicas > 0) {
      line += ", " + counted(static_cast<std::size_t>(replicas), "replica");
    }
    report_.fact(line);
    if (limit > 0 && bytes > limit / 10 * 9) {
      report_.wrong("the store is nearly full",
                    fmt::format("{}: beyond {} Redis refuses writes: raise maxmemory", address,
                                mebibytes(limit)));
    }
    if (const std::string why = text_at(store, "appendFailure"); !why.empty()) {
      report_.wrong("the store cannot write to its disk", address + ": " + why);
    }
    if (profile == "volatile") {
      report_.wrong("the store keeps nothing",
                    address + ": appendonly is off: a restart of Redis loses the cluster");
    }
    if (const int64_t lost = number_at(store, "historyLost"); lost > 0) {
      report_.wrong("the store has lost acknowledged writes",
                    fmt::format("{}: {} since this control plane started; its log says which",
                                address, lost == 1 ? "once" : fmt::format("{} times", lost)));
    }
    if (const std::string trouble = text_at(store, "lastTrouble"); !trouble.empty()) {
      report_.fact(fmt::format("last trouble {} ago: {}",
                               age(text_at(store, "lastTroubleTime"), session_.io.now()), trouble));
    }
  }

  // Who has a role: what control planes say of themselves counts; the Lease has the time.
  void roles() {
    report_.section("Roles");
    std::map<std::string, std::string> leaders;
    bool all_told = true;
    for (const Plane& plane : planes_) {
      if (!plane.status.is_object()) all_told = false;
      for (const Json& role : list_at(plane.status, "roles")) {
        if (true_at(role, "leading"))
          leaders[text_at(role, "name")] = text_at(plane.status, "name");
      }
    }
    for (const char* role : {"controller-manager", "scheduler"}) {
      const auto lease = session_.get(
          std::string("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/") + role);
      const std::string holder = lease ? text_at(*lease, "spec.holderIdentity") : std::string();
      const int64_t renewed = lease ? seconds_of(text_at(*lease, "spec.renewTime")) : 0;
      const bool fresh = session_.io.now().unix_ns / 1'000'000'000 - renewed < kLeaseStaleSeconds;
      if (!lease && lease.code() == Code::denied) continue;
      if (const auto leader = leaders.find(role);
          leader != leaders.end() || (!holder.empty() && fresh && !all_told)) {
        const std::string who = leader != leaders.end() ? leader->second : holder;
        const std::string since = lease ? text_at(*lease, "spec.acquireTime") : std::string();
        report_.fact(fmt::format("{}: {}{}", role, who,
                                 since.empty() ? "" : ", for " + age(since, session_.io.now())));
      } else if (holder.empty() || !fresh) {
        report_.wrong(
            std::string("nobody is ") + role,
            fmt::format("{}: nobody{}", role,
                        holder.empty() ? ""
                                       : fmt::format("; the last was {}, until {} ago", holder,
                                                     age(text_at(*lease, "spec.renewTime"),
                                                         session_.io.now()))));
      } else {
        report_.fact(fmt::format("{}: changing hands from {}", role, holder));
      }
    }
  }

  void certificates() {
    std::vector<StatusSources::Certificate> all = sources_.certificates;
    for (const Plane& plane : planes_) {
      for (const Json& one : list_at(plane.status, "certificates")) {
        const std::string name = text_at(one, "name");
        all.push_back({name + " of " + text_at(plane.status, "name"),
                       seconds_of(text_at(one, "ends")),
                       name == "ca" ? "a new cluster has a new authority"
                                    : "`keelson certs renew` there renews it"});
      }
    }
    if (all.empty()) return;
    report_.section("Certificates");
    const int64_t now = session_.io.now().unix_ns / 1'000'000'000;
    const StatusSources::Certificate* first = nullptr;
    for (const auto& one : all) {
      const int64_t left = one.ends - now;
      if (left < kEndsSoonSeconds) {
        const std::string when = left < 0 ? fmt::format("ended {} ago", human_duration(-left))
                                          : "ends in " + human_duration(left);
        report_.wrong(left < 0 ? "a certificate has ended" : "a certificate ends soon",
                      fmt::format("{} {}; {}", one.name, when, one.renewal));
      } else if (!first || one.ends < first->ends) {
        first = &one;
      }
    }
    if (first)
      report_.fact(fmt::format("{} ends in {}", first->name, human_duration(first->ends - now)));
  }

  StatusReport& report_;
  StatusSources& sources_;
  Session& session_;
  std::vector<Plane> planes_;
};

}  // namespace

bool report_control_planes(StatusReport& report, StatusSources& sources) {
  return ControlPlanes(report, sources).run();
}

bool report_cluster(StatusReport& report, StatusSources& sources) {
  if (!report_control_planes(report, sources)) return false;
  report_nodes(report, sources.session);
  report_pods(report, sources.session);
  report_requests(report, sources.session);
  report_warnings(report, sources.session);
  return true;
}

}  // namespace keelson::cli
