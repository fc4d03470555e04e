// Pods that a node runs by its own manifests, whatever the API says. The API shows each as a mirror, a pod
// of the same name that is never an input: changed or deleted, it is put right again.
//
// For the pod workers this is the API server of such pods: what they report is taken in here at once
// and brought to the mirror from here. Everything else passes through. A static pod's uid is a hash of its
// manifest and the node, so that a changed manifest is another pod: the old one's processes end before
// the new one's begin (k8s#104847, k8s#116310).
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/agent/context.hpp"
#include "core/agent/manifests.hpp"
#include "core/client/api_client.hpp"
#include "core/client/informer.hpp"

namespace keelson::agent {

// The pod that a manifest describes, complete: named for the node, with its uid and defaults.
// Code::invalid says what is wrong with it.
Result<api::ObjectPtr> static_pod_of(const Manifest& manifest, const std::string& node);
// Whether the API's pod only shows a static one.
bool is_mirror(const api::Object& pod);

class StaticPods final : public client::ApiClient {
 public:
  struct Hooks {
    client::ChangeHandler on_pod;             // as an informer's
    std::function<api::ObjectPtr()> own_node;  // null: not registered yet
  };
  StaticPods(Loop& loop, client::ApiClient& api) : loop_(loop), api_(api) {}

  // Once, when the API's pods of this node are known.
  void start(Context& context, ManifestSource& source, Hooks hooks);
  // What the API says about mirrors on this node.
  void on_mirror(const api::ObjectPtr& before, const api::ObjectPtr& after);

  void call(api::Request request, Callback<void(api::Response)> done) override;
  api::WatchId watch(api::WatchRequest request, api::WatchSink& sink) override {
    return api_.watch(std::move(request), sink);
  }
  void unwatch(api::WatchId watch) override { api_.unwatch(watch); }

 private:
  using Name = std::pair<std::string, std::string>;  // namespace and name
  struct Pod {
    api::ObjectPtr object;  // with the newest status that its worker has reported
    api::ObjectPtr mirror;  // as the API has it; null: not there
    bool busy = false;      // a request about the mirror is under way
  };

  void take(std::vector<Manifest> manifests);
  Pod* by_uid(const std::string& uid);
  api::ObjectPtr with_status(const api::Object& pod, const api::PodStatus& status);
  // Brings the mirror one step closer to the pod.
  void reflect(const Name& name);
  void send(const Name& name, api::Request request);
  api::Request creation_of(const api::Object& pod, const api::Object& node) const;

  Loop& loop_;
  client::ApiClient& api_;
  Context* context_ = nullptr;
  Hooks hooks_;
  std::map<Name, Pod> pods_;  // those of manifests, and mirrors of which there is no manifest
  std::set<Name> failed_;
  uint64_t revision_ = 0;
  uint32_t failures_ = 0;
  bool loaded_ = false;  // the manifests are known
  Lifetime lifetime_;
  Timer retry_;
};

}  // namespace keelson::agent
