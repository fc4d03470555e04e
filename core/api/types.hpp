// The API's message types under short names, and the one list of the kinds that are served. A new
// kind is a .proto message, one line in KEELSON_KINDS, one in strategies.cpp, and its controller.
#pragma once

#include <cstdint>

#include "core/api/proto/apps.pb.h"
#include "core/api/proto/authentication.pb.h"
#include "core/api/proto/authorization.pb.h"
#include "core/api/proto/autoscaling.pb.h"
#include "core/api/proto/certificates.pb.h"
#include "core/api/proto/coordination.pb.h"
#include "core/api/proto/core.pb.h"
#include "core/api/proto/discovery.pb.h"
#include "core/api/proto/meta.pb.h"
#include "core/api/proto/networking.pb.h"
#include "core/api/proto/node.pb.h"
#include "core/api/proto/pod.pb.h"
#include "core/api/proto/policy.pb.h"
#include "core/api/proto/rbac.pb.h"
#include "core/api/proto/reference.pb.h"
#include "core/api/proto/scheduling.pb.h"
#include "core/api/proto/service.pb.h"
#include "core/api/proto/volume.pb.h"

namespace keelson::api {

using namespace meta::v1;  // ObjectMeta, LabelSelector, Time, IntOrString, Quantity, Condition, ...
using namespace core::v1;  // Pod, Node, Service, Namespace, Event, ...
using apps::v1::ControllerRevision;
using apps::v1::Deployment;
using apps::v1::DeploymentCondition;
using apps::v1::DeploymentSpec;
using apps::v1::DeploymentStatus;
using apps::v1::ReplicaSet;
using apps::v1::ReplicaSetCondition;
using apps::v1::ReplicaSetSpec;
using apps::v1::ReplicaSetStatus;
using authentication::v1::SelfSubjectReview;
using authentication::v1::TokenRequest;
using authentication::v1::TokenReview;
using authorization::v1::LocalSubjectAccessReview;
using authorization::v1::SelfSubjectAccessReview;
using authorization::v1::SelfSubjectRulesReview;
using authorization::v1::SubjectAccessReview;
using autoscaling::v1::Scale;
using certificates::v1::CertificateSigningRequest;
using coordination::v1::Lease;
using discovery::v1::EndpointSlice;
using networking::v1::NetworkPolicy;
using policy::v1::Eviction;
using policy::v1::PodDisruptionBudget;
using rbac::v1::ClusterRole;
using rbac::v1::ClusterRoleBinding;
using rbac::v1::Role;
using rbac::v1::RoleBinding;
using scheduling::v1::PriorityClass;

using Message = google::protobuf::Message;

// (enumerator, message type), in the order in which a new API server loads them.
#define KEELSON_KINDS(X)                     \
  X(namespaces, Namespace)                   \
  X(nodes, Node)                             \
  X(leases, Lease)                           \
  X(priority_classes, PriorityClass)         \
  X(service_accounts, ServiceAccount)        \
  X(config_maps, ConfigMap)                  \
  X(secrets, Secret)                         \
  X(services, Service)                       \
  X(endpoints, Endpoints)                    \
  X(endpoint_slices, EndpointSlice)          \
  X(pod_disruption_budgets, PodDisruptionBudget) \
  X(deployments, Deployment)                 \
  X(replica_sets, ReplicaSet)                \
  X(pods, Pod)                               \
  X(events, Event)                           \
  X(cluster_roles, ClusterRole)              \
  X(cluster_role_bindings, ClusterRoleBinding) \
  X(roles, Role)                             \
  X(role_bindings, RoleBinding)              \
  X(certificate_signing_requests, CertificateSigningRequest) \
  X(controller_revisions, ControllerRevision) \
  X(network_policies, NetworkPolicy)

// Dense: usable as an array index.
enum class Kind : uint8_t {
#define X(enumerator, Type) enumerator,
  KEELSON_KINDS(X)
#undef X
};

inline constexpr int kind_count = 0
#define X(enumerator, Type) +1
    KEELSON_KINDS(X)
#undef X
    ;

// kind_of<Pod> is Kind::pods.
template <class M>
inline constexpr Kind kind_of = [] {
  static_assert(sizeof(M) == 0, "not a served kind");
  return Kind{};
}();
#define X(enumerator, Type) \
  template <>               \
  inline constexpr Kind kind_of<Type> = Kind::enumerator;
KEELSON_KINDS(X)
#undef X

}  // namespace keelson::api
