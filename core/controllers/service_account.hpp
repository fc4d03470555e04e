// Every namespace has a ServiceAccount "default", which pods get that name none.
#pragma once

#include "core/controllers/controller.hpp"

namespace keelson::controllers {

class ServiceAccountController final : public Controller {
 public:
  std::string_view name() const override { return "serviceaccount"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;
};

}  // namespace keelson::controllers
