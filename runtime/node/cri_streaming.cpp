#include "runtime/node/cri_streaming.hpp"

namespace keelson::node {

namespace {

cri::ExecStreams streams_of(const agent::CommandOptions& options) {
  return {.tty = options.tty, .in = options.input, .out = options.output, .err = options.errors};
}

ContainerReading reading_of(const cri::ContainerUsage& usage) {
  ContainerReading out;
  out.id = usage.container_id;
  out.pod_ns = usage.pod_ns;
  out.pod_name = usage.pod_name;
  out.pod_uid = usage.pod_uid;
  out.container = usage.name;
  out.written_bytes = static_cast<int64_t>(usage.writable_layer);
  out.reading.at = usage.at;
  out.reading.cpu_ns = static_cast<int64_t>(usage.cpu_ns);
  out.reading.working_set_bytes = static_cast<int64_t>(usage.memory_working_set);
  return out;
}

}  // namespace

void CriStreaming::exec_url(agent::ContainerId id, const agent::CommandOptions& options,
                            Done<std::string> done) {
  runtime_.exec_url(std::move(id), options.command, streams_of(options), std::move(done));
}

void CriStreaming::attach_url(agent::ContainerId id, const agent::CommandOptions& options,
                              Done<std::string> done) {
  runtime_.attach_url(std::move(id), streams_of(options), std::move(done));
}

void CriStreaming::network_namespace(agent::SandboxId id, Done<std::string> done) {
  runtime_.network_namespace(std::move(id), std::move(done));
}

// False: of one the start is not known.
bool CriStreaming::fill_starts(Readings& readings) const {
  bool all = true;
  for (ContainerReading& reading : readings) {
    const auto found = started_.find(reading.id);
    if (found != started_.end()) reading.started_at = found->second;
    all &= found != started_.end();
  }
  return all;
}

void CriStreaming::container_stats(Done<std::vector<ContainerReading>> done) {
  const std::weak_ptr<int> here = here_;
  runtime_.usage([this, here, done = std::move(done)](Result<cri::NodeUsage> usage) mutable {
    if (here.expired()) return;
    if (!usage) return done(usage.error());
    Readings readings;
    for (const cri::ContainerUsage& container : *usage) readings.push_back(reading_of(container));
    if (fill_starts(readings)) return done(std::move(readings));
    // Somebody is new; a list says since when it runs.
    runtime_.list([this, here, readings = std::move(readings),
                   done = std::move(done)](Result<agent::RuntimeState> state) mutable {
      if (here.expired()) return;
      if (state) {
        started_.clear();
        for (const agent::ContainerInfo& info : state->containers)
          started_[info.id] = info.started_at;
        fill_starts(readings);
      }
      done(std::move(readings));
    });
  });
}

}  // namespace keelson::node
