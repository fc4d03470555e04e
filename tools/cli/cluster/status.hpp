// Looks at a cluster through its API and says what is wrong with it. Each part is read for itself:
// what this user may not see, or a server does not have, is left out and said so.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/cli/cluster/session.hpp"
#include "tools/cli/cluster/status_report.hpp"

namespace keelson::cli {

struct StatusSources {
  Session& session;
  // The same question to another control plane, "https://10.0.0.2:6443". Empty: only the one that
  // the session talks to is asked.
  std::function<Result<ApiReply>(const std::string& server, const ApiRequest& request)> elsewhere;
  // Certificates that are known from elsewhere, besides those that control planes tell of.
  struct Certificate {
    std::string name;     // "of the kubeconfig"
    int64_t ends = 0;     // unix seconds
    std::string renewal;  // what renews it
  };
  std::vector<Certificate> certificates;
};

// False: the API does not answer, and the report says no more than that.
bool report_cluster(StatusReport& report, StatusSources& sources);

// Its parts. False as above.
bool report_control_planes(StatusReport& report, StatusSources& sources);
void report_nodes(StatusReport& report, Session& session);
void report_pods(StatusReport& report, Session& session);
void report_requests(StatusReport& report, Session& session);
void report_warnings(StatusReport& report, Session& session);

}  // namespace keelson::cli
