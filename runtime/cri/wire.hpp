// CRI's messages under a short name, the methods' names, and what Keelson writes into labels and
// annotations to recognise its own.
#pragma once

#include <string>
#include <string_view>

#include "runtime/cri/proto/cri.pb.h"

namespace keelson::cri {

namespace wire = ::runtime::v1;

// "/runtime.v1.RuntimeService/Version"
inline std::string runtime_method(std::string_view name) {
  return "/runtime.v1.RuntimeService/" + std::string(name);
}
inline std::string image_method(std::string_view name) {
  return "/runtime.v1.ImageService/" + std::string(name);
}

// Labels. The first four are kubelet's, so that crictl and log collectors know what they see.
inline constexpr const char* kLabelPodName = "io.kubernetes.pod.name";
inline constexpr const char* kLabelPodNamespace = "io.kubernetes.pod.namespace";
inline constexpr const char* kLabelPodUid = "io.kubernetes.pod.uid";
inline constexpr const char* kLabelContainer = "io.kubernetes.container.name";
inline constexpr const char* kLabelNode = "keelson.io/node";  // whose it is

// Annotations of containers: what must be known of one after the agent's restart.
inline constexpr const char* kNoteInit = "keelson.io/init";    // "true"
inline constexpr const char* kNoteImage = "keelson.io/image";  // as the pod names it
inline constexpr const char* kNotePorts = "keelson.io/ports";  // "http=80 admin=8080"
// "File" or "FallbackToLogsOnError", kubelet's name.
inline constexpr const char* kNoteMessagePolicy =
    "io.kubernetes.container.terminationMessagePolicy";

}  // namespace keelson::cri
