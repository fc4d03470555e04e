// The validators of the kinds, and the parts that they share. Each adds to `errors` what is wrong
// with the value at `path`, in the order in which Kubernetes would list it.
#pragma once

#include <span>

#include "core/api/validate/errors.hpp"

namespace keelson::api {

using StringMap = google::protobuf::Map<std::string, std::string>;
using ResourceMap = google::protobuf::Map<std::string, Quantity>;
template <class M>
using Repeated = google::protobuf::RepeatedPtrField<M>;

// --- metadata (meta.cpp) -------------------------------------------------------------------------
void validate_meta_create(Errors& errors, Kind kind, const ObjectMeta& meta);
void validate_meta_update(Errors& errors, const ObjectMeta& now, const ObjectMeta& before);
void validate_labels(Errors& errors, const Path& path, const StringMap& labels);
void validate_annotations(Errors& errors, const Path& path, const StringMap& annotations);
void validate_finalizer_name(Errors& errors, const Path& path, std::string_view name);
void validate_label_key(Errors& errors, const Path& path, std::string_view key);
void validate_label_selector(Errors& errors, const Path& path, const LabelSelector& selector);
// Keys in order: what is said must not depend on the order of a hash map.
std::vector<std::string_view> sorted_keys(const StringMap& map);

// --- addresses (address.cpp) ---------------------------------------------------------------------
enum class IpFamily : uint8_t { none, v4, v6 };
IpFamily ip_family(std::string_view text);  // none: not an address
IpFamily cidr_family(std::string_view text);
void check_ip(Errors& errors, const Path& path, std::string_view text);
// An address that packets can be sent to from elsewhere.
void check_reachable_ip(Errors& errors, const Path& path, std::string_view text);
void check_cidr(Errors& errors, const Path& path, std::string_view text);

// --- parts of pods -------------------------------------------------------------------------------
// resources.cpp
void validate_resources(Errors& errors, const Path& path, const ResourceRequirements& resources);
void validate_container_quantities(Errors& errors, const Path& path, const ResourceMap& map);
// Quantities of a node: any well-formed name.
void validate_node_quantities(Errors& errors, const Path& path, const ResourceMap& map);
// probe.cpp
void validate_probe(Errors& errors, const Path& path, const Probe& probe);
void validate_lifecycle(Errors& errors, const Path& path, const Lifecycle& lifecycle);
// volume.cpp
void validate_volumes(Errors& errors, const Path& path, const Repeated<Volume>& volumes);
// `volumes`: the names of the pod's.
void validate_mounts(Errors& errors, const Path& path, const Container& container,
                     const Seen& volumes);
// downward.cpp: values that a container takes from its pod.
void validate_env_field(Errors& errors, const Path& path, const ObjectFieldSelector& selector);
void validate_volume_field(Errors& errors, const Path& path, const ObjectFieldSelector& selector);
void validate_resource_field(Errors& errors, const Path& path,
                             const ResourceFieldSelector& selector, bool names_container);
// container.cpp
void validate_containers(Errors& errors, const Path& path, const PodSpec& spec);
void validate_init_containers(Errors& errors, const Path& path, const PodSpec& spec);
void validate_ephemeral_containers(Errors& errors, const Path& path, const PodSpec& spec);
// container_env.cpp
void validate_env(Errors& errors, const Path& path, const Container& container);
// security.cpp
void validate_pod_security(Errors& errors, const Path& path, const PodSpec& spec);
void validate_container_security(Errors& errors, const Path& path, const SecurityContext& context);
// placement.cpp
void validate_affinity(Errors& errors, const Path& path, const Affinity& affinity);
void validate_tolerations(Errors& errors, const Path& path,
                          const Repeated<Toleration>& tolerations);
void validate_spread(Errors& errors, const Path& path,
                     const Repeated<TopologySpreadConstraint>& constraints);
// pod_spec.cpp
void validate_pod_spec(Errors& errors, const Path& path, const PodSpec& spec);
void validate_pod_annotations(Errors& errors, const Path& path, const StringMap& annotations);

// --- kinds ---------------------------------------------------------------------------------------
// Called after metadata has been judged.
void validate(Errors& errors, const Pod& pod);
void validate_change(Errors& errors, const Pod& now, const Pod& before);
void validate_ephemeral_containers_change(Errors& errors, const Pod& now, const Pod& before);
void validate_status_change(Errors& errors, const Pod& now, const Pod& before);

void validate(Errors& errors, const Deployment& deployment);
void validate_change(Errors& errors, const Deployment& now, const Deployment& before);
void validate_status_change(Errors& errors, const Deployment& now, const Deployment& before);
void validate(Errors& errors, const ReplicaSet& set);
void validate_change(Errors& errors, const ReplicaSet& now, const ReplicaSet& before);
void validate_status_change(Errors& errors, const ReplicaSet& now, const ReplicaSet& before);

void validate(Errors& errors, const Service& service);
void validate_change(Errors& errors, const Service& now, const Service& before);
void validate_status_change(Errors& errors, const Service& now, const Service& before);
void validate(Errors& errors, const Endpoints& endpoints);
void validate_change(Errors& errors, const Endpoints& now, const Endpoints& before);
void validate(Errors& errors, const EndpointSlice& slice);
void validate_change(Errors& errors, const EndpointSlice& now, const EndpointSlice& before);

void validate(Errors& errors, const NetworkPolicy& policy);
void validate_change(Errors& errors, const NetworkPolicy& now, const NetworkPolicy& before);

void validate(Errors& errors, const Node& node);
void validate_change(Errors& errors, const Node& now, const Node& before);
void validate_status_change(Errors& errors, const Node& now, const Node& before);

void validate(Errors& errors, const PodDisruptionBudget& budget);
void validate_change(Errors& errors, const PodDisruptionBudget& now,
                     const PodDisruptionBudget& before);
void validate_status_change(Errors& errors, const PodDisruptionBudget& now,
                            const PodDisruptionBudget& before);
void validate(Errors& errors, const PriorityClass& priority);
void validate_change(Errors& errors, const PriorityClass& now, const PriorityClass& before);
void validate(Errors& errors, const Lease& lease);
void validate_change(Errors& errors, const Lease& now, const Lease& before);

void validate(Errors& errors, const Namespace& ns);
void validate_change(Errors& errors, const Namespace& now, const Namespace& before);
void validate_status_change(Errors& errors, const Namespace& now, const Namespace& before);
void validate(Errors& errors, const ConfigMap& map);
void validate_change(Errors& errors, const ConfigMap& now, const ConfigMap& before);
void validate(Errors& errors, const Secret& secret);
void validate_change(Errors& errors, const Secret& now, const Secret& before);
void validate(Errors& errors, const ServiceAccount& account);
void validate_change(Errors& errors, const ServiceAccount& now, const ServiceAccount& before);
void validate(Errors& errors, const Role& role);
void validate_change(Errors& errors, const Role& now, const Role& before);
void validate(Errors& errors, const ClusterRole& role);
void validate_change(Errors& errors, const ClusterRole& now, const ClusterRole& before);
void validate(Errors& errors, const RoleBinding& binding);
void validate_change(Errors& errors, const RoleBinding& now, const RoleBinding& before);
void validate(Errors& errors, const ClusterRoleBinding& binding);
void validate_change(Errors& errors, const ClusterRoleBinding& now,
                     const ClusterRoleBinding& before);
void validate(Errors& errors, const CertificateSigningRequest& request);
void validate_change(Errors& errors, const CertificateSigningRequest& now,
                     const CertificateSigningRequest& before);
void validate_status_change(Errors& errors, const CertificateSigningRequest& now,
                            const CertificateSigningRequest& before);
void validate(Errors& errors, const ControllerRevision& revision);
void validate_change(Errors& errors, const ControllerRevision& now,
                     const ControllerRevision& before);
void validate(Errors& errors, const Event& event);
void validate_change(Errors& errors, const Event& now, const Event& before);

}  // namespace keelson::api
