// Answers that the session itself gives, in the form that Kubernetes' clients expect.
#pragma once

#include <string>
#include <string_view>

#include "core/rest/http.hpp"

namespace keelson::sim {

// A Status object. 503 asks clients to come again in a second, as they then do by themselves.
rest::HttpResponse failure(int code, std::string_view reason, std::string_view message);
rest::HttpResponse json_answer(int code, std::string body);

}  // namespace keelson::sim
