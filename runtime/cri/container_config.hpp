// From a container's spec to CRI's ContainerConfig. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "core/agent/container_runtime.hpp"
#include "runtime/cri/cri_runtime.hpp"
#include "runtime/cri/wire.hpp"

namespace keelson::cri {

// Files of the host that the runtime adds to those of the volumes.
struct ExtraFiles {
  std::string hosts;        // for /etc/hosts; empty: the runtime's own
  std::string termination;  // for terminationMessagePath
};

// `target`: for an ephemeral container that looks into another's processes, that one's id.
wire::ContainerConfig container_config(const agent::ContainerSpec& spec, const CriOptions& options,
                                       const ExtraFiles& files, const std::string& target);

// The name of the container whose processes an ephemeral container wants to see; empty: none.
std::string target_of(const agent::ContainerSpec& spec);

// The text of kNotePorts and what stands in it: port names and numbers.
std::string ports_note(const api::Container& container);
std::optional<uint16_t> find_port(const std::string& note, const api::IntOrString& port);

// Whether a volume already stands at this path.
bool is_mounted(const agent::ContainerSpec& spec, const std::string& container_path);

}  // namespace keelson::cri
