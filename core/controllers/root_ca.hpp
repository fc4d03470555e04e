// Every namespace has the ConfigMap kube-root-ca.crt, by which pods recognise the API server; what
// somebody makes of it is undone.
// Source: pkg/controller/certificates/rootcacertpublisher.
#pragma once

#include <string>

#include "core/controllers/controller.hpp"

namespace keelson::controllers {

class RootCaController final : public Controller {
 public:
  explicit RootCaController(std::string certificates_pem)
      : certificates_pem_(std::move(certificates_pem)) {}
  std::string_view name() const override { return "root-ca-cert-publisher"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;

 private:
  const std::string certificates_pem_;
};

}  // namespace keelson::controllers
