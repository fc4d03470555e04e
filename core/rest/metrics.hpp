// metrics.k8s.io: NodeMetrics and PodMetrics, made of the nodes and pods that there are and of what a
// UsageSource says of them. They can be read, not watched.
// Source: k8s.io/metrics (types), kubernetes-sigs/metrics-server (table columns).
#pragma once

#include "core/rest/call.hpp"
#include "core/rest/usage.hpp"

namespace keelson::rest {

class Metrics {
 public:
  // Null: nobody measures.
  explicit Metrics(UsageSource* source) : source_(source) {}

  // The pods or nodes that are asked about.
  api::ApiError read(const Call& call, api::Request& request) const;
  // The answer, from them. REQUIRES: read() found no error.
  void respond(Call& call, api::Response found) const;

 private:
  // Nothing: it is one object, and it is not measured.
  std::optional<HttpResponse> answer(const Call& call, bool list,
                                     std::span<const api::ObjectPtr> objects) const;

  UsageSource* source_;
};

}  // namespace keelson::rest
