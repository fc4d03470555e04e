// What nodes may do: read what the pods that are bound to them need, report on themselves and on
// those pods. What they may write into objects that they can reach is for node_restriction.hpp.
// Source: Kubernetes plugin/pkg/auth/authorizer/node.
#pragma once

#include "core/apiserver/watch_cache.hpp"
#include "core/auth/auth.hpp"
#include "core/auth/rules.hpp"

namespace keelson::auth {

class NodeAuthorizer final : public Authorizer {
 public:
  // The memory must outlive the authorizer.
  explicit NodeAuthorizer(const apiserver::WatchCache& cache);

  // Allows or has no opinion; about users in the group system:nodes only. Lists and watches of
  // nodes and pods are allowed for what is the node's own: Attributes::name or a field selector
  // (metadata.name, spec.nodeName) must say so.
  Verdict authorize(const Attributes& attributes) const override;

 private:
  Verdict reading(const std::string& node, const Attributes& attributes) const;
  Verdict token(const std::string& node, const Attributes& attributes) const;
  Verdict pods(const std::string& node, const Attributes& attributes) const;
  bool refers(const std::string& node, api::Kind kind, const Attributes& attributes) const;

  const apiserver::WatchCache& cache_;
  PolicyRules rules_;  // what needs no look at the state
};

}  // namespace keelson::auth
