// Certificates come from outside: a signature is different each time, and stands in an object. What
// a signer has said is recorded, and said again in a replay.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "core/controllers/certificate_signing.hpp"

namespace keelson::sim {

class RecordedSigner final : public controllers::CertificateSigner {
 public:
  // `tell` gets each answer of the real signer, as text.
  RecordedSigner(std::shared_ptr<const controllers::CertificateSigner> real,
                 std::function<void(std::string)> tell)
      : real_(std::move(real)), tell_(std::move(tell)) {}

  // The next answer, as it was told; the real signer is asked when there are none left.
  void expect(std::string answer) { expected_.push_back(std::move(answer)); }

  bool signs_for(const std::string& signer_name) const override {
    return real_->signs_for(signer_name);
  }
  Result<std::string> sign(const api::CertificateSigningRequest& request) const override;

 private:
  std::shared_ptr<const controllers::CertificateSigner> real_;
  std::function<void(std::string)> tell_;
  mutable std::deque<std::string> expected_;  // the port is const; what it returns is from outside
};

}  // namespace keelson::sim
