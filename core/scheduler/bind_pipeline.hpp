// The way of a pod from "decided" to "bound": the place is assumed, plugins reserve, permit and
// prepare, the bind request is sent, and the answer is judged. Many pods are under way at once; the
// scheduler goes on deciding on the assumed state meanwhile.
//
// The answer of a bind may get lost. Then nobody knows whether the pod is bound, and giving its
// place away would over-commit the node, while keeping it forever would waste it: the pod is read
// back from the API until there is an answer (GUARANTEES SC-5, SC-6; k8s#106361).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/api/request.hpp"
#include "core/base/log.hpp"
#include "core/base/loop.hpp"
#include "core/client/api_client.hpp"
#include "core/scheduler/cache/cache.hpp"
#include "core/scheduler/extender/extenders.hpp"
#include "core/scheduler/framework/profiles.hpp"

namespace keelson::scheduler {

class BindPipeline final : public PluginHost {
 public:
  struct Options {
    std::string user, actor;
    Duration read_back_retry = 1s;  // between attempts to read a pod back
    std::function<void(const std::string& uid)> activate;  // PluginHost::activate(); may be empty
    Extenders* extenders = nullptr;  // one may bind in the place of the plugins; null: there are none
  };
  struct Counters {
    uint64_t bound = 0, refused = 0, unknown = 0, rejected = 0;
  };
  // How it ended. The place has been given back unless `bound`.
  struct Outcome {
    PodInfoPtr pod;
    NameId node = 0;
    bool bound = false;
    // Not bound. Rejected by a plugin: bit per slot; 0: time may heal it.
    uint64_t rejectors = 0;
    std::string why;
    // Not bound because a plugin failed or the bind was refused: whoever waits for the pod is to
    // hear of it.
    bool failure = false;
  };
  using Ended = std::function<void(const Outcome&)>;

  BindPipeline(Loop& loop, client::ApiClient& client, Cache& cache,
               const Profiles& profiles, Log& log, Options options, Ended on_ended);
  ~BindPipeline();
  BindPipeline(const BindPipeline&) = delete;
  BindPipeline& operator=(const BindPipeline&) = delete;

  // Assumes the pod on the node, with these devices of it, and sets off. `ended` is called later or
  // (a plugin says no) at once. `may_send` is asked right before the bind is sent.
  void start(const PodInfoPtr& pod, NameId node, api::DeviceSet devices, api::Fence fence,
             api::BasisPtr basis, std::function<bool()> may_send);

  // The pod was deleted: if it waits for a permit, the wait ends here and what was reserved for it
  // is released. (A bind under way is answered, and that answer ends it.)
  void pod_gone(const std::string& uid);

  // The pods for which start() was called and `ended` was not.
  std::size_t in_flight() const { return flights_.size(); }
  const Counters& counters() const { return counters_; }

  void allow(const Plugin& plugin, const std::string& uid) override;
  void reject(const Plugin& plugin, const std::string& uid, std::string why) override;
  void activate(const std::string& uid) override {
    if (options_.activate) options_.activate(uid);
  }
  const Snapshot& snapshot() const override { return cache_.snapshot(); }

 private:
  struct Flight {
    BindTarget target;
    const Profile* profile = nullptr;
    NameId node = 0;
    api::Fence fence;
    api::BasisPtr basis;
    std::function<bool()> may_send;
    std::size_t reserved = 0;             // plugins whose reserve() was called
    std::map<PluginSlot, Timer> permits;  // waited for, with their timeouts
    std::size_t next_pre_bind = 0;
    std::string binder;  // the plugin that binds
    Timer retry;
  };
  using FlightPtr = std::shared_ptr<Flight>;

  FlightPtr find(const std::string& uid) const;
  // The flight, if it waits for this plugin's permit.
  FlightPtr waiting(const Plugin& plugin, const std::string& uid) const;
  bool ask_permits(const FlightPtr& flight);
  void pre_bind(const FlightPtr& flight);
  void send(const FlightPtr& flight);
  void send_to_extender(const FlightPtr& flight);
  void on_answer(const FlightPtr& flight, const api::Response& response);
  void read_back(const FlightPtr& flight);
  void on_read_back(const FlightPtr& flight, const api::Response& response);
  void succeed(const FlightPtr& flight);
  void refused(const FlightPtr& flight, Point point, const Plugin& plugin, Verdict verdict);
  void fail(const FlightPtr& flight, uint64_t rejectors, std::string why, bool failure = false);

  Loop& loop_;
  client::ApiClient& client_;
  Cache& cache_;
  const Profiles& profiles_;
  Log& log_;
  Options options_;
  Ended on_ended_;
  std::map<std::string, FlightPtr> flights_;  // by uid
  Counters counters_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace keelson::scheduler
