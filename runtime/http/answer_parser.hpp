// A server's answer as it arrives, in pieces of whatever size. For this folder's clients, the blocking
// one and the asynchronous one.
#pragma once

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>

#include "core/base/result.hpp"
#include "runtime/http/client.hpp"

namespace keelson::http {

class AnswerParser {
 public:
  // `bodiless`: of a HEAD request.
  explicit AnswerParser(bool bodiless);

  enum class State { more, done };
  // Takes from `received` what can be used now and hands it over. Code::unknown: it is malformed;
  // Code::cancelled: a callback has returned false.
  Result<State> feed(std::string& received, const Client::OnHead& on_head,
                     const Client::OnData& on_data);
  // The connection has ended. An error if the answer is not complete with that.
  Status end();

  int status() const { return static_cast<int>(parser_->get().result_int()); }
  bool keep_alive() const { return parser_->keep_alive(); }

 private:
  void start();

  const bool bodiless_;
  bool head_told_ = false;
  std::optional<boost::beast::http::response_parser<boost::beast::http::string_body>> parser_;
};

}  // namespace keelson::http
