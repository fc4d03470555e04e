// Writes what the scheduler has to say into pods' statuses. One call per pod at a time; what cannot be
// written now (the API is away, somebody else wrote the pod) is written later, the newest only. Nothing is
// written about a pod that is bound or gone by then.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/api/request.hpp"
#include "core/base/loop.hpp"
#include "core/client/api_client.hpp"
#include "core/scheduler/cache/pod_info.hpp"
#include "core/scheduler/pod_status.hpp"

namespace keelson::scheduler {

class StatusWriter {
 public:
  struct Surroundings {
    // The pod as it was last seen; null: there is none.
    std::function<api::ObjectPtr(const std::string& ns, const std::string& name)> newest;
    std::function<bool()> may_write;
    std::function<void(api::Request&)> stamp;  // user, actor, fence and basis
  };
  StatusWriter(Loop& loop, client::ApiClient& client, Surroundings surroundings);
  ~StatusWriter() { *alive_ = false; }
  StatusWriter(const StatusWriter&) = delete;
  StatusWriter& operator=(const StatusWriter&) = delete;

  void write(const PodInfo& pod, PodStatusChange change);

 private:
  struct Unsaid {
    std::string ns, name;
    PodStatusChange change;
    bool in_flight = false;
    bool waiting = false;  // there is more to say than what is in flight
  };
  void send(const std::string& uid);
  void on_answer(const std::string& uid, const api::Response& response);
  void send_all();

  Loop& loop_;
  client::ApiClient& client_;
  Surroundings surroundings_;
  std::map<std::string, Unsaid> unsaid_;  // by uid
  Timer timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace keelson::scheduler
