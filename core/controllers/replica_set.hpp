// Keeps as many active pods as a ReplicaSet asks for. Guarantees RS-1..RS-4.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/api/selector.hpp"
#include "core/controllers/controller.hpp"
#include "core/controllers/ready_since.hpp"

namespace keelson::controllers {

class ReplicaSetController final : public Controller {
 public:
  std::string_view name() const override { return "replicaset"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;
  void write_refused(const api::ObjectKey& key, const api::Request& request,
                     const api::ApiError& error) override;
  void reset() override;

  // More writes than this are left to the next reconcile. Source: Kubernetes' BurstReplicas.
  static constexpr int kBurst = 500;

 private:
  using Pods = std::vector<api::Ref<api::Pod>>;
  // What the server said last when it refused to create or delete a pod.
  struct Refusal {
    bool create = false;
    std::string message;
  };
  bool claim(const View& view, const api::Ref<api::ReplicaSet>& rs,
             const api::LabelSelectorMatcher& selector, const Pods& owned, Plan* plan) const;
  void create(const api::Ref<api::ReplicaSet>& rs, int count, Plan* plan) const;
  void remove(const View& view, const api::Ref<api::ReplicaSet>& rs, const Pods& pods, int count,
              Plan* plan) const;
  api::ReplicaSetStatus status(const View& view, const api::Ref<api::ReplicaSet>& rs,
                               const Pods& pods, int missing, Plan* plan);

  ReadySince ready_since_;
  std::map<api::ObjectKey, Refusal> refusals_;  // shown as a condition
};

}  // namespace keelson::controllers
