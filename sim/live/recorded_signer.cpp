#include "sim/live/recorded_signer.hpp"

namespace keelson::sim {

namespace {

// One letter for what it is, then the certificate or the reason.
std::string text_of(const Result<std::string>& answer) {
  if (answer) return "+" + *answer;
  return (answer.code() == Code::invalid ? "-" : "?") + answer.error().message;
}

Result<std::string> answer_of(const std::string& text) {
  if (text.starts_with('+')) return text.substr(1);
  const bool invalid = text.starts_with('-');
  return Error{invalid ? Code::invalid : Code::unavailable, text.empty() ? "" : text.substr(1)};
}

}  // namespace

Result<std::string> RecordedSigner::sign(const api::CertificateSigningRequest& request) const {
  if (!expected_.empty()) {
    const std::string text = std::move(expected_.front());
    expected_.pop_front();
    return answer_of(text);
  }
  auto answer = real_->sign(request);
  tell_(text_of(answer));
  return answer;
}

}  // namespace keelson::sim
