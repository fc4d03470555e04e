// What the parts of one agent share: the ports, the options and each other. Internal to core/agent.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "core/agent/agent.hpp"
#include "core/api/request.hpp"
#include "core/client/event_recorder.hpp"

namespace keelson::client {
class Informer;
}

namespace keelson::agent {

class RuntimeCache;
class ImageStore;
class ReferenceCache;
class VolumeManager;

// Wraps the callbacks of calls that may outlive their owner: after the owner is gone they do
// nothing.
class Lifetime {
 public:
  template <class F>
  auto guard(F f) const {
    return [alive = std::weak_ptr<const char>(token_), f = std::move(f)](auto&&... args) mutable {
      if (!alive.expired()) f(std::forward<decltype(args)>(args)...);
    };
  }
  // Expires with the owner: for code that calls out and then goes on.
  std::weak_ptr<const char> watch() const { return token_; }

 private:
  std::shared_ptr<const char> token_ = std::make_shared<const char>();
};

struct Context {
  Context(Loop& l, client::ApiClient& a, ContainerRuntime& r, Log& g, Rng random, AgentOptions o)
      : loop(l), api(a), runtime(r), log(g), rng(random), options(std::move(o)) {}

  Loop& loop;
  client::ApiClient& api;
  ContainerRuntime& runtime;
  Log& log;
  Rng rng;
  AgentOptions options;

  client::Informer* pods = nullptr;
  RuntimeCache* cache = nullptr;
  ImageStore* images = nullptr;
  ReferenceCache* references = nullptr;
  VolumeManager* volumes = nullptr;  // null: a node without a disk
  // Orders what this agent did against the runtime lists that it has asked for: a list is newer
  // than an action only if it was asked for after the action had ended. Source: kubelet's
  // PodCache.GetNewerThan; k8s#123087, where ignoring this ran two containers of one pod.
  uint64_t sequence = 0;
  // A pod's processes ended, or its worker has nothing left to do.
  std::function<void()> on_freed;

  // Fills in who asks and on what basis.
  api::Request sign(api::Request request);
  // `field_path`: see EventRecorder::record.
  void event(const api::Object& about, std::string_view reason, std::string message,
             const std::string& field_path = {}) {
    if (wants_events()) record(about, false, reason, std::move(message), field_path);
  }
  void warn(const api::Object& about, std::string_view reason, std::string message,
            const std::string& field_path = {}) {
    if (wants_warnings()) record(about, true, reason, std::move(message), field_path);
  }
  bool wants_events() const { return options.record_events == RecordEvents::all; }
  bool wants_warnings() const { return options.record_events != RecordEvents::none; }

 private:
  void record(const api::Object& about, bool warning, std::string_view reason, std::string message,
              const std::string& field_path);

  std::unique_ptr<client::EventRecorder> recorder_;  // made when first needed
  api::BasisPtr basis_;                              // of the last request, shared while it holds
};

}  // namespace keelson::agent
