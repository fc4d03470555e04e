// Deletes what has lost all its owners, and walks deletions through their propagation policies:
// background, foreground (dependents first) and orphan. Guarantees GC-1..GC-5.
#pragma once

#include <vector>

#include "core/controllers/controller.hpp"

namespace keelson::controllers {

class GarbageCollector final : public Controller {
 public:
  std::string_view name() const override { return "garbage-collector"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;

  static constexpr std::size_t kBatch = 500;
};

}  // namespace keelson::controllers
