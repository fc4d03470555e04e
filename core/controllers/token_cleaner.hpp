// Removes bootstrap tokens whose time is over. What such a token owns goes with it: that is how sealed
// secrets on their way to a new control plane expire.
// Source: Kubernetes pkg/controller/bootstrap/tokencleaner.go.
#pragma once

#include "core/controllers/controller.hpp"

namespace keelson::controllers {

class TokenCleanerController final : public Controller {
 public:
  std::string_view name() const override { return "bootstrap-token-cleaner"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;
};

}  // namespace keelson::controllers
