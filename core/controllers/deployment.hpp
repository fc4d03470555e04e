// Rolls ReplicaSets so that the pods of a Deployment become what its template says. Guarantees
// DP-1..DP-8. The steps are in rolling.cpp, recreate.cpp, scaling.cpp, revisions.cpp and
// status.cpp; what they share is in rollout.hpp.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/base/result.hpp"
#include "core/controllers/controller.hpp"
#include "core/controllers/progress.hpp"

namespace keelson::controllers {

class TemplateMemo;

class DeploymentController final : public Controller {
 public:
  DeploymentController();
  ~DeploymentController() override;
  std::string_view name() const override { return "deployment"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;
  void write_refused(const api::ObjectKey& key, const api::Request& request,
                     const api::ApiError& error) override;
  void reset() override {
    progress_.clear();
    refusals_.clear();
  }

 private:
  ProgressClock progress_;
  std::unique_ptr<TemplateMemo> templates_;
  std::map<api::ObjectKey, Refusal> refusals_;  // shown as a condition until the server gives in
};

// The request that brings back the template of a revision, as `rollout undo` does; 0: the one
// before the current. Errors are worded for users.
Result<api::Request> rollback_to(const View& view, const api::Ref<api::Deployment>& deployment,
                                 int64_t revision);

}  // namespace keelson::controllers
