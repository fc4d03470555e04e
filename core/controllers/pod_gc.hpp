// The pod garbage collector: pods that nobody else will ever remove. Source: Kubernetes
// pkg/controller/podgc (quarantine 40 s, period 20 s, threshold 12500), KEP-2268; guarantee NL-7.
#pragma once

#include <map>
#include <set>
#include <string>

#include "core/controllers/controller.hpp"

namespace keelson::controllers {

struct PodGcOptions {
  Duration quarantine = 40s;
  Duration period = 20s;
  int64_t terminated_threshold = 12500;  // ended pods that are kept; not positive: all
};

class PodGcController final : public Controller {
 public:
  explicit PodGcController(PodGcOptions options = {}) : options_(options) {}

  std::string_view name() const override { return "pod-garbage-collector"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;
  void reset() override;

 private:
  // A node that is missed, since when, and the pods that certainly were the lost node's. If a node
  // of that name comes back they still are not its pods: a node is its uid, not its name.
  struct Missing {
    Instant since;
    std::set<std::string> pods;  // uids
  };

  void note_lost(const View& view, const std::string& node) const;
  Plan orphans(const View& view, const std::string& node);
  Plan out_of_service(const View& view, const api::Ref<api::Node>& node) const;
  Plan unscheduled(const View& view, const api::ObjectKey& key) const;
  Plan terminated(const View& view);

  PodGcOptions options_;
  mutable std::map<std::string, Missing> missing_;
  mutable int64_t ended_ = 0;  // pods that have ended; recounted by terminated()
  Instant last_sweep_{};
};

}  // namespace keelson::controllers
