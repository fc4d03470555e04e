// /healthz, /livez and /readyz, as a kube-apiserver answers them: "ok", or with ?verbose one line
// for each part; ?exclude=PART leaves one out; /readyz/PART asks for one alone. Source:
// k8s.io/apiserver/pkg/server/healthz.
#pragma once

#include <vector>

#include "core/rest/http.hpp"
#include "core/rest/process_facts.hpp"
#include "core/rest/uri.hpp"

namespace keelson::rest {

// The parts of a process, its store among them: what the API server has read of that is all that it
// serves.
std::vector<HealthPart> health_parts(const ProcessFacts& process, bool server_ready);

// `parts`: what /readyz and /healthz look at, besides ping. /livez looks at nothing else: a server
// that waits for its store must not be restarted for it. REQUIRES: `uri` has a segment.
HttpResponse health_response(const Uri& uri, std::vector<HealthPart> parts);

}  // namespace keelson::rest
