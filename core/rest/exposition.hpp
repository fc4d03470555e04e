// What the server holds, in the text format that Prometheus scrapes (version 0.0.4).
#pragma once

#include <string>

#include "core/apiserver/api_server.hpp"

namespace keelson::rest {

inline constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

std::string metrics_text(const apiserver::ApiServer& server);

}  // namespace keelson::rest
