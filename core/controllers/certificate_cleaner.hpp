// Deletes certificate requests that nobody needs any more: an hour after the certificate was issued or the
// request was refused, a day after it was made or approved and nothing came of it, and when the certificate
// has expired. Whoever asked has fetched it long since; without this each renewal leaves an object behind.
//
// Ages are of the wall's clock, as the API server has written them.
// Source of the times: Kubernetes pkg/controller/certificates/cleaner, which keeps approved requests that
// nobody signs for ever; here they count as pending.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/controllers/controller.hpp"

namespace keelson::controllers {

class CertificateCleanerController final : public Controller {
 public:
  // When a certificate (PEM) ends, in unix seconds; nothing: it cannot be read.
  using EndOf = std::function<std::optional<int64_t>(const std::string& certificate)>;
  explicit CertificateCleanerController(EndOf end_of) : end_of_(std::move(end_of)) {}

  std::string_view name() const override { return "certificate-cleaner"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;

 private:
  // In unix seconds.
  int64_t due(const api::CertificateSigningRequest& request) const;

  EndOf end_of_;
};

}  // namespace keelson::controllers
