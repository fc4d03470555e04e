#include "core/rest/streams/answers.hpp"

#include "core/api/json.hpp"

namespace keelson::rest {

namespace {

void answer_status(Exchange& exchange, const api::Status& status) {
  HttpResponse response;
  response.status = status.code();
  response.headers = {{"Content-Type", "application/json"}};
  if (status.details().retry_after_seconds() > 0) {
    response.headers.push_back(
        {"Retry-After", std::to_string(status.details().retry_after_seconds())});
  }
  response.body = api::encode_message(status);
  exchange.respond(std::move(response));
}

}  // namespace

void answer_error(Exchange& exchange, const api::ApiError& error) {
  api::Status status = api::to_status_message(error);
  if (status.code() == 0) status.set_code(500);
  answer_status(exchange, status);
}

void answer_unreachable(Exchange& exchange, std::string message) {
  api::Status status;
  status.mutable_metadata();
  status.set_status("Failure");
  status.set_message(std::move(message));
  status.set_code(500);
  answer_status(exchange, status);
}

void answer_text(Exchange& exchange, int status, std::string text) {
  HttpResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  response.body = std::move(text);
  exchange.respond(std::move(response));
}

}  // namespace keelson::rest
