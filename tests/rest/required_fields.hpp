// Which members OpenAPI has published as required since Kubernetes 1.20, a type and its
// members to a line. Facts of the published API; nothing here follows from our .proto files.
#pragma once

#include <string_view>

namespace keelson::rest {

inline constexpr std::string_view required_fields = R"(
io.k8s.api.apps.v1.DeploymentCondition type status
io.k8s.api.apps.v1.DeploymentSpec selector template
io.k8s.api.apps.v1.ReplicaSetCondition type status
io.k8s.api.apps.v1.ReplicaSetSpec selector
io.k8s.api.apps.v1.ReplicaSetStatus replicas
io.k8s.api.autoscaling.v1.ScaleStatus replicas
io.k8s.api.core.v1.AWSElasticBlockStoreVolumeSource volumeID
io.k8s.api.core.v1.AttachedVolume name devicePath
io.k8s.api.core.v1.AzureDiskVolumeSource diskName diskURI
io.k8s.api.core.v1.AzureFileVolumeSource secretName shareName
io.k8s.api.core.v1.Binding target
io.k8s.api.core.v1.CSIVolumeSource driver
io.k8s.api.core.v1.CephFSVolumeSource monitors
io.k8s.api.core.v1.CinderVolumeSource volumeID
io.k8s.api.core.v1.ConfigMapKeySelector key
io.k8s.api.core.v1.ConfigMapNodeConfigSource namespace name kubeletConfigKey
io.k8s.api.core.v1.Container name
io.k8s.api.core.v1.ContainerImage names
io.k8s.api.core.v1.ContainerPort containerPort
io.k8s.api.core.v1.ContainerStateTerminated exitCode
io.k8s.api.core.v1.ContainerStatus name ready restartCount image imageID
io.k8s.api.core.v1.DaemonEndpoint Port
io.k8s.api.core.v1.DownwardAPIVolumeFile path
io.k8s.api.core.v1.EndpointAddress ip
io.k8s.api.core.v1.EndpointPort port
io.k8s.api.core.v1.EnvVar name
io.k8s.api.core.v1.EphemeralContainer name
io.k8s.api.core.v1.Event metadata involvedObject
io.k8s.api.core.v1.FlexVolumeSource driver
io.k8s.api.core.v1.GCEPersistentDiskVolumeSource pdName
io.k8s.api.core.v1.GitRepoVolumeSource repository
io.k8s.api.core.v1.GlusterfsVolumeSource endpoints path
io.k8s.api.core.v1.HTTPGetAction port
io.k8s.api.core.v1.HTTPHeader name value
io.k8s.api.core.v1.HostPathVolumeSource path
io.k8s.api.core.v1.ISCSIVolumeSource targetPortal iqn lun
io.k8s.api.core.v1.KeyToPath key path
io.k8s.api.core.v1.NFSVolumeSource server path
io.k8s.api.core.v1.NamespaceCondition type status
io.k8s.api.core.v1.NodeAddress type address
io.k8s.api.core.v1.NodeCondition type status
io.k8s.api.core.v1.NodeSelector nodeSelectorTerms
io.k8s.api.core.v1.NodeSelectorRequirement key operator
io.k8s.api.core.v1.NodeSystemInfo machineID systemUUID bootID kernelVersion osImage
io.k8s.api.core.v1.NodeSystemInfo containerRuntimeVersion kubeletVersion kubeProxyVersion operatingSystem architecture
io.k8s.api.core.v1.ObjectFieldSelector fieldPath
io.k8s.api.core.v1.PersistentVolumeClaimTemplate spec
io.k8s.api.core.v1.PersistentVolumeClaimVolumeSource claimName
io.k8s.api.core.v1.PhotonPersistentDiskVolumeSource pdID
io.k8s.api.core.v1.PodAffinityTerm topologyKey
io.k8s.api.core.v1.PodCondition type status
io.k8s.api.core.v1.PodReadinessGate conditionType
io.k8s.api.core.v1.PodSpec containers
io.k8s.api.core.v1.PortStatus port protocol
io.k8s.api.core.v1.PortworxVolumeSource volumeID
io.k8s.api.core.v1.PreferredSchedulingTerm weight preference
io.k8s.api.core.v1.QuobyteVolumeSource registry volume
io.k8s.api.core.v1.RBDVolumeSource monitors image
io.k8s.api.core.v1.ResourceFieldSelector resource
io.k8s.api.core.v1.ScaleIOVolumeSource gateway system secretRef
io.k8s.api.core.v1.SeccompProfile type
io.k8s.api.core.v1.SecretKeySelector key
io.k8s.api.core.v1.ServiceAccountTokenProjection path
io.k8s.api.core.v1.ServicePort port
io.k8s.api.core.v1.Sysctl name value
io.k8s.api.core.v1.TCPSocketAction port
io.k8s.api.core.v1.Taint key effect
io.k8s.api.core.v1.TopologySpreadConstraint maxSkew topologyKey whenUnsatisfiable
io.k8s.api.core.v1.TypedLocalObjectReference kind name
io.k8s.api.core.v1.Volume name
io.k8s.api.core.v1.VolumeDevice name devicePath
io.k8s.api.core.v1.VolumeMount name mountPath
io.k8s.api.core.v1.VsphereVirtualDiskVolumeSource volumePath
io.k8s.api.core.v1.WeightedPodAffinityTerm weight podAffinityTerm
io.k8s.api.scheduling.v1.PriorityClass value
io.k8s.apimachinery.pkg.apis.meta.v1.Condition type status lastTransitionTime reason message
io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement key operator
io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference apiVersion kind name uid
)";

}  // namespace keelson::rest
