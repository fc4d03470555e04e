#include "runtime/http/answer_parser.hpp"

#include <utility>

#include "runtime/http/request_parser.hpp"

namespace keelson::http {
namespace beast_http = boost::beast::http;

namespace {

// What a server may say before the body.
constexpr uint32_t kHeadBytesMax = 256 * 1024;

template <class Parser>
Response head_of(const Parser& parser) {
  Response head;
  head.status = static_cast<int>(parser.get().result_int());
  for (const auto& field : parser.get()) {
    head.headers.push_back({std::string(field.name_string().data(), field.name_string().size()),
                            std::string(field.value().data(), field.value().size())});
  }
  return head;
}

}  // namespace

AnswerParser::AnswerParser(bool bodiless) : bodiless_(bodiless) { start(); }

void AnswerParser::start() {
  parser_.emplace();
  parser_->header_limit(kHeadBytesMax);
  parser_->body_limit(boost::none);
  parser_->eager(false);
  if (bodiless_) parser_->skip(true);
}

Result<AnswerParser::State> AnswerParser::feed(std::string& received, const Client::OnHead& on_head,
                                               const Client::OnData& on_data) {
  boost::beast::error_code error;
  std::size_t used = 0;
  while (!error && !parser_->is_done() && used < received.size()) {
    if (parser_->is_header_done() && parser_->chunked() &&
        received.size() - used < kChunkedBytesMin) {
      break;
    }
    used +=
        parser_->put(boost::asio::buffer(received.data() + used, received.size() - used), error);
    if (error || !parser_->is_header_done()) continue;
    if (parser_->get().result_int() / 100 == 1) {  // an interim answer; the real one follows
      start();
      continue;
    }
    if (!std::exchange(head_told_, true) && on_head && !on_head(head_of(*parser_))) {
      return Error{Code::cancelled, "stopped by the caller"};
    }
    std::string& body = parser_->get().body();
    if (!body.empty() && on_data && !on_data(body)) {
      return Error{Code::cancelled, "stopped by the caller"};
    }
    body.clear();
  }
  received.erase(0, used);
  if (error && error != beast_http::error::need_more) {
    return Error{Code::unknown, "malformed answer: " + error.message()};
  }
  return parser_->is_done() ? State::done : State::more;
}

Status AnswerParser::end() {
  boost::beast::error_code error;
  if (parser_->got_some()) parser_->put_eof(error);
  if (!parser_->got_some() || error) {
    return {Code::unknown, "the server closed the connection before its answer's end"};
  }
  return {};
}

}  // namespace keelson::http
