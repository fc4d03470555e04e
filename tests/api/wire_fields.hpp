// What Kubernetes 1.33 sends as protobuf, one message to an entry: "number:name:type", the name as
// in JSON ("-" where the field's own name does not appear there). s, i, l, b, y: string, int32,
// int64, bool, bytes; a mark at the end: ? may be absent, * repeated; in front: % a map by strings.
// Facts of the published wire format; nothing here follows from our .proto files.
#pragma once

#include <string_view>

namespace keelson::api {

inline constexpr std::string_view wire_fields = R"(
apps.v1.ControllerRevision 1:metadata:ObjectMeta 2:data:RawExtension 3:revision:l
apps.v1.Deployment 1:metadata:ObjectMeta 2:spec:DeploymentSpec 3:status:DeploymentStatus
apps.v1.DeploymentCondition 1:type:s 2:status:s 4:reason:s 5:message:s 6:lastUpdateTime:Time
  7:lastTransitionTime:Time
apps.v1.DeploymentSpec 1:replicas:i? 2:selector:LabelSelector 3:template:PodTemplateSpec
  4:strategy:DeploymentStrategy 5:minReadySeconds:i 6:revisionHistoryLimit:i? 7:paused:b
  9:progressDeadlineSeconds:i?
apps.v1.DeploymentStatus 1:observedGeneration:l 2:replicas:i 3:updatedReplicas:i
  4:availableReplicas:i 5:unavailableReplicas:i 6:conditions:DeploymentCondition*
  7:readyReplicas:i 8:collisionCount:i? 9:terminatingReplicas:i?
apps.v1.DeploymentStrategy 1:type:s 2:rollingUpdate:RollingUpdateDeployment
apps.v1.ReplicaSet 1:metadata:ObjectMeta 2:spec:ReplicaSetSpec 3:status:ReplicaSetStatus
apps.v1.ReplicaSetCondition 1:type:s 2:status:s 3:lastTransitionTime:Time 4:reason:s 5:message:s
apps.v1.ReplicaSetSpec 1:replicas:i? 2:selector:LabelSelector 3:template:PodTemplateSpec
  4:minReadySeconds:i
apps.v1.ReplicaSetStatus 1:replicas:i 2:fullyLabeledReplicas:i 3:observedGeneration:l
  4:readyReplicas:i 5:availableReplicas:i 6:conditions:ReplicaSetCondition*
  7:terminatingReplicas:i?
apps.v1.RollingUpdateDeployment 1:maxUnavailable:IntOrString 2:maxSurge:IntOrString
authentication.v1.BoundObjectReference 1:kind:s 2:apiVersion:s 3:name:s 4:uid:s
authentication.v1.ExtraValue 1:items:s*
authentication.v1.SelfSubjectReview 1:metadata:ObjectMeta 2:status:SelfSubjectReviewStatus
authentication.v1.SelfSubjectReviewStatus 1:userInfo:UserInfo
authentication.v1.TokenRequest 1:metadata:ObjectMeta 2:spec:TokenRequestSpec
  3:status:TokenRequestStatus
authentication.v1.TokenRequestSpec 1:audiences:s* 3:boundObjectRef:BoundObjectReference
  4:expirationSeconds:l?
authentication.v1.TokenRequestStatus 1:token:s 2:expirationTimestamp:Time
authentication.v1.TokenReview 1:metadata:ObjectMeta 2:spec:TokenReviewSpec
  3:status:TokenReviewStatus
authentication.v1.TokenReviewSpec 1:token:s 2:audiences:s*
authentication.v1.TokenReviewStatus 1:authenticated:b 2:user:UserInfo 3:error:s 4:audiences:s*
authentication.v1.UserInfo 1:username:s 2:uid:s 3:groups:s* 4:extra:%ExtraValue
authorization.v1.ExtraValue 1:items:s*
authorization.v1.FieldSelectorAttributes 1:rawSelector:s 2:requirements:FieldSelectorRequirement*
authorization.v1.LabelSelectorAttributes 1:rawSelector:s 2:requirements:LabelSelectorRequirement*
authorization.v1.LocalSubjectAccessReview 1:metadata:ObjectMeta 2:spec:SubjectAccessReviewSpec
  3:status:SubjectAccessReviewStatus
authorization.v1.NonResourceAttributes 1:path:s 2:verb:s
authorization.v1.NonResourceRule 1:verbs:s* 2:nonResourceURLs:s*
authorization.v1.ResourceAttributes 1:namespace:s 2:verb:s 3:group:s 4:version:s 5:resource:s
  6:subresource:s 7:name:s 8:fieldSelector:FieldSelectorAttributes
  9:labelSelector:LabelSelectorAttributes
authorization.v1.ResourceRule 1:verbs:s* 2:apiGroups:s* 3:resources:s* 4:resourceNames:s*
authorization.v1.SelfSubjectAccessReview 1:metadata:ObjectMeta 2:spec:SelfSubjectAccessReviewSpec
  3:status:SubjectAccessReviewStatus
authorization.v1.SelfSubjectAccessReviewSpec 1:resourceAttributes:ResourceAttributes
  2:nonResourceAttributes:NonResourceAttributes
authorization.v1.SelfSubjectRulesReview 1:metadata:ObjectMeta 2:spec:SelfSubjectRulesReviewSpec
  3:status:SubjectRulesReviewStatus
authorization.v1.SelfSubjectRulesReviewSpec 1:namespace:s
authorization.v1.SubjectAccessReview 1:metadata:ObjectMeta 2:spec:SubjectAccessReviewSpec
  3:status:SubjectAccessReviewStatus
authorization.v1.SubjectAccessReviewSpec 1:resourceAttributes:ResourceAttributes
  2:nonResourceAttributes:NonResourceAttributes 3:user:s 4:groups:s* 5:extra:%ExtraValue 6:uid:s
authorization.v1.SubjectAccessReviewStatus 1:allowed:b 2:reason:s 3:evaluationError:s 4:denied:b
authorization.v1.SubjectRulesReviewStatus 1:resourceRules:ResourceRule*
  2:nonResourceRules:NonResourceRule* 3:incomplete:b 4:evaluationError:s
autoscaling.v1.Scale 1:metadata:ObjectMeta 2:spec:ScaleSpec 3:status:ScaleStatus
autoscaling.v1.ScaleSpec 1:replicas:i
autoscaling.v1.ScaleStatus 1:replicas:i 2:selector:s
certificates.v1.CertificateSigningRequest 1:metadata:ObjectMeta
  2:spec:CertificateSigningRequestSpec 3:status:CertificateSigningRequestStatus
certificates.v1.CertificateSigningRequestCondition 1:type:s 2:reason:s 3:message:s
  4:lastUpdateTime:Time 5:lastTransitionTime:Time 6:status:s
certificates.v1.CertificateSigningRequestSpec 1:request:y 2:username:s 3:uid:s 4:groups:s*
  5:usages:s* 6:extra:%ExtraValue 7:signerName:s 8:expirationSeconds:i?
certificates.v1.CertificateSigningRequestStatus 1:conditions:CertificateSigningRequestCondition*
  2:certificate:y
certificates.v1.ExtraValue 1:items:s*
coordination.v1.Lease 1:metadata:ObjectMeta 2:spec:LeaseSpec
coordination.v1.LeaseSpec 1:holderIdentity:s? 2:leaseDurationSeconds:i? 3:acquireTime:MicroTime
  4:renewTime:MicroTime 5:leaseTransitions:i? 6:strategy:s? 7:preferredHolder:s?
core.v1.AWSElasticBlockStoreVolumeSource 1:volumeID:s 2:fsType:s 3:partition:i 4:readOnly:b
core.v1.Affinity 1:nodeAffinity:NodeAffinity 2:podAffinity:PodAffinity
  3:podAntiAffinity:PodAntiAffinity
core.v1.AppArmorProfile 1:type:s 2:localhostProfile:s?
core.v1.AttachedVolume 1:name:s 2:devicePath:s
core.v1.AzureDiskVolumeSource 1:diskName:s 2:diskURI:s 3:cachingMode:s? 4:fsType:s? 5:readOnly:b?
  6:kind:s?
core.v1.AzureFileVolumeSource 1:secretName:s 2:shareName:s 3:readOnly:b
core.v1.Binding 1:metadata:ObjectMeta 2:target:ObjectReference
core.v1.CSIVolumeSource 1:driver:s 2:readOnly:b? 3:fsType:s? 4:volumeAttributes:%s
  5:nodePublishSecretRef:LocalObjectReference
core.v1.Capabilities 1:add:s* 2:drop:s*
core.v1.CephFSVolumeSource 1:monitors:s* 2:path:s 3:user:s 4:secretFile:s
  5:secretRef:LocalObjectReference 6:readOnly:b
core.v1.CinderVolumeSource 1:volumeID:s 2:fsType:s 3:readOnly:b 4:secretRef:LocalObjectReference
core.v1.ClientIPConfig 1:timeoutSeconds:i?
core.v1.ClusterTrustBundleProjection 1:name:s? 2:signerName:s? 3:labelSelector:LabelSelector
  4:path:s 5:optional:b?
core.v1.ConfigMap 1:metadata:ObjectMeta 2:data:%s 3:binaryData:%y 4:immutable:b?
core.v1.ConfigMapEnvSource 1:-:LocalObjectReference 2:optional:b?
core.v1.ConfigMapKeySelector 1:-:LocalObjectReference 2:key:s 3:optional:b?
core.v1.ConfigMapNodeConfigSource 1:namespace:s 2:name:s 3:uid:s 4:resourceVersion:s
  5:kubeletConfigKey:s
core.v1.ConfigMapProjection 1:-:LocalObjectReference 2:items:KeyToPath* 4:optional:b?
core.v1.ConfigMapVolumeSource 1:-:LocalObjectReference 2:items:KeyToPath* 3:defaultMode:i?
  4:optional:b?
core.v1.Container 1:name:s 2:image:s 3:command:s* 4:args:s* 5:workingDir:s 6:ports:ContainerPort*
  7:env:EnvVar* 8:resources:ResourceRequirements 9:volumeMounts:VolumeMount*
  10:livenessProbe:Probe 11:readinessProbe:Probe 12:lifecycle:Lifecycle
  13:terminationMessagePath:s 14:imagePullPolicy:s 15:securityContext:SecurityContext 16:stdin:b
  17:stdinOnce:b 18:tty:b 19:envFrom:EnvFromSource* 20:terminationMessagePolicy:s
  21:volumeDevices:VolumeDevice* 22:startupProbe:Probe 23:resizePolicy:ContainerResizePolicy*
  24:restartPolicy:s?
core.v1.ContainerImage 1:names:s* 2:sizeBytes:l
core.v1.ContainerPort 1:name:s 2:hostPort:i 3:containerPort:i 4:protocol:s 5:hostIP:s
core.v1.ContainerResizePolicy 1:resourceName:s 2:restartPolicy:s
core.v1.ContainerState 1:waiting:ContainerStateWaiting 2:running:ContainerStateRunning
  3:terminated:ContainerStateTerminated
core.v1.ContainerStateRunning 1:startedAt:Time
core.v1.ContainerStateTerminated 1:exitCode:i 2:signal:i 3:reason:s 4:message:s 5:startedAt:Time
  6:finishedAt:Time 7:containerID:s
core.v1.ContainerStateWaiting 1:reason:s 2:message:s
core.v1.ContainerStatus 1:name:s 2:state:ContainerState 3:lastState:ContainerState 4:ready:b
  5:restartCount:i 6:image:s 7:imageID:s 8:containerID:s 9:started:b?
  10:allocatedResources:%Quantity 11:resources:ResourceRequirements
  12:volumeMounts:VolumeMountStatus* 13:user:ContainerUser
  14:allocatedResourcesStatus:ResourceStatus* 15:stopSignal:s?
core.v1.ContainerUser 1:linux:LinuxContainerUser
core.v1.DaemonEndpoint 1:Port:i
core.v1.DownwardAPIProjection 1:items:DownwardAPIVolumeFile*
core.v1.DownwardAPIVolumeFile 1:path:s 2:fieldRef:ObjectFieldSelector
  3:resourceFieldRef:ResourceFieldSelector 4:mode:i?
core.v1.DownwardAPIVolumeSource 1:items:DownwardAPIVolumeFile* 2:defaultMode:i?
core.v1.EmptyDirVolumeSource 1:medium:s 2:sizeLimit:Quantity
core.v1.EndpointAddress 1:ip:s 2:targetRef:ObjectReference 3:hostname:s 4:nodeName:s?
core.v1.EndpointPort 1:name:s 2:port:i 3:protocol:s 4:appProtocol:s?
core.v1.EndpointSubset 1:addresses:EndpointAddress* 2:notReadyAddresses:EndpointAddress*
  3:ports:EndpointPort*
core.v1.Endpoints 1:metadata:ObjectMeta 2:subsets:EndpointSubset*
core.v1.EnvFromSource 1:prefix:s 2:configMapRef:ConfigMapEnvSource 3:secretRef:SecretEnvSource
core.v1.EnvVar 1:name:s 2:value:s 3:valueFrom:EnvVarSource
core.v1.EnvVarSource 1:fieldRef:ObjectFieldSelector 2:resourceFieldRef:ResourceFieldSelector
  3:configMapKeyRef:ConfigMapKeySelector 4:secretKeyRef:SecretKeySelector
core.v1.EphemeralContainer 1:-:EphemeralContainerCommon 2:targetContainerName:s
core.v1.EphemeralContainerCommon 1:name:s 2:image:s 3:command:s* 4:args:s* 5:workingDir:s
  6:ports:ContainerPort* 7:env:EnvVar* 8:resources:ResourceRequirements
  9:volumeMounts:VolumeMount* 10:livenessProbe:Probe 11:readinessProbe:Probe
  12:lifecycle:Lifecycle 13:terminationMessagePath:s 14:imagePullPolicy:s
  15:securityContext:SecurityContext 16:stdin:b 17:stdinOnce:b 18:tty:b 19:envFrom:EnvFromSource*
  20:terminationMessagePolicy:s 21:volumeDevices:VolumeDevice* 22:startupProbe:Probe
  23:resizePolicy:ContainerResizePolicy* 24:restartPolicy:s?
core.v1.EphemeralVolumeSource 1:volumeClaimTemplate:PersistentVolumeClaimTemplate
core.v1.Event 1:metadata:ObjectMeta 2:involvedObject:ObjectReference 3:reason:s 4:message:s
  5:source:EventSource 6:firstTimestamp:Time 7:lastTimestamp:Time 8:count:i 9:type:s
  10:eventTime:MicroTime 11:series:EventSeries 12:action:s 13:related:ObjectReference
  14:reportingComponent:s 15:reportingInstance:s
core.v1.EventSeries 1:count:i 2:lastObservedTime:MicroTime
core.v1.EventSource 1:component:s 2:host:s
core.v1.ExecAction 1:command:s*
core.v1.FCVolumeSource 1:targetWWNs:s* 2:lun:i? 3:fsType:s 4:readOnly:b 5:wwids:s*
core.v1.FlexVolumeSource 1:driver:s 2:fsType:s 3:secretRef:LocalObjectReference 4:readOnly:b
  5:options:%s
core.v1.FlockerVolumeSource 1:datasetName:s 2:datasetUUID:s
core.v1.GCEPersistentDiskVolumeSource 1:pdName:s 2:fsType:s 3:partition:i 4:readOnly:b
core.v1.GRPCAction 1:port:i 2:service:s?
core.v1.GitRepoVolumeSource 1:repository:s 2:revision:s 3:directory:s
core.v1.GlusterfsVolumeSource 1:endpoints:s 2:path:s 3:readOnly:b
core.v1.HTTPGetAction 1:path:s 2:port:IntOrString 3:host:s 4:scheme:s 5:httpHeaders:HTTPHeader*
core.v1.HTTPHeader 1:name:s 2:value:s
core.v1.HostAlias 1:ip:s 2:hostnames:s*
core.v1.HostIP 1:ip:s
core.v1.HostPathVolumeSource 1:path:s 2:type:s?
core.v1.ISCSIVolumeSource 1:targetPortal:s 2:iqn:s 3:lun:i 4:iscsiInterface:s 5:fsType:s
  6:readOnly:b 7:portals:s* 8:chapAuthDiscovery:b 10:secretRef:LocalObjectReference
  11:chapAuthSession:b 12:initiatorName:s?
core.v1.ImageVolumeSource 1:reference:s 2:pullPolicy:s
core.v1.KeyToPath 1:key:s 2:path:s 3:mode:i?
core.v1.Lifecycle 1:postStart:LifecycleHandler 2:preStop:LifecycleHandler 3:stopSignal:s?
core.v1.LifecycleHandler 1:exec:ExecAction 2:httpGet:HTTPGetAction 3:tcpSocket:TCPSocketAction
  4:sleep:SleepAction
core.v1.LinuxContainerUser 1:uid:l 2:gid:l 3:supplementalGroups:l*
core.v1.LoadBalancerIngress 1:ip:s 2:hostname:s 3:ipMode:s? 4:ports:PortStatus*
core.v1.LoadBalancerStatus 1:ingress:LoadBalancerIngress*
core.v1.LocalObjectReference 1:name:s
core.v1.NFSVolumeSource 1:server:s 2:path:s 3:readOnly:b
core.v1.Namespace 1:metadata:ObjectMeta 2:spec:NamespaceSpec 3:status:NamespaceStatus
core.v1.NamespaceCondition 1:type:s 2:status:s 4:lastTransitionTime:Time 5:reason:s 6:message:s
core.v1.NamespaceSpec 1:finalizers:s*
core.v1.NamespaceStatus 1:phase:s 2:conditions:NamespaceCondition*
core.v1.Node 1:metadata:ObjectMeta 2:spec:NodeSpec 3:status:NodeStatus
core.v1.NodeAddress 1:type:s 2:address:s
core.v1.NodeAffinity 1:requiredDuringSchedulingIgnoredDuringExecution:NodeSelector
  2:preferredDuringSchedulingIgnoredDuringExecution:PreferredSchedulingTerm*
core.v1.NodeCondition 1:type:s 2:status:s 3:lastHeartbeatTime:Time 4:lastTransitionTime:Time
  5:reason:s 6:message:s
core.v1.NodeConfigSource 2:configMap:ConfigMapNodeConfigSource
core.v1.NodeConfigStatus 1:assigned:NodeConfigSource 2:active:NodeConfigSource
  3:lastKnownGood:NodeConfigSource 4:error:s
core.v1.NodeDaemonEndpoints 1:kubeletEndpoint:DaemonEndpoint
core.v1.NodeFeatures 1:supplementalGroupsPolicy:b?
core.v1.NodeRuntimeHandler 1:name:s 2:features:NodeRuntimeHandlerFeatures
core.v1.NodeRuntimeHandlerFeatures 1:recursiveReadOnlyMounts:b? 2:userNamespaces:b?
core.v1.NodeSelector 1:nodeSelectorTerms:NodeSelectorTerm*
core.v1.NodeSelectorRequirement 1:key:s 2:operator:s 3:values:s*
core.v1.NodeSelectorTerm 1:matchExpressions:NodeSelectorRequirement*
  2:matchFields:NodeSelectorRequirement*
core.v1.NodeSpec 1:podCIDR:s 2:externalID:s 3:providerID:s 4:unschedulable:b 5:taints:Taint*
  6:configSource:NodeConfigSource 7:podCIDRs:s*
core.v1.NodeStatus 1:capacity:%Quantity 2:allocatable:%Quantity 3:phase:s
  4:conditions:NodeCondition* 5:addresses:NodeAddress* 6:daemonEndpoints:NodeDaemonEndpoints
  7:nodeInfo:NodeSystemInfo 8:images:ContainerImage* 9:volumesInUse:s*
  10:volumesAttached:AttachedVolume* 11:config:NodeConfigStatus
  12:runtimeHandlers:NodeRuntimeHandler* 13:features:NodeFeatures
core.v1.NodeSwapStatus 1:capacity:l?
core.v1.NodeSystemInfo 1:machineID:s 2:systemUUID:s 3:bootID:s 4:kernelVersion:s 5:osImage:s
  6:containerRuntimeVersion:s 7:kubeletVersion:s 8:kubeProxyVersion:s 9:operatingSystem:s
  10:architecture:s 11:swap:NodeSwapStatus
core.v1.ObjectFieldSelector 1:apiVersion:s 2:fieldPath:s
core.v1.ObjectReference 1:kind:s 2:namespace:s 3:name:s 4:uid:s 5:apiVersion:s 6:resourceVersion:s
  7:fieldPath:s
core.v1.PersistentVolumeClaimSpec 1:accessModes:s* 2:resources:VolumeResourceRequirements
  3:volumeName:s 4:selector:LabelSelector 5:storageClassName:s? 6:volumeMode:s?
  7:dataSource:TypedLocalObjectReference 8:dataSourceRef:TypedObjectReference
  9:volumeAttributesClassName:s?
core.v1.PersistentVolumeClaimTemplate 1:metadata:ObjectMeta 2:spec:PersistentVolumeClaimSpec
core.v1.PersistentVolumeClaimVolumeSource 1:claimName:s 2:readOnly:b
core.v1.PhotonPersistentDiskVolumeSource 1:pdID:s 2:fsType:s
core.v1.Pod 1:metadata:ObjectMeta 2:spec:PodSpec 3:status:PodStatus
core.v1.PodAffinity 1:requiredDuringSchedulingIgnoredDuringExecution:PodAffinityTerm*
  2:preferredDuringSchedulingIgnoredDuringExecution:WeightedPodAffinityTerm*
core.v1.PodAffinityTerm 1:labelSelector:LabelSelector 2:namespaces:s* 3:topologyKey:s
  4:namespaceSelector:LabelSelector 5:matchLabelKeys:s* 6:mismatchLabelKeys:s*
core.v1.PodAntiAffinity 1:requiredDuringSchedulingIgnoredDuringExecution:PodAffinityTerm*
  2:preferredDuringSchedulingIgnoredDuringExecution:WeightedPodAffinityTerm*
core.v1.PodCondition 1:type:s 2:status:s 3:lastProbeTime:Time 4:lastTransitionTime:Time 5:reason:s
  6:message:s 7:observedGeneration:l
core.v1.PodDNSConfig 1:nameservers:s* 2:searches:s* 3:options:PodDNSConfigOption*
core.v1.PodDNSConfigOption 1:name:s 2:value:s?
core.v1.PodIP 1:ip:s
core.v1.PodOS 1:name:s
core.v1.PodReadinessGate 1:conditionType:s
core.v1.PodResourceClaim 1:name:s 3:resourceClaimName:s? 4:resourceClaimTemplateName:s?
core.v1.PodResourceClaimStatus 1:name:s 2:resourceClaimName:s?
core.v1.PodSchedulingGate 1:name:s
core.v1.PodSecurityContext 1:seLinuxOptions:SELinuxOptions 2:runAsUser:l? 3:runAsNonRoot:b?
  4:supplementalGroups:l* 5:fsGroup:l? 6:runAsGroup:l? 7:sysctls:Sysctl*
  8:windowsOptions:WindowsSecurityContextOptions 9:fsGroupChangePolicy:s?
  10:seccompProfile:SeccompProfile 11:appArmorProfile:AppArmorProfile
  12:supplementalGroupsPolicy:s? 13:seLinuxChangePolicy:s?
core.v1.PodSpec 1:volumes:Volume* 2:containers:Container* 3:restartPolicy:s
  4:terminationGracePeriodSeconds:l? 5:activeDeadlineSeconds:l? 6:dnsPolicy:s 7:nodeSelector:%s
  8:serviceAccountName:s 9:serviceAccount:s 10:nodeName:s 11:hostNetwork:b 12:hostPID:b
  13:hostIPC:b 14:securityContext:PodSecurityContext 15:imagePullSecrets:LocalObjectReference*
  16:hostname:s 17:subdomain:s 18:affinity:Affinity 19:schedulerName:s
  20:initContainers:Container* 21:automountServiceAccountToken:b? 22:tolerations:Toleration*
  23:hostAliases:HostAlias* 24:priorityClassName:s 25:priority:i? 26:dnsConfig:PodDNSConfig
  27:shareProcessNamespace:b? 28:readinessGates:PodReadinessGate* 29:runtimeClassName:s?
  30:enableServiceLinks:b? 31:preemptionPolicy:s? 32:overhead:%Quantity
  33:topologySpreadConstraints:TopologySpreadConstraint*
  34:ephemeralContainers:EphemeralContainer* 35:setHostnameAsFQDN:b? 36:os:PodOS 37:hostUsers:b?
  38:schedulingGates:PodSchedulingGate* 39:resourceClaims:PodResourceClaim*
  40:resources:ResourceRequirements
core.v1.PodStatus 1:phase:s 2:conditions:PodCondition* 3:message:s 4:reason:s 5:hostIP:s 6:podIP:s
  7:startTime:Time 8:containerStatuses:ContainerStatus* 9:qosClass:s
  10:initContainerStatuses:ContainerStatus* 11:nominatedNodeName:s 12:podIPs:PodIP*
  13:ephemeralContainerStatuses:ContainerStatus* 14:resize:s
  15:resourceClaimStatuses:PodResourceClaimStatus* 16:hostIPs:HostIP* 17:observedGeneration:l
core.v1.PodTemplateSpec 1:metadata:ObjectMeta 2:spec:PodSpec
core.v1.PortStatus 1:port:i 2:protocol:s 3:error:s?
core.v1.PortworxVolumeSource 1:volumeID:s 2:fsType:s 3:readOnly:b
core.v1.PreferredSchedulingTerm 1:weight:i 2:preference:NodeSelectorTerm
core.v1.Probe 1:-:ProbeHandler 2:initialDelaySeconds:i 3:timeoutSeconds:i 4:periodSeconds:i
  5:successThreshold:i 6:failureThreshold:i 7:terminationGracePeriodSeconds:l?
core.v1.ProbeHandler 1:exec:ExecAction 2:httpGet:HTTPGetAction 3:tcpSocket:TCPSocketAction
  4:grpc:GRPCAction
core.v1.ProjectedVolumeSource 1:sources:VolumeProjection* 2:defaultMode:i?
core.v1.QuobyteVolumeSource 1:registry:s 2:volume:s 3:readOnly:b 4:user:s 5:group:s 6:tenant:s
core.v1.RBDVolumeSource 1:monitors:s* 2:image:s 3:fsType:s 4:pool:s 5:user:s 6:keyring:s
  7:secretRef:LocalObjectReference 8:readOnly:b
core.v1.ResourceClaim 1:name:s 2:request:s
core.v1.ResourceFieldSelector 1:containerName:s 2:resource:s 3:divisor:Quantity
core.v1.ResourceHealth 1:resourceID:s 2:health:s
core.v1.ResourceRequirements 1:limits:%Quantity 2:requests:%Quantity 3:claims:ResourceClaim*
core.v1.ResourceStatus 1:name:s 2:resources:ResourceHealth*
core.v1.SELinuxOptions 1:user:s 2:role:s 3:type:s 4:level:s
core.v1.ScaleIOVolumeSource 1:gateway:s 2:system:s 3:secretRef:LocalObjectReference 4:sslEnabled:b
  5:protectionDomain:s 6:storagePool:s 7:storageMode:s 8:volumeName:s 9:fsType:s 10:readOnly:b
core.v1.SeccompProfile 1:type:s 2:localhostProfile:s?
core.v1.Secret 1:metadata:ObjectMeta 2:data:%y 3:type:s 4:stringData:%s 5:immutable:b?
core.v1.SecretEnvSource 1:-:LocalObjectReference 2:optional:b?
core.v1.SecretKeySelector 1:-:LocalObjectReference 2:key:s 3:optional:b?
core.v1.SecretProjection 1:-:LocalObjectReference 2:items:KeyToPath* 4:optional:b?
core.v1.SecretReference 1:name:s 2:namespace:s
core.v1.SecretVolumeSource 1:secretName:s 2:items:KeyToPath* 3:defaultMode:i? 4:optional:b?
core.v1.SecurityContext 1:capabilities:Capabilities 2:privileged:b?
  3:seLinuxOptions:SELinuxOptions 4:runAsUser:l? 5:runAsNonRoot:b? 6:readOnlyRootFilesystem:b?
  7:allowPrivilegeEscalation:b? 8:runAsGroup:l? 9:procMount:s?
  10:windowsOptions:WindowsSecurityContextOptions 11:seccompProfile:SeccompProfile
  12:appArmorProfile:AppArmorProfile
core.v1.Service 1:metadata:ObjectMeta 2:spec:ServiceSpec 3:status:ServiceStatus
core.v1.ServiceAccount 1:metadata:ObjectMeta 2:secrets:ObjectReference*
  3:imagePullSecrets:LocalObjectReference* 4:automountServiceAccountToken:b?
core.v1.ServiceAccountTokenProjection 1:audience:s 2:expirationSeconds:l? 3:path:s
core.v1.ServicePort 1:name:s 2:protocol:s 3:port:i 4:targetPort:IntOrString 5:nodePort:i
  6:appProtocol:s?
core.v1.ServiceSpec 1:ports:ServicePort* 2:selector:%s 3:clusterIP:s 4:type:s 5:externalIPs:s*
  7:sessionAffinity:s 8:loadBalancerIP:s 9:loadBalancerSourceRanges:s* 10:externalName:s
  11:externalTrafficPolicy:s 12:healthCheckNodePort:i 13:publishNotReadyAddresses:b
  14:sessionAffinityConfig:SessionAffinityConfig 17:ipFamilyPolicy:s? 18:clusterIPs:s*
  19:ipFamilies:s* 20:allocateLoadBalancerNodePorts:b? 21:loadBalancerClass:s?
  22:internalTrafficPolicy:s? 23:trafficDistribution:s?
core.v1.ServiceStatus 1:loadBalancer:LoadBalancerStatus 2:conditions:Condition*
core.v1.SessionAffinityConfig 1:clientIP:ClientIPConfig
core.v1.SleepAction 1:seconds:l
core.v1.StorageOSVolumeSource 1:volumeName:s 2:volumeNamespace:s 3:fsType:s 4:readOnly:b
  5:secretRef:LocalObjectReference
core.v1.Sysctl 1:name:s 2:value:s
core.v1.TCPSocketAction 1:port:IntOrString 2:host:s
core.v1.Taint 1:key:s 2:value:s 3:effect:s 4:timeAdded:Time
core.v1.Toleration 1:key:s 2:operator:s 3:value:s 4:effect:s 5:tolerationSeconds:l?
core.v1.TopologySpreadConstraint 1:maxSkew:i 2:topologyKey:s 3:whenUnsatisfiable:s
  4:labelSelector:LabelSelector 5:minDomains:i? 6:nodeAffinityPolicy:s? 7:nodeTaintsPolicy:s?
  8:matchLabelKeys:s*
core.v1.TypedLocalObjectReference 1:apiGroup:s? 2:kind:s 3:name:s
core.v1.TypedObjectReference 1:apiGroup:s? 2:kind:s 3:name:s 4:namespace:s?
core.v1.Volume 1:name:s 2:-:VolumeSource
core.v1.VolumeDevice 1:name:s 2:devicePath:s
core.v1.VolumeMount 1:name:s 2:readOnly:b 3:mountPath:s 4:subPath:s 5:mountPropagation:s?
  6:subPathExpr:s 7:recursiveReadOnly:s?
core.v1.VolumeMountStatus 1:name:s 2:mountPath:s 3:readOnly:b 4:recursiveReadOnly:s?
core.v1.VolumeProjection 1:secret:SecretProjection 2:downwardAPI:DownwardAPIProjection
  3:configMap:ConfigMapProjection 4:serviceAccountToken:ServiceAccountTokenProjection
  5:clusterTrustBundle:ClusterTrustBundleProjection
core.v1.VolumeResourceRequirements 1:limits:%Quantity 2:requests:%Quantity
core.v1.VolumeSource 1:hostPath:HostPathVolumeSource 2:emptyDir:EmptyDirVolumeSource
  3:gcePersistentDisk:GCEPersistentDiskVolumeSource
  4:awsElasticBlockStore:AWSElasticBlockStoreVolumeSource 5:gitRepo:GitRepoVolumeSource
  6:secret:SecretVolumeSource 7:nfs:NFSVolumeSource 8:iscsi:ISCSIVolumeSource
  9:glusterfs:GlusterfsVolumeSource 10:persistentVolumeClaim:PersistentVolumeClaimVolumeSource
  11:rbd:RBDVolumeSource 12:flexVolume:FlexVolumeSource 13:cinder:CinderVolumeSource
  14:cephfs:CephFSVolumeSource 15:flocker:FlockerVolumeSource
  16:downwardAPI:DownwardAPIVolumeSource 17:fc:FCVolumeSource 18:azureFile:AzureFileVolumeSource
  19:configMap:ConfigMapVolumeSource 20:vsphereVolume:VsphereVirtualDiskVolumeSource
  21:quobyte:QuobyteVolumeSource 22:azureDisk:AzureDiskVolumeSource
  23:photonPersistentDisk:PhotonPersistentDiskVolumeSource 24:portworxVolume:PortworxVolumeSource
  25:scaleIO:ScaleIOVolumeSource 26:projected:ProjectedVolumeSource
  27:storageos:StorageOSVolumeSource 28:csi:CSIVolumeSource 29:ephemeral:EphemeralVolumeSource
  30:image:ImageVolumeSource
core.v1.VsphereVirtualDiskVolumeSource 1:volumePath:s 2:fsType:s 3:storagePolicyName:s
  4:storagePolicyID:s
core.v1.WeightedPodAffinityTerm 1:weight:i 2:podAffinityTerm:PodAffinityTerm
core.v1.WindowsSecurityContextOptions 1:gmsaCredentialSpecName:s? 2:gmsaCredentialSpec:s?
  3:runAsUserName:s? 4:hostProcess:b?
discovery.v1.Endpoint 1:addresses:s* 2:conditions:EndpointConditions 3:hostname:s?
  4:targetRef:ObjectReference 5:deprecatedTopology:%s 6:nodeName:s? 7:zone:s?
  8:hints:EndpointHints
discovery.v1.EndpointConditions 1:ready:b? 2:serving:b? 3:terminating:b?
discovery.v1.EndpointHints 1:forZones:ForZone* 2:forNodes:ForNode*
discovery.v1.EndpointPort 1:name:s? 2:protocol:s? 3:port:i? 4:appProtocol:s?
discovery.v1.EndpointSlice 1:metadata:ObjectMeta 2:endpoints:Endpoint* 3:ports:EndpointPort*
  4:addressType:s
discovery.v1.ForNode 1:name:s
discovery.v1.ForZone 1:name:s
meta.v1.Condition 1:type:s 2:status:s 3:observedGeneration:l 4:lastTransitionTime:Time 5:reason:s
  6:message:s
meta.v1.DeleteOptions 1:gracePeriodSeconds:l? 2:preconditions:Preconditions 3:orphanDependents:b?
  4:propagationPolicy:s? 5:dryRun:s* 6:ignoreStoreReadErrorWithClusterBreakingPotential:b?
meta.v1.FieldSelectorRequirement 1:key:s 2:operator:s 3:values:s*
meta.v1.FieldsV1 1:-:y
meta.v1.IntOrString 1:type:l 2:intVal:i 3:strVal:s
meta.v1.LabelSelector 1:matchLabels:%s 2:matchExpressions:LabelSelectorRequirement*
meta.v1.LabelSelectorRequirement 1:key:s 2:operator:s 3:values:s*
meta.v1.ListMeta 1:selfLink:s 2:resourceVersion:s 3:continue:s 4:remainingItemCount:l?
meta.v1.ManagedFieldsEntry 1:manager:s 2:operation:s 3:apiVersion:s 4:time:Time 6:fieldsType:s
  7:fieldsV1:FieldsV1 8:subresource:s
meta.v1.MicroTime 1:seconds:l 2:nanos:i
meta.v1.ObjectMeta 1:name:s 2:generateName:s 3:namespace:s 4:selfLink:s 5:uid:s
  6:resourceVersion:s 7:generation:l 8:creationTimestamp:Time 9:deletionTimestamp:Time
  10:deletionGracePeriodSeconds:l? 11:labels:%s 12:annotations:%s
  13:ownerReferences:OwnerReference* 14:finalizers:s* 17:managedFields:ManagedFieldsEntry*
meta.v1.OwnerReference 1:kind:s 3:name:s 4:uid:s 5:apiVersion:s 6:controller:b?
  7:blockOwnerDeletion:b?
meta.v1.Preconditions 1:uid:s? 2:resourceVersion:s?
meta.v1.Quantity 1:string:s
meta.v1.RawExtension 1:-:y
meta.v1.Status 1:metadata:ListMeta 2:status:s 3:message:s 4:reason:s 5:details:StatusDetails
  6:code:i
meta.v1.StatusCause 1:reason:s 2:message:s 3:field:s
meta.v1.StatusDetails 1:name:s 2:group:s 3:kind:s 4:causes:StatusCause* 5:retryAfterSeconds:i
  6:uid:s
meta.v1.Time 1:seconds:l 2:nanos:i
networking.v1.IPBlock 1:cidr:s 2:except:s*
networking.v1.NetworkPolicy 1:metadata:ObjectMeta 2:spec:NetworkPolicySpec
networking.v1.NetworkPolicyEgressRule 1:ports:NetworkPolicyPort* 2:to:NetworkPolicyPeer*
networking.v1.NetworkPolicyIngressRule 1:ports:NetworkPolicyPort* 2:from:NetworkPolicyPeer*
networking.v1.NetworkPolicyPeer 1:podSelector:LabelSelector 2:namespaceSelector:LabelSelector
  3:ipBlock:IPBlock
networking.v1.NetworkPolicyPort 1:protocol:s? 2:port:IntOrString 3:endPort:i?
networking.v1.NetworkPolicySpec 1:podSelector:LabelSelector 2:ingress:NetworkPolicyIngressRule*
  3:egress:NetworkPolicyEgressRule* 4:policyTypes:s*
policy.v1.Eviction 1:metadata:ObjectMeta 2:deleteOptions:DeleteOptions
policy.v1.PodDisruptionBudget 1:metadata:ObjectMeta 2:spec:PodDisruptionBudgetSpec
  3:status:PodDisruptionBudgetStatus
policy.v1.PodDisruptionBudgetSpec 1:minAvailable:IntOrString 2:selector:LabelSelector
  3:maxUnavailable:IntOrString 4:unhealthyPodEvictionPolicy:s?
policy.v1.PodDisruptionBudgetStatus 1:observedGeneration:l 2:disruptedPods:%Time
  3:disruptionsAllowed:i 4:currentHealthy:i 5:desiredHealthy:i 6:expectedPods:i
  7:conditions:Condition*
rbac.v1.AggregationRule 1:clusterRoleSelectors:LabelSelector*
rbac.v1.ClusterRole 1:metadata:ObjectMeta 2:rules:PolicyRule* 3:aggregationRule:AggregationRule
rbac.v1.ClusterRoleBinding 1:metadata:ObjectMeta 2:subjects:Subject* 3:roleRef:RoleRef
rbac.v1.PolicyRule 1:verbs:s* 2:apiGroups:s* 3:resources:s* 4:resourceNames:s* 5:nonResourceURLs:s*
rbac.v1.Role 1:metadata:ObjectMeta 2:rules:PolicyRule*
rbac.v1.RoleBinding 1:metadata:ObjectMeta 2:subjects:Subject* 3:roleRef:RoleRef
rbac.v1.RoleRef 1:apiGroup:s 2:kind:s 3:name:s
rbac.v1.Subject 1:kind:s 2:apiGroup:s 3:name:s 4:namespace:s
scheduling.v1.PriorityClass 1:metadata:ObjectMeta 2:value:i 3:globalDefault:b 4:description:s
  5:preemptionPolicy:s?
)";

}  // namespace keelson::api
