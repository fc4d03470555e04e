#include "sim/live/answers.hpp"

#include <boost/json.hpp>

namespace keelson::sim {

rest::HttpResponse json_answer(int code, std::string body) {
  return {code, {{"Content-Type", "application/json"}}, std::move(body)};
}

rest::HttpResponse failure(int code, std::string_view reason, std::string_view message) {
  boost::json::object status;
  status["kind"] = "Status";
  status["apiVersion"] = "v1";
  status["metadata"].emplace_object();
  status["status"] = "Failure";
  status["message"] = message;
  status["reason"] = reason;
  status["code"] = code;
  rest::HttpResponse response = json_answer(code, boost::json::serialize(status) + "\n");
  if (code == 503) response.headers.push_back({"Retry-After", "1"});
  return response;
}

}  // namespace keelson::sim
