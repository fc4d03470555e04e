#include "core/agent/context.hpp"

#include "core/client/informer.hpp"

namespace keelson::agent {

api::Request Context::sign(api::Request request) {
  request.user = options.user;
  request.actor = options.actor;
  if (pods) {
    const api::Revision seen = pods->revision();
    if (!basis_ || basis_->of(api::Kind::pods) != seen) {
      auto basis = std::make_shared<api::Basis>();
      basis->read(api::Kind::pods, seen);
      basis_ = std::move(basis);
    }
    request.basis = basis_;
  }
  return request;
}

void Context::record(const api::Object& about, bool warning, std::string_view reason,
                     std::string message, const std::string& field_path) {
  if (!recorder_) {
    recorder_ = std::make_unique<client::EventRecorder>(
        loop, api, rng.fork("events"),
        client::EventRecorder::Options{.component = "kubelet",
                                       .host = options.node_name,
                                       .user = options.user,
                                       .actor = options.actor,
                                       // Thousands of agents share a process in simulation.
                                       .remembered_max = 256,
                                       .queue_max = 200});
  }
  recorder_->record(about, warning, std::string(reason), std::move(message), field_path);
}

}  // namespace keelson::agent
