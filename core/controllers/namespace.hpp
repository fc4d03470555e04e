// Empties a namespace that is being deleted, says meanwhile what it waits for, then lets it go.
// Guarantees GC-5, GC-6.
#pragma once

#include <map>
#include <string>

#include "core/controllers/controller.hpp"

namespace keelson::controllers {

class NamespaceController final : public Controller {
 public:
  std::string_view name() const override { return "namespace"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;
  void write_refused(const api::ObjectKey& key, const api::Request& request,
                     const api::ApiError& error) override;
  void reset() override { emptying_.clear(); }

  static constexpr std::size_t kBatch = 500;
  // The conditions count what is left, so they could change with each object that goes. They are
  // for people who wonder why a namespace stays: most are gone before the first report is due.
  static constexpr Duration kReportEvery = 2s;

 private:
  struct Emptying {
    Instant reported;                          // last, or when it began
    std::map<api::Kind, std::string> refused;  // deletions, since the last look
  };
  void report(const View& view, const api::Ref<api::Namespace>& ns, Emptying& emptying, Plan* plan);

  std::map<api::ObjectKey, Emptying> emptying_;
};

}  // namespace keelson::controllers
