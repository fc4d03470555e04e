// Empties a namespace that is being deleted, then lets it go. Guarantees GC-5, GC-6.
#pragma once

#include "core/controllers/controller.hpp"

namespace keelson::controllers {

class NamespaceController final : public Controller {
 public:
  std::string_view name() const override { return "namespace"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;

  static constexpr std::size_t kBatch = 500;
};

}  // namespace keelson::controllers
